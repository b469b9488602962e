"""Colours of objects: distances between pictures, transfer, spread and fine detail.

The colours of a picture are the quantiles of each channel over its foreground, which is
its colour histogram turned on its side: the mean difference of two pictures' quantiles
is the earth mover's distance of their histograms, averaged over the channels.

    transfer_error     distance of a photo from the image that has its texture, divided
                       by that from images with other photos' textures
    colour_spread      standard deviation of the mean colours of images, divided by that
                       of photos
    high_frequency     mean |Laplacian| of brightness inside the objects in images,
                       divided by that in photos; woven noise is far above 1
"""

import numpy as np
from scipy import ndimage
from scipy.spatial.distance import cdist

from study_von.foregrounds import foreground, inner

# Quantiles of a channel.
LEVELS = (np.arange(16) + 0.5) / 16
# Pixels at the outline that do not count as fine detail.
OUTLINE = 2


def quantiles(images: np.ndarray) -> np.ndarray:
    """Return the quantiles of the colours of foregrounds: float64 (N, 16, 3) in [0, 1].

    Pictures without a foreground are white.

    Args:
        images: uint8 (N, H, W, 3), objects on white.
    """
    result = np.ones((len(images), len(LEVELS), 3))
    for own, image, shown in zip(result, images, foreground(images), strict=True):
        if shown.any():
            own[:] = np.quantile(image[shown] / 255, LEVELS, axis=0)
    return result


def distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the distances of colours, (...) in [0, 1].

    Args:
        a: quantiles (..., 16, 3).
        b: quantiles (..., 16, 3).
    """
    return abs(a - b).mean(axis=(-2, -1))


def transfer_error(photos: np.ndarray, images: np.ndarray) -> float | None:
    """Return the error of transferred textures, relative to chance.

    Args:
        photos: quantiles (N, 16, 3) of photos, N >= 2.
        images: quantiles (N, 16, 3) of images of other shapes with their textures.

    Returns:
        0 if colours are equal, 1 if images have nothing to do with their photos; None
        if all are alike.
    """
    # `distance` of all pairs, without an array of all differences.
    flat = [colours.reshape(len(colours), -1) for colours in (photos, images)]
    distances = cdist(*flat, "cityblock") / flat[0].shape[1]
    own = np.trace(distances) / len(photos)
    chance = (distances.sum() - np.trace(distances)) / (len(photos) * (len(photos) - 1))
    return float(own / chance) if chance else None


def spread(colours: np.ndarray) -> float:
    """Return the standard deviation of mean colours, over all channels together.

    Args:
        colours: quantiles (N, 16, 3).
    """
    return float(np.sqrt(colours.mean(axis=1).var(axis=0).sum()))


def high_frequency(images: np.ndarray) -> float:
    """Return the mean |Laplacian| of brightness inside objects, in [0, 4].

    Args:
        images: uint8 (N, H, W, 3), objects on white.

    Returns:
        The mean over all pixels that are at least three pixels away from white; 0 if
        there are none.
    """
    brightness = np.asarray(images).mean(axis=-1) / 255
    kernel = np.array([[[0, 1, 0], [1, -4, 1], [0, 1, 0]]])
    detail = abs(ndimage.convolve(brightness, kernel))
    inside = inner(foreground(images), OUTLINE)
    return float(detail[inside].mean()) if inside.any() else 0.0
