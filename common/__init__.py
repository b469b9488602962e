"""What all chapters share. A room imports only rooms that stand above it in this list.

In reading order:

    errors: the two ways in which a command may fail
    startup: TensorFlow imported late and quietly
    files: writing whole files, reading untrusted ones
    config: the options that every run has
    config_files: options from a JSON file
    layers: layers that Keras lacks
    data: from rows on the disk to one batch
    features: networks whose features the scores compare
    images: reading, keeping, drawing and writing images
    gan: losses, latents and the one compiled training step
    metrics: scores of generated images and shapes
    shapes: reading, keeping, drawing and writing voxel shapes
    training: one run from its beginning to its end
    notebook: samples and runs shown in a notebook
    chapter: what a chapter hands over to its command line
    tuning: the search for better options
    cli: from dataclasses to a command line
"""
