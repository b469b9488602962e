"""A task for the local extractor where nobody has labelled the images.

Classes of alike layout and colours, found by k-means, make a network's features tell
of layout and colour. They say nothing of sharpness, texture and form, because no
image lacks them. So every image comes again blurred, again with grain and again
warped, and which of the four it is belongs to the class.
"""

import numpy as np
from scipy import ndimage

# To be raised when the task changes: a trained network is not made anew.
VERSION = 1
GRID = 8
CLUSTERS = 32
# Standard deviations of the blur, in pixels of an image of 64.
BLUR = (0.6, 2.0)
# Standard deviations of the grain in grey levels, and of the blur of its grains.
GRAIN, GRAIN_BLUR = (6.0, 30.0), (0.0, 1.5)
# Standard deviations of the warp's smooth field, and its mean reach.
SMOOTH, REACH = 6.0, (1.5, 4.0)
MOST_IMAGES = 4000


def make_task(images: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return images with classes that a network can learn features from.

    Args:
        images: uint8 (N, S, S, C), S a multiple of 8. Of more than 4,000, 4,000 are
            drawn at random.
        seed: of all that is random.

    Returns:
        uint8 (4 M, S, S, C), each image as it is, blurred, with grain and warped;
        and int (4 M,), the classes.

    Reference: Caron et al. 2018, arXiv:1807.05520, section 3.2 (classes by
        k-means); Dosovitskiy et al. 2014, arXiv:1406.6909 (learning from changed
        images).
    """
    rng = np.random.default_rng(seed)
    images = np.asarray(images[chosen_rows(len(images), rng)])
    classes = cluster(images, seed)
    changes = (blurred, grained, warped)
    changed = [images, *(change(images, rng) for change in changes)]
    labels = [classes + number * (classes.max() + 1) for number in range(len(changed))]
    return np.concatenate(changed), np.concatenate(labels)


def chosen_rows(count: int, rng: np.random.Generator) -> np.ndarray:
    """Draw at most 4,000 of `count` images; return their places, ascending."""
    return np.sort(rng.permutation(count)[:MOST_IMAGES])


def cluster(images: np.ndarray, seed: int) -> np.ndarray:
    """Sort images into at most 32 classes of alike layout and colours, int (N,).

    k-means on the images shrunk to 8 x 8 by means of their pixels. With few images
    there are fewer classes, so that each has ten on average.
    """
    from sklearn.cluster import KMeans

    n, height, width, channels = images.shape
    cells = images.reshape(n, GRID, height // GRID, GRID, width // GRID, channels)
    points = cells.mean(axis=(2, 4)).reshape(n, -1)
    count = max(2, min(CLUSTERS, n // 10))
    return KMeans(count, n_init=1, random_state=seed).fit_predict(points)


def blurred(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return each image blurred by a Gaussian of its own width."""
    scale = images.shape[1] / 64
    widths = scale * rng.uniform(*BLUR, len(images))
    return np.stack(
        [
            ndimage.gaussian_filter(image, (width, width, 0))
            for image, width in zip(images, widths, strict=True)
        ]
    )


def grained(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return each image with noise of its own strength and coarseness added."""
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
    """Return each image with its pixels moved by a smooth random field."""
    size = images.shape[1]
    scale = size / 64
    places = np.stack(np.meshgrid(*[np.arange(size)] * 2, indexing="ij"))
    result = np.empty_like(images)
    for image, out in zip(images, result, strict=True):
        field = rng.standard_normal((2, size, size))
        field = ndimage.gaussian_filter(field, (0, *[SMOOTH * scale] * 2))
        field *= scale * rng.uniform(*REACH) / np.abs(field).mean()
        for channel in range(image.shape[-1]):
            out[..., channel] = ndimage.map_coordinates(
                image[..., channel], places + field, order=1, mode="nearest"
            )
    return result
