"""Scores of generated images and shapes.

In reading order:

    image_scores: all scores of a set of images, computed from their features
    feature_statistics: mean and covariance of features
    fid: Fréchet Inception Distance (FID) and Fréchet Joint Distance
    kid: Kernel Inception Distance (KID)
    inception_score: Inception Score and Mode Score
    precision_recall: quality and variety, measured separately
    shape_scores: scores of voxel shapes
    set_distances: coverage, minimum matching distance (MMD) and 1-NN accuracy
    memorisation: whether training items were learnt by heart
    divergence: Kullback-Leibler and Jensen-Shannon divergences
    linear_svm: accuracy of a linear classifier on a network's features
    report: the files metrics.json and metrics.md
"""
