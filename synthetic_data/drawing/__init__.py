"""What the drawn stand-ins share.

In reading order:

    pen: curves and tapered strokes
    canvas: soft masks on planes of colour
    pool: drawing in several processes
    folders: folders that are written whole or not at all
"""
