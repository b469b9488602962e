"""Data on disk turned into batches for training.

In reading order:

    splits: which items are for training, held out for tests, or for validation
    batches: batches whose order depends only on the seed and the step
    cache: files that keep decoded data as plain bytes, with a description
"""
