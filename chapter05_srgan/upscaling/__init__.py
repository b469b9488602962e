"""Files of any size enlarged: the command `upscale`.

In reading order:

    upscale: one file, or all files of a folder
    tiles: a large image tile by tile, in bounded memory
    reading: image files with all that they carry: bits, transparency, metadata
    writing: the same, written strip by strip
"""
