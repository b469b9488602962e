"""Code that all chapters share.

In reading order; each imports only those that are above it in this list:

    errors: the two ways in which a command may fail
    startup: TensorFlow imported late and without its messages
    files: writing files completely or not at all, reading untrusted ones
    config: the options that every run has
    config_files: options from a JSON file
    untrusted: files from others, tried in a child process or checked before reading
    layers: layers that Keras lacks
    data: from rows on the disk to one batch
    features: networks whose features the scores compare
    images: reading, caching, drawing and writing images
    gan: losses, latents and the one compiled training step
    metrics: scores of generated images and shapes
    shapes: reading, caching, drawing and writing voxel shapes
    training: one run, from its first step to its results
    notebook: samples and runs shown in a notebook
    chapter: what a chapter provides for its command line
    tuning: the search for better options
    cli: the command line of a chapter, made from dataclasses of options
"""
