"""Photos on their way to the encoder.

In reading order:

    cutting: the object of a photo, by a mask, its alpha or a box, in a square
    augmentation: random changes of training photos
"""
