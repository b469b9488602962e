"""The data sets of photos and shapes that the study reads.

In reading order:

    photo_list: what each reader returns, before any photo is decoded
    rendered: trees of 3D-R2N2, and what `data render` writes
    folder_of_pairs: your own photos beside your own voxel files
    ikea: the test set of IKEA furniture
    rendered_copy: a voxel set of chapter 2, rendered once into the cache
    photo_cache: the decoded photos
"""
