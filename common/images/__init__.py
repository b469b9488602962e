"""Images: read, kept, drawn and written.

In reading order:

    pixels: uint8 in [0, 255] and float32 in [-1, 1]
    reading: image files of any usual kind, checked
    writing: PNG and GIF files
    grids: sheets of images with text
    square_store: a folder of images as squares of one size
    full_size_store: a folder of images in their own sizes
    decoding: what both stores share: the cache's key, and decoding in order
    sample_files: files of what a generator makes
    idx: the format of MNIST
    cascade: OpenCV's cascade detectors, opened safely
"""
