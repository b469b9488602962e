"""Scenes rich in edges and textures, as a folder of PNG files.

In reading order:

    write: a whole data set
    backdrops: a surface, a landscape or a person
    leaves: textured shapes that cover each other
    patterns: textures in perspective
    strokes: curves, hair, grass, wires and text
"""
