"""Preparation of any photo: crop the face as the networks expect it.

In reading order:

    framing: find faces, and measure their position and size in a data set
    face_crop: find the face in a photo, rotate it upright and crop it
"""
