"""Networks that recognise people, for the identity loss and for `test`.

In reading order:

    recognizer: the common interface of these networks
    choose: the network that the configuration names
    local_network: a small network, trained on the data set's own photos
    keras_file: a network from a .keras file
    onnx_file: a network from an ONNX file
    onnx_runner: the program that runs such a network in a child process
    verification: whether two photos show the same person, and how often that is wrong
"""
