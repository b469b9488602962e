"""Random viewpoints for each class of objects, as photos are usually taken.

The published viewpoints of 2,605 photos of cars and 1,963 of chairs are a data set; the
formulas here follow them roughly. Photos of cars are taken from the front or its sides
and from little above the ground; those of chairs from all around the front, and from
above. Other classes have viewpoints that are spread evenly over the same range.

Reference: Zhu et al. 2018, arXiv:1812.02725; viewpoints in the code that the authors
have published, https://github.com/junyanz/VON.
"""

from typing import NamedTuple

import numpy as np


class Pool(NamedTuple):
    """The distribution of the viewpoints of a class, in degrees.

    Normal distributions that are limited to a range.

    Attributes:
        azimuth: mean and standard deviation of the azimuth.
        azimuths: lowest and highest azimuth.
        elevation: mean and standard deviation of the elevation; negative values are
            mirrored at the ground.
        elevations: lowest and highest elevation.
    """

    azimuth: tuple[float, float]
    azimuths: tuple[float, float]
    elevation: tuple[float, float]
    elevations: tuple[float, float]


CLASSES = {
    "chair": Pool((0, 45), (-120, 120), (28, 9), (2, 40)),
    "car": Pool((18, 48), (-90, 90), (2, 6), (0, 36)),
}
# Range of the azimuths and elevations of all other classes.
OTHER_AZIMUTHS, OTHER_ELEVATIONS = (-90, 90), (0, 40)


def draw_viewpoints(
    class_name: str, count: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draw viewpoints of a class.

    Args:
        class_name: name of the class; `CLASSES` has formulas for some.
        count: number of viewpoints, N.
        rng: source of the random values.

    Returns:
        Azimuths and elevations in degrees, float32 (N,) each. Azimuth 0 looks at the
        front, elevation 90 from above.
    """
    pool = CLASSES.get(class_name)
    if pool is None:
        azimuths = rng.uniform(*OTHER_AZIMUTHS, count)
        elevations = rng.uniform(*OTHER_ELEVATIONS, count)
    else:
        azimuths = rng.normal(*pool.azimuth, count).clip(*pool.azimuths)
        elevations = np.abs(rng.normal(*pool.elevation, count)).clip(*pool.elevations)
    return azimuths.astype(np.float32), elevations.astype(np.float32)
