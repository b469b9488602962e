"""Photos of shapes: rendering voxels over rooms, in the layout of 3D-R2N2.

In reading order:

    materials: random colours, patterns and gloss of a surface
    photo: camera, light, shadow and background of one picture
    write: the pictures and shapes of a whole data set, and `data render`
"""
