"""Reading, storing, arranging and writing images.

In reading order:

    pixels: conversion between uint8 in [0, 255] and float32 in [-1, 1]
    reading: finding image files of any common format, and reading them as RGB
    image_file: decoding an image file with everything it contains, for all chapters
    tiff: TIFF files of 8 to 16 bits
    limits: limits on image files, so that decoding stays bounded
    formats: the formats that are read, and the names of others by their content
    writing: PNG and GIF files
    grids: sheets of images with text
    square_store: a folder of images as squares of one size
    full_size_store: a folder of images in their own sizes
    decoding: what both stores share: opening the cache of a folder, and filling it
    sample_files: files of generated images
    cutting: the square around an object in a photo, and masks
    source_files: files that a command makes others of: names, and that they are kept
    idx: the file format of MNIST
    lush: the file format of smallNORB
    cascade: face detection with OpenCV's cascade classifiers
    cascade_runner: the program that runs a cascade, in a child process if untrusted
"""
