"""Which pixels of a picture show the object, found from the picture alone.

Photos have masks and images have sketches, but `test` also needs the object as a viewer
sees it. The rule is the same for photos, images and images of the DCGAN:

1. A pixel differs from white if one of its channels is below 250 of 255.
2. At the outline, a pixel belongs to the object if it differs at least half as much as
   its most different neighbour: it is then about half covered.
3. Spots without difference that are smaller than 0.5 % of the picture belong to the
   object: they are highlights, not gaps between legs.
"""

import numpy as np
from scipy import ndimage

# A channel below this value differs from white.
WHITE = 250
# Share of the picture below which a white spot is a highlight.
SPOT = 0.005
# Neighbours of a pixel in the same picture: those along edges, and all eight.
FOUR = ndimage.generate_binary_structure(2, 1)[None]
EIGHT = np.ones((1, 3, 3), bool)


def foreground(images: np.ndarray) -> np.ndarray:
    """Return which pixels show the object: bool (N, H, W).

    Args:
        images: uint8 (N, H, W, 3), objects on white.
    """
    difference = 255 - np.asarray(images).min(axis=-1).astype(np.int16)
    differs = difference > 255 - WHITE
    # 1. Remove pixels at the outline that are less than half covered.
    inside = ndimage.binary_erosion(differs, EIGHT, border_value=1)
    largest = ndimage.maximum_filter(difference, (1, 3, 3))
    found = differs & (inside | (2 * difference >= largest))
    # 2. Fill small spots.
    spots, _ = ndimage.label(~found, np.concatenate([0 * FOUR, FOUR, 0 * FOUR]))
    sizes = np.bincount(spots.ravel())
    small = sizes < SPOT * found[0].size
    small[0] = False  # The object itself has the number 0.
    return found | small[spots]


def inner(shown: np.ndarray, pixels: int = 1) -> np.ndarray:
    """Return foregrounds without the pixels next to the outline: bool (N, H, W).

    Args:
        shown: bool (N, H, W).
        pixels: width of what is left out.
    """
    return ndimage.binary_erosion(shown, EIGHT, pixels)


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Return the mean intersection over union of masks.

    Two empty ones count as 0: without an object there is nothing to agree on.

    Args:
        a: bool (N, H, W).
        b: bool (N, H, W).
    """
    both = (a & b).sum(axis=(1, 2))
    either = (a | b).sum(axis=(1, 2))
    return float(np.mean(both / np.maximum(either, 1)))
