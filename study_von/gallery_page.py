"""The command `gallery`: a page on which shape, viewpoint and texture change by turns.

A browser cannot run the networks, so all images are made beforehand: one picture for
each shape. Its columns are viewpoints; its rows are the silhouette, the depth, and an
image for each texture. The page's sliders choose what to show of them.
"""

import base64
import html
import io
import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from common.errors import UserError
from common.files import atomic_path
from common.training.run_dir import RunDir
from study_von.config import Config
from study_von.generation import check_option, check_seed
from study_von.painting import paint
from study_von.sketch_batches import sketch_maps
from study_von.sketch_pictures import draw_depth, draw_silhouette
from study_von.training import load_networks, texture_latents
from study_von.viewpoints import open_pool
from study_von.volumes import draw_volumes

TEMPLATE = Path(__file__).with_suffix(".html")
MAX_EACH = 36
# Most pixels of all images; in a page, each takes about half a byte.
MAX_PIXELS = 12 * 2**20
QUALITY = 90


def gallery(
    run: RunDir,
    config: Config | None = None,
    shapes: int = 6,
    textures: int = 6,
    views: int = 12,
    seed: int = 1,
    out: Path | None = None,
) -> Path:
    """Write a page on which each of shape, viewpoint and texture changes by itself.

    The page is one file, which loads nothing else.

    Args:
        run: folder of the run.
        config: options of the run; by default its own.
        shapes: number of shapes, 1 to 36.
        textures: number of textures, 1 to 36.
        views: number of viewpoints at equal steps of the azimuth, 1 to 36. Their
            elevation is the median of the run's viewpoints.
        seed: seed of the latents; the same seed gives the same shapes and textures.
        out: folder to write to; by default the run's.

    Returns:
        Path of the page, gallery.html.

    Raises:
        UserError: the run has no texture network, an option is out of range, or the
            page would be too large.
    """
    counts = {"shapes": shapes, "textures": textures, "views": views}
    for name, count in counts.items():
        check_option(name, count, 1, MAX_EACH)
    check_seed(seed)
    config = run.configuration(config)
    most = MAX_PIXELS // config.image_size**2
    if shapes * views * (textures + 2) > most:
        raise UserError(
            f"expected at most {most} images on one page (--shapes times --views times "
            f"--textures and 2), found {shapes * views * (textures + 2)}; lower one"
        )
    networks = load_networks(run)
    latents = texture_latents(config, textures, seed)
    azimuths = np.arange(views) * (360 / views)
    elevation = float(np.median(open_pool(config).elevations))
    sheets = []
    for volume in draw_volumes(config, networks.shape_generator, shapes, seed):
        sketches = sketch_maps(
            config,
            volume[None],
            azimuths,
            np.full(views, elevation),
            np.zeros(views, int),
        )
        rows = [
            paint(config, networks, sketches, np.repeat(latent[None], views, axis=0))
            for latent in latents
        ]
        sheets.append(draw_sheet(sketches, rows))
    title = f"Shape, viewpoint and texture: {run.path.name}"
    path = Path(out or run.path) / "gallery.html"
    write_page(path, sheets, azimuths, textures, title)
    return path


def draw_sheet(sketches: np.ndarray, images: Sequence[np.ndarray]) -> np.ndarray:
    """Draw the sketches and the images of one shape, without gaps.

    Args:
        sketches: float (V, H, H, C), of V viewpoints.
        images: uint8 (V, H, H, 3) for each of T textures.

    Returns:
        uint8 ((2 + T) H, V H, 3): a row of silhouettes, one of depths, and one for each
        texture.
    """
    size = sketches.shape[1]
    rows = [
        [draw_silhouette(maps, size) for maps in sketches],
        [draw_depth(maps, size) for maps in sketches],
        *images,
    ]
    return np.concatenate([np.concatenate(list(row), axis=1) for row in rows])


def write_page(
    path: Path,
    sheets: Sequence[np.ndarray],
    azimuths: Sequence[float],
    textures: int,
    title: str,
) -> None:
    """Write the page.

    Args:
        path: file to write.
        sheets: results of `draw_sheet`, one for each shape.
        azimuths: azimuths of a sheet's columns, degrees.
        textures: number of textures.
        title: heading of the page.
    """
    facts = {
        "size": sheets[0].shape[1] // len(azimuths),
        "azimuths": [round(float(azimuth)) for azimuth in azimuths],
        "shapes": len(sheets),
        "textures": textures,
    }
    figures = [
        f'<figure><img src="{to_uri(sheet)}" alt="Shape {number} from all viewpoints: '
        f'silhouettes, depths, and its images with {textures} textures">'
        f"<figcaption>shape {number}</figcaption></figure>"
        for number, sheet in enumerate(sheets, 1)
    ]
    fields = {
        "title": html.escape(title),
        "facts": json.dumps(facts),
        "figures": "\n".join(figures),
    }
    # One pass: a title that contains "{{facts}}" stays text.
    page = re.sub(
        r"\{\{(title|facts|figures)\}\}",
        lambda match: fields[match[1]],
        TEMPLATE.read_text(encoding="utf-8"),
    )
    with atomic_path(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def to_uri(picture: np.ndarray) -> str:
    """Return a picture, uint8 (H, W, 3), as the address of a JPEG that it contains."""
    buffer = io.BytesIO()
    # Without subsampling: colours stay as sharp as outlines.
    Image.fromarray(picture).save(buffer, "JPEG", quality=QUALITY, subsampling=0)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
