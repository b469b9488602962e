"""Objects that turn: images beside their sketches."""

from pathlib import Path

import numpy as np

from common.images import writing
from common.images.grids import sheet, to_picture
from common.images.source_files import keep_sources
from common.training.run_dir import RunDir
from study_von.config import Config
from study_von.generation import check_option, check_seed
from study_von.given_shapes import Up
from study_von.painting import make_images
from study_von.sketch_batches import sketch_maps
from study_von.sketch_pictures import draw_depth
from study_von.training import load_networks, texture_latents
from study_von.volumes import draw_volumes

MAX_OBJECTS = 12
# Views of an object in its row of the sheet.
SHEET_VIEWS = 12
# Least height of an image in pixels.
TILE = 128
# Time of a frame in milliseconds.
TURN = 100


def turntable(
    run: RunDir,
    config: Config | None = None,
    count: int = 6,
    seed: int = 1,
    frames: int = 36,
    elevation: float = 20.0,
    shape: Path | None = None,
    up: Up = "z",
    out: Path | None = None,
) -> list[Path]:
    """Turn objects: turntable.png and turntable.gif.

    Each object has one shape and one texture; only the azimuth changes. Each image is
    the square around the object, so an object that is wider from its side is drawn
    smaller there.

    Args:
        run: folder of the run.
        config: options of the run; by default its own.
        count: number of objects, 1 to 12.
        seed: seed of shapes and textures, which are those of `generate`.
        frames: number of azimuths at equal steps, 2 to 60.
        elevation: elevation of the camera in degrees, 0 to 90.
        shape: file of a shape that all objects have (see `read_shape`); by default
            shapes are generated.
        up: axis that points up in the file if it is a mesh.
        out: folder to write to; by default the run's.

    Returns:
        Paths of the sheet, one row for each object with up to 12 views, and of the GIF,
        in which all objects turn below their depths.

    Raises:
        UserError: the run has no texture network, the shape cannot be used, or an
            option is out of range.
    """
    check_option("count", count, 1, MAX_OBJECTS)
    check_option("frames", frames, 2, writing.GIF_FRAMES)
    check_option("elevation", elevation, 0, 90)
    check_seed(seed)
    config = run.configuration(config)
    folder = out or run.path
    paths = [folder / "turntable.png", folder / "turntable.gif"]
    keep_sources([shape] if shape else [], paths)
    networks = load_networks(run)
    volumes = draw_volumes(config, networks.shape_generator, count, seed, shape, up)
    textures = texture_latents(config, count, seed)
    turned = np.arange(frames, dtype=np.float32) * 360 / frames
    rows = np.repeat(np.arange(count), frames)
    views = np.tile(turned, count), np.full(len(rows), elevation)
    made = make_images(config, networks, volumes, *views, textures[rows], rows)
    made = made.reshape(count, frames, *made.shape[1:])
    pictures = []
    for frame, azimuth in enumerate(turned):
        sides = np.full(count, azimuth), np.full(count, elevation)
        depths = sketch_maps(config, volumes, *sides)
        pictures.append(
            sheet(
                [
                    [(draw_depth(maps, TILE), None) for maps in depths],
                    [(to_picture(image, TILE), None) for image in made[:, frame]],
                ],
                row_labels=["depth", "image"],
            )
        )
    writing.save_image(draw_turned(made, turned), paths[0])
    writing.save_gif(pictures, paths[1], TURN, last=TURN)
    return paths


def draw_turned(made: np.ndarray, azimuths: np.ndarray) -> np.ndarray:
    """Draw one row for each object, with the azimuths above: uint8 (H, W, 3).

    Args:
        made: uint8 (N, F, H, H, 3); of more than 12 views, 12 are drawn.
        azimuths: (F,), degrees.
    """
    shown = min(len(azimuths), SHEET_VIEWS)
    chosen = np.arange(shown) * len(azimuths) // shown
    return sheet(
        [[(to_picture(images[k], TILE), None) for k in chosen] for images in made],
        column_labels=[f"azimuth {azimuths[k]:.0f}°" for k in chosen],
    )
