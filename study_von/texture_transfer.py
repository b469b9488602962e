"""The command `transfer`: the texture of photos, put onto other shapes."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from common.errors import PathsLeftOut, UserError
from common.images import writing
from common.images.grids import sheet, to_picture
from common.images.reading import warn_of_more
from common.images.source_files import file_names, keep_sources, short_name
from common.training.run_dir import RunDir
from study_von.config import Config
from study_von.data_sets.photos import find_mask, read_cutout
from study_von.generation import MAX_VIEWS, check_option, check_seed
from study_von.given_shapes import Up
from study_von.painting import encode_textures, make_images
from study_von.sketch_pictures import view_label
from study_von.training import load_networks
from study_von.viewpoints import frequent, open_pool
from study_von.volumes import draw_volumes

MAX_SHAPES = 36
# Photos on the sheet, and the least height of an image there in pixels.
SHEET_PHOTOS, TILE = 24, 128
logger = logging.getLogger(__name__)


class UsedPhoto(NamedTuple):
    """A photo that can be used.

    Attributes:
        name: name of its files, without the suffix.
        image: the photo, cut to its object, uint8 (H, H, 3).
    """

    name: str
    image: np.ndarray


def transfer(
    run: RunDir,
    config: Config | None = None,
    *,
    photos: Sequence[Path],
    mask: Path | None = None,
    shape: Path | None = None,
    up: Up = "z",
    count: int = 4,
    views: int = 2,
    seed: int = 1,
    out: Path | None = None,
) -> list[Path]:
    """Put the texture of each photo onto shapes, and write the images and a sheet.

    The latent of the texture is the encoder's mean [published]. Photos that cannot be
    used are reported in a warning and left out. Earlier results of the same names are
    replaced, the photos, the mask and the shape never.

    Args:
        run: folder of the run.
        config: options of the run; by default its own.
        photos: image files, each of one object with transparent surroundings, or with a
            mask beside it: cup_mask.png for cup.jpg.
        mask: image of the size of the only photo, bright where the object is.
        shape: file of the only shape; by default shapes are generated. See
            `given_shapes.read_shape`.
        up: axis that points up in a mesh file.
        count: number of generated shapes, 1 to 36.
        views: number of viewpoints of each shape, 1 to 36: the most frequent of the
            run's.
        seed: seed of the shapes; the same seed gives the same shapes as `generate`.
        out: folder to write to; by default `transferred` in the run's folder.

    Returns:
        Paths of the files: first sheet.png, which shows up to 24 photos, then
        <photo>_<shape>_<view>.png. `PathsLeftOut` if a photo was left out.

    Raises:
        UserError: no photo can be used, the run has no texture network, or an option is
            wrong.

    Reference: Zhu et al. 2018, arXiv:1812.02725, section 4.3.
    """
    photos = [Path(photo) for photo in photos]
    folder = Path(out) if out is not None else run.path / "transferred"
    check_options(photos, mask, count, views, seed)
    count = 1 if shape is not None else count
    config = run.configuration(config)
    angles = np.float32(frequent(open_pool(config), views))
    views = len(angles)  # A pool of few azimuths has fewer.
    endings = [f"{s:02d}_{v:02d}.png" for s in range(count) for v in range(views)]
    sources = [*photos, *(Path(path) for path in (mask, shape) if path is not None)]
    names = file_names(photos, {"sheet"})
    results = [folder / f"{name}_{ending}" for name in names for ending in endings]
    keep_sources(sources, [folder / "sheet.png", *results])
    networks = load_networks(run)
    used = cut_all(config, photos, names, mask)
    volumes = draw_volumes(config, networks.shape_generator, count, seed, shape, up)
    latents = encode_textures(networks.texture_encoder, [one.image for one in used])
    # One image for each photo, shape and viewpoint, in this order.
    shapes, sides = np.divmod(np.tile(np.arange(len(endings)), len(used)), views)
    images = make_images(
        config,
        networks,
        volumes,
        *angles[sides].T,
        np.repeat(latents, len(endings), axis=0),
        shapes,
    )
    rows = images.reshape(len(used), len(endings), *images.shape[1:])
    paths = [folder / "sheet.png"]
    labels = [view_label(*angles[side]) for side in sides[: len(endings)]]
    writing.save_image(draw_sheet(used[:SHEET_PHOTOS], rows, labels), paths[0])
    for one, row in zip(used, rows, strict=True):
        for ending, image in zip(endings, row, strict=True):
            paths.append(folder / f"{one.name}_{ending}")
            writing.save_image(image, paths[-1])
    if len(used) < len(photos):
        missing = len(photos) - len(used)
        logger.warning("%d of %d photos were left out", missing, len(photos))
        return PathsLeftOut(paths)
    return paths


def check_options(
    photos: Sequence[Path], mask: Path | None, count: int, views: int, seed: int
) -> None:
    """Check the options of `transfer`.

    Raises:
        UserError: one is wrong.
    """
    if not photos:
        raise UserError("expected at least one photo, found none; name one")
    if mask is not None and len(photos) > 1:
        raise UserError(
            f"expected one photo with --mask, found {len(photos)}; pass each photo "
            "with its own in a command of its own"
        )
    check_option("count", count, 1, MAX_SHAPES)
    check_option("views", views, 1, MAX_VIEWS)
    check_seed(seed)


def cut_all(
    config: Config, photos: Sequence[Path], names: Sequence[str], mask: Path | None
) -> list[UsedPhoto]:
    """Cut the photos that can be used as those of the training are cut.

    Args:
        config: uses image_size.
        photos: image files.
        names: names of their results.
        mask: mask of the only photo, or None.

    Raises:
        UserError: none can be used.
    """
    used, errors = [], []
    for photo, name in zip(photos, names, strict=True):
        try:
            shown = mask or find_mask(photo)
            cut = read_cutout(photo, shown, config.image_size, warn_of_more)
            used.append(UsedPhoto(name, cut[..., :3]))
        except UserError as error:
            errors.append(error)
            if len(photos) > 1:
                logger.warning("left out: %s", error)
    if used:
        return used
    if len(errors) == 1:
        raise errors[0]
    raise UserError(
        f"none of the {len(errors)} photos can be used; the first: {errors[0]}"
    )


def draw_sheet(
    photos: Sequence[UsedPhoto], rows: np.ndarray, labels: Sequence[str]
) -> np.ndarray:
    """Draw each photo and, beside it, the images with its texture.

    Args:
        photos: N photos.
        rows: uint8 (at least N, M, H, H, 3), the images of each.
        labels: M labels of the images.

    Returns:
        uint8 (H, W, 3).
    """
    tiles = [
        [
            (to_picture(one.image, TILE), short_name(one.name)),
            *((to_picture(image, TILE), None) for image in row),
        ]
        for one, row in zip(photos, rows, strict=False)
    ]
    return sheet(tiles, column_labels=["photo", *labels])
