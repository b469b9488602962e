"""Procedural handwritten digits in the format of MNIST.

In reading order:

    glyphs: a whole data set, digits in the style of many writers
    skeletons: the strokes of each digit
"""
