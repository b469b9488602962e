"""Photos of voxel shapes in random colours and light.

In reading order:

    scene: a shape with its surface, light on it, and how it is drawn
    materials: random colours, patterns and gloss of a surface
    photo: a picture over a background, as study_3dvaegan uses them
    objects: a picture of the object alone, as study_von uses them
    viewpoints: random viewpoints of each class
    write: a data set of pictures of objects
"""
