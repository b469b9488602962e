"""Handwritten digits in MNIST's format.

In reading order:

    glyphs: digits as different hands would write them
    skeletons: the strokes that each digit is made of
"""
