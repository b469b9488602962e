"""Shaded pictures of voxel shapes, contact sheets and turntables.

Rendering needs only NumPy, SciPy, scikit-image and Pillow: no display and no
OpenGL.
"""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from tqdm import tqdm

from common.errors import UserError
from common.images.grids import sheet
from common.shapes.shading import PAPER, draw_ground, draw_surface, place_camera
from common.shapes.surface import smooth_surface

BLUE = (0.38, 0.60, 0.83)
FAINT = (150, 156, 168)
SAMPLES = 2  # samples per pixel along each axis (antialiasing)


def render_voxels(
    voxels: np.ndarray,
    *,
    image_size: int = 160,
    azimuth: float = 215.0,
    elevation: float = 25.0,
    color: tuple[float, float, float] = BLUE,
    threshold: float = 0.5,
    frame: np.ndarray | None = None,
) -> np.ndarray:
    """Render one shape: a smooth surface, one light and soft shadows.

    Args:
        voxels: (S, S, S) bool, or float in [0, 1]; axis 2 is up.
        image_size: side of the picture in pixels, 16 to 4096.
        azimuth: direction of the viewer, in degrees from axis 0 towards axis 1.
            The chairs of 3D ShapeNets face -axis 0, azimuth 180.
        elevation: angle of the viewer above the ground, -90 to 90 degrees.
        color: red, green, blue of the shape in [0, 1].
        threshold: value above which a voxel is solid.
        frame: bool (S, S, S) whose bounding box fills the picture; default is
            the shape itself. Pictures with the same frame have the same scale.

    Returns:
        uint8 (image_size, image_size, 3). An empty shape gives a picture of the
        word "empty".

    Raises:
        UserError: `image_size` or `elevation` is out of range.
    """
    if not 16 <= image_size <= 4096:
        raise UserError(
            f"expected an image size from 16 to 4096, found {image_size}: choose one"
        )
    if not -90 <= elevation <= 90:
        raise UserError(
            f"expected an elevation from -90 to 90 degrees, found {elevation:g}: "
            "choose one"
        )
    solid = _solid(voxels, threshold)
    if not solid.any():
        return _empty_picture(image_size)
    frame = solid if frame is None or not frame.any() else frame
    camera = place_camera(frame, azimuth, elevation, image_size * SAMPLES)
    picture = draw_ground(solid, camera)
    draw_surface(picture, solid, smooth_surface(solid), camera, color)
    # Average the samples of each pixel.
    cells = np.clip(picture, 0, 1).reshape(image_size, SAMPLES, image_size, SAMPLES, 3)
    return (cells.mean(axis=(1, 3)) * 255 + 0.5).astype(np.uint8)


def render_grid(
    voxels: np.ndarray,
    *,
    columns: int | None = None,
    labels: Sequence[str] | None = None,
    title: str | None = None,
    **view,
) -> np.ndarray:
    """Render many shapes on one sheet, all at the same scale.

    Args:
        voxels: (N, S, S, S) bool or float in [0, 1].
        columns: shapes per row; default makes the sheet about square.
        labels: N captions, one below each shape; default none.
        title: line above the shapes; default none.
        **view: keyword arguments of `render_voxels`.

    Returns:
        uint8 (H, W, 3).

    Raises:
        ValueError: there are no shapes, or the number of labels differs.
    """
    if len(voxels) == 0:
        raise ValueError("render_grid needs at least one shape")
    if labels is not None and len(labels) != len(voxels):
        raise ValueError(f"{len(labels)} labels for {len(voxels)} shapes")
    columns = columns or int(np.ceil(np.sqrt(len(voxels))))
    tiles = _render_all(voxels, view)
    captions = list(labels) if labels is not None else [None] * len(tiles)
    cells = list(zip(tiles, captions, strict=True))
    rows = [cells[i : i + columns] for i in range(0, len(cells), columns)]
    return sheet(rows, title=title)


def render_rows(
    rows: Sequence[tuple[str, np.ndarray]],
    *,
    column_labels: Sequence[str] | None = None,
    title: str | None = None,
    **view,
) -> np.ndarray:
    """Render labelled rows of shapes, for example samples and their neighbours.

    All shapes have the same scale.

    Args:
        rows: pairs of a label and shapes (K, S, S, S); K may differ by row.
        column_labels: captions above the columns; default none.
        title: line above the rows; default none.
        **view: keyword arguments of `render_voxels`.

    Returns:
        uint8 (H, W, 3).

    Raises:
        ValueError: there are no rows.
    """
    if not rows:
        raise ValueError("render_rows needs at least one row")
    tiles = iter(_render_all([shape for _, shapes in rows for shape in shapes], view))
    cells = [[(next(tiles), None) for _ in shapes] for _, shapes in rows]
    names = [label for label, _ in rows]
    return sheet(cells, title=title, row_labels=names, column_labels=column_labels)


def turntable(
    voxels: np.ndarray, frames: int = 24, *, azimuth: float = 215.0, **view
) -> list[np.ndarray]:
    """Render one shape from all sides, as frames of a GIF that loops smoothly.

    Args:
        voxels: (S, S, S) bool or float in [0, 1].
        frames: number of pictures in a full turn.
        azimuth: azimuth of the first picture, in degrees.
        **view: other keyword arguments of `render_voxels`.

    Returns:
        The pictures, each uint8 (image_size, image_size, 3).
    """
    angles = azimuth + 360.0 * np.arange(frames) / frames
    bar = tqdm(angles, desc="turning", unit="picture", disable=None, leave=False)
    return [render_voxels(voxels, azimuth=float(angle), **view) for angle in bar]


def _solid(voxels: np.ndarray, threshold: float) -> np.ndarray:
    """Return the shape as bool (S, S, S)."""
    voxels = np.asarray(voxels)
    if voxels.ndim != 3:
        raise ValueError(f"expected voxels (S, S, S), found shape {voxels.shape}")
    return voxels > threshold


def _render_all(shapes, view: dict) -> list[np.ndarray]:
    """Render shapes at the same scale: the box around all of them is the frame."""
    solids = [_solid(shape, view.get("threshold", 0.5)) for shape in shapes]
    view = {"frame": np.logical_or.reduce(solids)} | view
    bar = tqdm(solids, desc="drawing", unit="shape", disable=None, leave=False)
    # The threshold was applied above; on bool voxels, 0.5 changes nothing.
    return [render_voxels(solid, **(view | {"threshold": 0.5})) for solid in bar]


def _empty_picture(size: int) -> np.ndarray:
    """Return a picture of the word "empty", for a shape without voxels."""
    image = Image.new("RGB", (size, size), PAPER)
    font = ImageFont.load_default(size=max(8, size // 9))
    ImageDraw.Draw(image).text(
        (size / 2, size / 2), "empty", fill=FAINT, font=font, anchor="mm"
    )
    return np.asarray(image)
