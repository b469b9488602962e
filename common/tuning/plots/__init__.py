"""Images of a search.

In reading order:

    search_picture: what was tried and what it gave
    parallel_coordinates: a line a trial
    importance: which options matter
    axes: where a value lies on an axis
    tensorboard_hparams: TensorBoard's HPARAMS page
"""
