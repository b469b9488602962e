"""Scenes rich in edges and textures, as a folder of PNG files.

In reading order:

    write: a whole data set
    backdrops: the background of a scene: a surface, a landscape or a face
    leaves: textured shapes that cover each other
    patterns: textures in perspective
    strokes: curves, hair, grass, trees, wires and text
"""
