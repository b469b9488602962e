"""Networks whose features the scores compare.

In reading order:

    extractors: every extractor by name
    local_classifier: a small classifier of labelled images
    pretext_task: labels for images that have none
    cached_network: networks trained once on the data at hand, and kept
    keras_weights: weights of Keras's own networks
"""
