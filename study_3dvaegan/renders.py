"""Photos of all shapes of a data set, in the folders of 3D-R2N2.

    train.txt, test.txt                                   shapes of each split
    ShapeNetVox32/<class>/<name>/model.binvox             the shape
    ShapeNetRendering/<class>/<name>/rendering/00.png     its photos, and
        rendering_metadata.txt                            azimuth, elevation, roll,
                                                          distance, field of view
        renderings.txt                                    names of the photos

Reference: Choy et al. 2016, arXiv:1604.00449, whose data have these folders.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from common.errors import UserError
from common.images.reading import read_image
from common.shapes.binvox import write_binvox
from common.shapes.store import VoxelStore
from synthetic_data.drawing.pool import run_jobs
from synthetic_data.photographs.photo import take_photo
from synthetic_data.photographs.scene import prepare_scene
from synthetic_data.rooms.room import draw_room

# Increase this when the pictures change: it is a part of the names of caches.
VERSION = 1
# The grid of viewpoints, in degrees [Wu et al. 2016, supplement: 24 x 3; the
# elevations are not given].
AZIMUTHS = tuple(15.0 * number for number in range(24))
ELEVATIONS = (5.0, 20.0, 35.0)
PHOTOS, SHAPES = "ShapeNetRendering", "ShapeNetVox"
# Shapes of the two splits get other colours, light and backgrounds.
SEEDS = {"train": 0, "test": 1}
MOST_VIEWS = len(AZIMUTHS) * len(ELEVATIONS)
# Shapes of one job of a process, and the backgrounds that its pictures share.
_CHUNK = 2
_BACKGROUNDS = 8
# Edge of a background in edges of a picture, so that each shows another part.
_MARGIN = 1.4


class _Job(NamedTuple):
    """Shapes whose pictures one process renders and writes.

    Attributes:
        folder: root of the data set.
        numbers: numbers of the shapes in the data set, which seed their pictures.
        names: their paths, "<class>/<name>".
        rows: their voxels, packed by np.packbits, uint8 (n, ceil(S^3 / 8)).
        size: S.
        views, image_size, seed: as in `render_shapes`.
        photos: photos to use as backgrounds, or ().
    """

    folder: Path
    numbers: Sequence[int]
    names: Sequence[str]
    rows: np.ndarray
    size: int
    views: int
    image_size: int
    seed: int
    photos: Sequence[Path]


def render_split(
    shapes: VoxelStore,
    split: str,
    folder: Path,
    *,
    views: int,
    image_size: int,
    seed: int = 0,
    backgrounds: Sequence[Path] = (),
) -> None:
    """Render the shapes of one split into a tree and list them there.

    Args:
        shapes: the shapes.
        split: "train" or "test"; the shapes' names begin with it.
        folder: root of the tree; the other split may be there already.
        views: photos of each shape.
        image_size: edge of a photo, pixels.
        seed: seed of colours, light and backgrounds.
        backgrounds: photos to use as backgrounds; by default procedural rooms.
    """
    digits = len(str(max(0, len(shapes) - 1)))
    names = [f"{split}_{row:0{digits}d}" for row in range(len(shapes))]
    folder.mkdir(parents=True, exist_ok=True)
    render_shapes(
        shapes,
        names,
        folder,
        views=views,
        image_size=image_size,
        seed=2 * seed + SEEDS[split],
        backgrounds=backgrounds,
    )
    lines = [
        f"{shapes.class_names[label]}/{name}\n"
        for label, name in zip(shapes.labels, names, strict=True)
    ]
    (folder / f"{split}.txt").write_text("".join(sorted(lines)), "utf-8")


def render_shapes(
    shapes: VoxelStore,
    names: Sequence[str],
    folder: Path,
    *,
    views: int = 24,
    image_size: int = 128,
    seed: int = 0,
    backgrounds: Sequence[Path] = (),
    processes: int | None = None,
) -> None:
    """Render photos of shapes and write them with the shapes.

    Args:
        shapes: the shapes, bool voxels with axis 2 up.
        names: name of each shape, different for all shapes of a class.
        folder: root of the data set; other shapes may be there already.
        views: photos of each shape, 1 to 72, drawn from 24 azimuths x 3 elevations
            as evenly as possible.
        image_size: edge of a photo in pixels, 16 to 512, a multiple of 8.
        seed: seed of colours, light and backgrounds.
        backgrounds: photos to use as backgrounds; by default procedural rooms.
        processes: largest number of processes; by default one per core.

    Raises:
        UserError: an option is out of range, a shape is empty, or a file cannot be
            written.
    """
    check_options(views, image_size, seed)
    paths = [
        f"{shapes.class_names[label]}/{name}"
        for label, name in zip(shapes.labels, names, strict=True)
    ]
    jobs = []
    for start in range(0, len(shapes), _CHUNK):
        rows = np.arange(start, min(start + _CHUNK, len(shapes)))
        voxels = shapes.voxels(rows)
        for row, shape in zip(rows, voxels, strict=True):
            if not shape.any():
                raise UserError(
                    f"the shape {paths[row]} has no filled voxel, so there is nothing "
                    "to render; remove it from the data set"
                )
        packed = np.packbits(voxels.reshape(len(rows), -1), axis=1)
        jobs.append(
            _Job(
                folder,
                rows.tolist(),
                [paths[row] for row in rows],
                packed,
                shapes.size,
                views,
                image_size,
                seed,
                tuple(backgrounds),
            )
        )
    total = len(shapes) * views
    run_jobs(
        _render,
        jobs,
        total=total,
        title="rendering",
        unit="photo",
        processes=processes,
    )


def check_options(views: int, image_size: int, seed: int) -> None:
    """Check the options of `render_shapes`.

    Raises:
        UserError: one of them is out of range.
    """
    if not 1 <= views <= MOST_VIEWS:
        raise UserError(f"--views must be from 1 to {MOST_VIEWS}, found {views}")
    if not 16 <= image_size <= 512 or image_size % 8:
        raise UserError(
            f"--image-size must be a multiple of 8 from 16 to 512, found {image_size}"
        )
    if seed < 0:
        raise UserError(f"--seed must be a whole number from 0, found {seed}")


def choose_views(views: int, rng: np.random.Generator) -> list[tuple[float, float]]:
    """Return pairs of azimuth and elevation in degrees, all different.

    Up to 24 views have different azimuths, spread evenly over the circle, and each
    elevation is as frequent as the others, up to one.

    Args:
        views: number of views, 1 to 72.
        rng: source of the order.
    """
    # Each round goes once through all azimuths, with another elevation for each.
    offsets = rng.integers(len(ELEVATIONS), size=len(AZIMUTHS) // len(ELEVATIONS))
    pairs = []
    for turn in range(len(ELEVATIONS)):
        for number, azimuth in enumerate(AZIMUTHS):
            level = number + offsets[number // len(ELEVATIONS)] + turn
            pairs.append((azimuth, ELEVATIONS[level % len(ELEVATIONS)]))
    whole, rest = divmod(views, len(AZIMUTHS))
    places = np.linspace(0, len(AZIMUTHS), rest, endpoint=False).astype(int)
    start = int(rng.integers(len(AZIMUTHS)))
    last = [whole * len(AZIMUTHS) + (start + p) % len(AZIMUTHS) for p in places]
    chosen = [*range(whole * len(AZIMUTHS)), *sorted(last)]
    return [pairs[number] for number in chosen]


def _render(job: _Job) -> list[str]:
    """Render and write the pictures of a few shapes; return a row for each picture."""
    rows = np.unpackbits(job.rows, axis=1, count=job.size**3).astype(bool)
    backgrounds = _backgrounds(job)
    written = []
    for number, path, row in zip(job.numbers, job.names, rows, strict=True):
        voxels = row.reshape((job.size,) * 3)
        shapes = job.folder / f"{SHAPES}{job.size}"
        write_binvox(shapes / path / "model.binvox", voxels)
        rng = np.random.default_rng((job.seed, number))
        scene = prepare_scene(voxels)
        folder = job.folder / PHOTOS / path / "rendering"
        folder.mkdir(parents=True, exist_ok=True)
        lines = []
        for index, (azimuth, elevation) in enumerate(choose_views(job.views, rng)):
            room = backgrounds[rng.integers(len(backgrounds))]
            behind = _part_of(room, job.image_size, rng)
            photo, view = take_photo(scene, azimuth, elevation, behind, rng)
            Image.fromarray(photo).save(folder / f"{index:02d}.png", compress_level=3)
            lines.append(" ".join(f"{value:.4f}" for value in view))
        names = [f"{index:02d}.png" for index in range(job.views)]
        (folder / "rendering_metadata.txt").write_text("\n".join(lines) + "\n")
        (folder / "renderings.txt").write_text("\n".join(names) + "\n")
        written += lines
    return written


def _backgrounds(job: _Job) -> list[np.ndarray]:
    """Return the backgrounds of a job: photos if there are any, else rooms."""
    rng = np.random.default_rng((job.seed, job.numbers[0], 1))
    edge = round(_MARGIN * job.image_size)
    if not job.photos:
        return [draw_room(rng, edge) for _ in range(_BACKGROUNDS)]
    chosen = rng.integers(len(job.photos), size=_BACKGROUNDS)
    return [read_image(job.photos[place], (edge, edge)) for place in chosen]


def _part_of(room: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Return a random square of a background, mirrored half of the time."""
    top, left = rng.integers(0, len(room) - size + 1, 2)
    part = room[top : top + size, left : left + size]
    part = part[:, ::-1] if rng.random() < 0.5 else part
    # Other light than in the other pictures with the same background.
    gains = rng.uniform(0.7, 1.2) * rng.normal(1, 0.06, 3)
    return (part * gains).clip(0, 255).astype(np.uint8)
