"""A stand-in for a collection of anime faces: procedural drawings as PNG files.

In reading order:

    write: draws a face, or writes a whole data set
    parameters: the attributes and measurements of a face, and how they are drawn
    features: head, ears, eyes, eyebrows, nose and mouth
    hair: hair behind, beside and on top of the head
    fringe: shape of the fringe
    extras: background, neck, clothes and accessories
"""
