"""From rows on the disk to one batch.

In reading order:

    splits: which items are trained on, held out, or kept for validation
    batches: batches whose order depends on seed and step alone
    cache: decoded data kept as plain bytes with a description
"""
