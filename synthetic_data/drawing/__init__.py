"""Drawing tools that the procedural data sets share.

In reading order:

    pen: curves and tapered strokes
    canvas: colouring an image through soft masks
    pool: drawing in several processes
    folders: writing a folder completely or not at all
"""
