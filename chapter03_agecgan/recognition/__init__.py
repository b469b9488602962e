"""Networks that recognise people, for the identity loss and for `test`.

In reading order:

    recognizer: what every such network offers
    choose: which network the configuration names
    local_network: a small one, trained on the photos at hand
    keras_file: one from a .keras file
    onnx_file: one from an ONNX file
    verification: do two photos show the same person?
"""
