"""The data sets of turning objects that the study reads.

In reading order:

    records: what each reader returns, before any picture is resized
    small_norb: the six files of smallNORB
    turning_objects: folders of pictures with the names of COIL-100
    picture_cache: the pictures in a run's size, in memory or on the disk
"""
