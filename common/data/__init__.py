"""Data on disk turned into batches for training.

In reading order:

    folders: the data files below a folder, and folder names that mean a split
    fingerprint: names and sizes of a data set, checked when a run is resumed
    splits: which items are for training, held out for tests, or for validation
    classes: classes of unequal size: balanced sampling, and a warning of few items
    batches: batches whose order depends only on the seed and the step
    cache: files that keep decoded data as plain bytes, with a description
    gzip_stream: reading gzip files block by block
"""
