"""What the readers of data sets return, before any photo is decoded."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from common.shapes.voxels import ShapeFile


@dataclass(frozen=True)
class PhotoList:
    """The photos of one split and the shape in each.

    Attributes:
        folder: folder that has all photos, at any depth.
        names: paths of the N photos in it, with "/" as separator.
        shape_rows: place of each photo's shape in `shapes`, N numbers.
        elevations: angle of each photo's viewer above the ground, degrees; NaN where
            unknown.
        shapes: a file for each shape.
        keep_framing: whether an opaque square photo is used as it is, because its
            object has been placed already; else it gets the margin of other photos.
    """

    folder: Path
    names: Sequence[str]
    shape_rows: Sequence[int]
    elevations: Sequence[float]
    shapes: Sequence[ShapeFile]
    keep_framing: bool = False
