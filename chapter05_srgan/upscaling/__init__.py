"""Enlarging image files of any size: the command `upscale`.

In reading order:

    upscale: enlarges one file, or all files of a folder
    tiles: applies a network to a large image tile by tile, in bounded memory
    reading: reads image files with 16 bits, transparency and metadata
    writing: writes such files strip by strip
"""
