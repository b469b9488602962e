"""What each reader returns: stored pictures with all that is known about them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Records:
    """The records of one split; a record is one view of an object by all cameras.

    Attributes:
        pictures: uint8, grey (M, cameras, S, S) or RGB (M, cameras, S, S, 3); may be
            memory-mapped, and may hold other splits, too. Left is the first camera.
        rows: int64 (N,), the split's rows of `pictures`, in any order.
        classes: int32 (N,), numbers of the names in `class_names`.
        instances: int32 (N,), numbers of the objects within their class.
        azimuths: float32 (N,), degrees, in [0, 360).
        elevations: float32 (N,), degrees.
        lightings: int32 (N,), numbers of the lightings, from 0.
        class_names: names of all classes of the data set.
        folder: folder that contains the files of pictures.
        files: their paths in it; they decide when a cache is written again.
    """

    pictures: np.ndarray
    rows: np.ndarray
    classes: np.ndarray
    instances: np.ndarray
    azimuths: np.ndarray
    elevations: np.ndarray
    lightings: np.ndarray
    class_names: tuple[str, ...]
    folder: Path
    files: tuple[str, ...]
