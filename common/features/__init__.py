"""Networks that extract the features that the scores compare.

In reading order:

    extractors: all feature extractors
    local_classifier: a small classifier, trained on labelled images
    pretext_task: classes for images without labels
    cached_network: networks that are trained once and cached in files
    keras_weights: weights of the networks in keras.applications
"""
