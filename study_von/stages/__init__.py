"""The three stages of training, each with a folder of its own in the run's folder.

In reading order:

    shape: the 3D-GAN, chapter 2's
    texture: from sketches to images and back
    joint: all networks together, through the projection
"""
