"""The data sets that the study reads besides chapter 2's shapes.

In reading order:

    photos: photos of objects on white with masks, cut out and decoded once
    distance_fields: volumes of exp(-8 d), from files or from voxels
"""
