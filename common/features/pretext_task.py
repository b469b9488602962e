"""A classification task for the local extractor if the images have no labels.

K-means finds clusters of images with similar layout and colours. A network that learns
to predict the cluster has features for layout and colour, but not for sharpness,
texture and shape, because none of the images lacks these. Therefore every image is
also added in a blurred, a grainy and a warped version, and a class is a pair of cluster
and version.
"""

import numpy as np
from scipy import ndimage

# A part of the cache's key. Raise it if the task changes, so that cached networks are
# trained again.
VERSION = 1
GRID = 8
CLUSTERS = 32
# All lengths below are in pixels of an image of 64 x 64; they grow with the image.
# Range of the standard deviation of the blur.
BLUR = (0.6, 2.0)
# Range of the standard deviation of the grain, in grey levels.
GRAIN = (6.0, 30.0)
# Range of the standard deviation of the blur that makes the grain coarser.
GRAIN_BLUR = (0.0, 1.5)
# Standard deviation of the blur that makes the displacements of a warp smooth.
SMOOTH = 6.0
# Range of the mean absolute displacement, along each axis, of a warp.
REACH = (1.5, 4.0)
MOST_IMAGES = 4000


def make_task(images: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return images and classes for training a network without labels.

    Args:
        images: uint8 (N, S, S, C), S a multiple of 8. If there are more than 4,000,
            M = 4,000 of them are drawn at random; otherwise M = N.
        seed: seed of the random choices.

    Returns:
        Images, uint8 (4 M, S, S, C): first all originals, then the blurred, the
        grainy and the warped versions. Classes, int (4 M,).

    Reference: Caron et al. 2018, arXiv:1807.05520, section 3.2 (classes by
        k-means); Dosovitskiy et al. 2014, arXiv:1406.6909 (learning from changed
        images).
    """
    rng = np.random.default_rng(seed)
    images = np.asarray(images[chosen_rows(len(images), rng)])
    classes = cluster(images, seed)
    versions = [
        images,
        blurred(images, rng),
        grained(images, rng),
        warped(images, rng),
    ]
    # Each version has classes of its own.
    clusters = classes.max() + 1
    labels = [classes + number * clusters for number in range(len(versions))]
    return np.concatenate(versions), np.concatenate(labels)


def chosen_rows(count: int, rng: np.random.Generator) -> np.ndarray:
    """Draw at most 4,000 of `count` images; return their indices, ascending."""
    return np.sort(rng.permutation(count)[:MOST_IMAGES])


def cluster(images: np.ndarray, seed: int) -> np.ndarray:
    """Group images into at most 32 clusters of similar layout and colours.

    The method is k-means on the images, shrunk to 8 x 8 by averaging. With fewer than
    320 images there are fewer clusters, so that each has about ten images.

    Args:
        images: uint8 (N, S, S, C), S a multiple of 8.
        seed: seed of k-means.

    Returns:
        Number of each image's cluster, int (N,).
    """
    from sklearn.cluster import KMeans

    n, height, width, channels = images.shape
    cells = images.reshape(n, GRID, height // GRID, GRID, width // GRID, channels)
    points = cells.mean(axis=(2, 4)).reshape(n, -1)
    count = max(2, min(CLUSTERS, n // 10))
    return KMeans(count, n_init=1, random_state=seed).fit_predict(points)


def blurred(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Blur each image, uint8 (S, S, C), by a Gaussian of random width."""
    scale = images.shape[1] / 64
    widths = scale * rng.uniform(*BLUR, len(images))
    return np.stack(
        [
            ndimage.gaussian_filter(image, (width, width, 0))
            for image, width in zip(images, widths, strict=True)
        ]
    )


def grained(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Add noise of random strength and coarseness to each image, uint8 (S, S, C)."""
    scale = images.shape[1] / 64
    result = np.empty_like(images)
    for image, out in zip(images, result, strict=True):
        width = scale * rng.uniform(*GRAIN_BLUR)
        noise = ndimage.gaussian_filter(
            rng.standard_normal(image.shape), (width, width, 0)
        )
        noise *= rng.uniform(*GRAIN) / noise.std()
        out[...] = np.clip(image + noise, 0, 255)
    return result


def warped(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Move the pixels of each image, uint8 (S, S, C), by a smooth random field."""
    size = images.shape[1]
    scale = size / 64
    places = np.indices((size, size))
    result = np.empty_like(images)
    for image, out in zip(images, result, strict=True):
        # The displacement of each pixel along both axes.
        field = rng.standard_normal((2, size, size))
        field = ndimage.gaussian_filter(field, (0, SMOOTH * scale, SMOOTH * scale))
        field *= scale * rng.uniform(*REACH) / np.abs(field).mean()
        for channel in range(image.shape[-1]):
            out[..., channel] = ndimage.map_coordinates(
                image[..., channel], places + field, order=1, mode="nearest"
            )
    return result
