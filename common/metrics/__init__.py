"""Scores of generated images and shapes: features, then statistics, then value.

In reading order:

    image_scores: every score of a set of images
    feature_statistics: mean and covariance of features
    fid: the Fréchet distance (FID), and that of images and labels together
    kid: the kernel distance (KID)
    inception_score: Inception Score and Mode Score
    precision_recall: quality and variety, apart from each other
    shape_scores: scores of voxel shapes
    set_distances: coverage, MMD and 1-NNA
    divergence: Kullback-Leibler and Jensen-Shannon divergences
    linear_svm: classes read off a network's features
    report: metrics.json and metrics.md
"""
