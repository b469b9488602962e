"""Charts of a search.

In reading order:

    search_picture: the picture with all charts: losses, importance, parameters
    parallel_coordinates: the parameters, one line per trial
    importance: which options matter
    axes: positions of values on an axis, and the range of losses to show
    tensorboard_hparams: TensorBoard's HPARAMS page
"""
