"""Anime faces as a folder of PNG files.

In reading order:

    write: a whole data set
    parameters: what can differ between two faces
    features: head, eyes, brows, nose, mouth and cheeks
    hair: hair behind and beside the head
    fringe: the fringe
    extras: background, clothes and accessories
"""
