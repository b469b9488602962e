"""Layers that Keras lacks.

In reading order:

    blocks: normalisation and activation by name
    minibatch_discrimination: D sees how close an item is to the others
    spectral_norm: a bound on D's slope
    pixel_shuffle: sub-pixel convolution
    conv3d_one_channel: 3-D convolutions from and to one channel, fast on a CPU
    multiply_adds: how many multiplications a network takes
"""
