"""Layers that Keras lacks.

In reading order:

    blocks: normalisation and activation layers by name
    minibatch_discrimination: lets D see how similar the items of a batch are
    spectral_norm: bounds the Lipschitz constant of D
    pixel_shuffle: upsampling by sub-pixel convolution
    conv3d_one_channel: 3-D convolutions from and to one channel, fast on a CPU
    capsules: vectors whose length is a probability, and routing by agreement
    multiply_adds: the number of multiply-add operations of a network
"""
