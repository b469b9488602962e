"""Whether images keep to the shape, and whether a surface keeps its colours.

    silhouette_iou     IoU of an image's foreground with the silhouette of its sketch
    colour_drift       mean over points p of the surface of |I(p) - I'(p)|, where I' is
                       the neighbouring view, divided by that of |I(p) - J(p)|, where J
                       is the same view with another texture
    histogram_drift    distance of the colours of two random views of an object, divided
                       by that of two random textures in one view

The first is about 1 for any network whose images are on white: a check, not a quality.
The other two are 0 if colours belong to the surface, and about 1 if a texture does not
decide them.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from study_von.colours import distance, quantiles
from study_von.foregrounds import foreground, overlap
from study_von.sketches import POSITION, SILHOUETTE

# Maps (N, H, H, C) and latents of textures (N, d) -> images uint8 (N, H, H, 3).
Paint = Callable[[np.ndarray, np.ndarray], np.ndarray]
# Azimuth between neighbouring views, in degrees.
NEIGHBOUR = 10.0
# Largest distance of positions that are the same point, in units of half the volume's
# edge: about a pixel.
SAME_POINT = 0.03
# Share of a pixel that the object covers, if the pixel shows nothing else.
WHOLE = 0.95


class Views(NamedTuple):
    """Sketches of the same objects from three viewpoints, with all maps.

    Attributes:
        first: float32 (N, H, H, 12).
        neighbour: the same, NEIGHBOUR degrees further.
        other: the same, from another viewpoint.
    """

    first: np.ndarray
    neighbour: np.ndarray
    other: np.ndarray


def silhouette_iou(images: np.ndarray, silhouettes: np.ndarray) -> float:
    """Return the mean IoU of the foregrounds of images with their silhouettes.

    Args:
        images: uint8 (N, H, H, 3).
        silhouettes: shares (N, H, H) in [0, 1]; half covered pixels count as covered.
    """
    return overlap(foreground(images), silhouettes >= 0.5)


def texture_drift(paint: Paint, views: Views, z: np.ndarray) -> dict[str, float]:
    """Return colour_drift and histogram_drift; see the top of this file.

    Args:
        paint: the texture network.
        views: the objects.
        z: latents of their textures, (N, d), N >= 2; the other texture of an object is
            that of the object before it.

    Returns:
        The scores; none of them if textures make no difference at all.
    """
    first, varied = paint(views.first, z), paint(views.first, np.roll(z, 1, axis=0))
    neighbour = paint(views.neighbour, z)
    moved, changed = [], []
    for number in range(len(z)):
        rows, columns = same_points(views.first[number], views.neighbour[number])
        own = _colours(first[number])[rows]
        moved.append(abs(own - _colours(neighbour[number])[columns]).ravel())
        changed.append(abs(own - _colours(varied[number])[rows]).ravel())
    colours = quantiles(first)
    return _ratio("colour_drift", np.concatenate(moved), np.concatenate(changed)) | (
        _ratio(
            "histogram_drift",
            distance(colours, quantiles(paint(views.other, z))),
            distance(colours, quantiles(varied)),
        )
    )


def same_points(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the pixels of two sketches that show the same points of a surface.

    Args:
        a: sketch (H, H, 12).
        b: sketch (H, H, 12) of the same object.

    Returns:
        Numbers of the pixels in `a` and in `b`, int (M,) each, pixel by pixel.
    """
    flat = [sketch.reshape(-1, sketch.shape[-1]) for sketch in (a, b)]
    rows, columns = (np.flatnonzero(x[:, SILHOUETTE] >= WHOLE) for x in flat)
    if not len(rows) or not len(columns):
        return rows[:0], columns[:0]
    tree = cKDTree(flat[1][columns, POSITION])
    distances, nearest = tree.query(flat[0][rows, POSITION])
    same = distances <= SAME_POINT
    return rows[same], columns[nearest[same]]


def _colours(image: np.ndarray) -> np.ndarray:
    """Return the colours of the pixels of an image, float64 (H * H, 3)."""
    return image.reshape(-1, 3).astype(np.float64)


def _ratio(name: str, values: np.ndarray, chance: np.ndarray) -> dict[str, float]:
    """Return the ratio of two means under a name; nothing if it is not defined."""
    if not len(chance) or not chance.mean():
        return {}
    return {name: float(values.mean() / chance.mean())}
