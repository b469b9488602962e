"""Enlarging an image file, or all image files of a folder, by a trained network."""

import logging
import tempfile
from collections import Counter
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import cv2
import keras
import numpy as np
from PIL import Image
from tqdm import tqdm

from chapter05_srgan.perceptual_scores import most_detailed_square
from chapter05_srgan.upscaling import tiles
from chapter05_srgan.upscaling.reading import Picture, read_picture
from chapter05_srgan.upscaling.writing import check_target, scratch_array, write_picture
from common.errors import PathsLeftOut, UserError, WritingError
from common.files import cannot_write
from common.images import writing
from common.images.grids import sheet
from common.images.pixels import mean_channel, to_8_bits
from common.images.reading import find_images

logger = logging.getLogger(__name__)

# Edge of each image in a comparison, pixels.
SIDE = 448
# Number of written files that are named before an error.
_NAMED_FILES = 10


def upscale_files(
    network: keras.Model,
    scale: int,
    source: Path,
    target: Path | None = None,
    *,
    tile: int = tiles.TILE,
    overwrite: bool = False,
    compare: bool = False,
    name: str = "network",
) -> list[Path]:
    """Enlarge an image file, or all image files of a folder.

    A folder becomes a folder of PNG files with the same subfolders. A file in it that
    cannot be read is reported in a warning and left out.

    Args:
        network: a network of local layers, (B, h, w, 3) in [-1, 1] -> (B, s h, s w, 3).
        scale: the factor s.
        source: an image file, or a folder of image files at any depth.
        target: file to write, whose suffix determines the format, or folder; default
            <name>_x<s>.png or the folder <name>_x<s> beside the source.
        tile: edge of a tile, pixels of the source.
        overwrite: whether to replace existing files; source files are never replaced.
        compare: whether to write <name>_compare.png beside each result, which shows it
            next to a bicubic enlargement.
        name: name of the network in the comparisons.

    Returns:
        Paths of the enlarged images, each followed by its comparison if there is one;
        `PathsLeftOut` if files of the folder were left out.

    Raises:
        WritingError: a result cannot be written; the log names those written before.
        UserError: the source is missing or cannot be read, no file of a folder can
            be read, a target exists, is a source or has an unknown suffix, or the tile
            is too small.
    """
    source = Path(source)
    target = None if target is None else Path(target)
    if source.is_dir():
        plan = _plan_folder(source, target, scale)
    else:
        plan = _plan_file(source, target, scale)
    _check_plan(plan, overwrite, compare)
    function = tiles.compiled(network)
    tiles.check_tile(tile, function.reach)
    written, failed = [], []
    for path, out in tqdm(plan.items(), "enlarging", unit="image", disable=None):
        try:
            picture = read_picture(path)
            height, width, _ = picture.rgb.shape
            large = (height * scale, width * scale, 3)
            check_target(out, large)
            with _scratch(large, picture.rgb.dtype, out) as rgb:
                tiles.enlarge(function, picture.rgb, scale, tile=tile, out=rgb)
                _write(picture, rgb, out)
                written.append(out)
                if compare:
                    comparison = _comparison(picture, rgb, scale, name)
                    writing.save_image(comparison, _beside(out))
                    written.append(_beside(out))
        except WritingError as error:
            if written:
                logger.info("written before: %s", _named(written))
            if source.is_dir():
                error.status = 1
            raise
        except UserError as error:
            if not source.is_dir():
                raise
            failed.append(error)
            logger.warning("left out: %s", error)
    if not written:
        raise UserError(
            f"none of the {len(failed)} image files in {source} could be enlarged; the "
            f"first: {failed[0]}"
        )
    if failed:
        logger.warning("%d of %d images were left out", len(failed), len(plan))
        return PathsLeftOut(written)
    return written


def _named(paths: list[Path]) -> str:
    """Return the names of some files in one line."""
    names = [str(path) for path in paths[:_NAMED_FILES]]
    if len(paths) > _NAMED_FILES:
        names.append(f"and {len(paths) - _NAMED_FILES} more")
    return ", ".join(names)


def _plan_file(source: Path, target: Path | None, scale: int) -> dict[Path, Path]:
    """Return the file to write for a source file, as {source: file}."""
    name = f"{source.stem}_x{scale}.png"
    if target is None:
        return {source: source.with_name(name)}
    return {source: target / name if target.is_dir() else target}


def _plan_folder(source: Path, target: Path | None, scale: int) -> dict[Path, Path]:
    """Return the file to write for each image file of a folder."""
    whole = source.resolve()
    target = target or whole.with_name(f"{whole.name}_x{scale}")
    if target.resolve().is_relative_to(whole):
        raise UserError(
            f"{target} is in the folder to be enlarged; choose another target"
        )
    if target.exists() and not target.is_dir():
        raise UserError(f"{target} is a file; expected a folder, as {source} is one")
    names = {path: path.relative_to(source) for path in find_images(source)}
    # a.jpg becomes a.png, but if there are both a.jpg and a.bmp, they become a.jpg.png
    # and a.bmp.png. Some file systems ignore case, so names are compared without it.
    used = Counter(str(name.with_suffix("")).casefold() for name in names.values())
    plan = {}
    for path, name in names.items():
        is_unique = used[str(name.with_suffix("")).casefold()] == 1
        stem = name.stem if is_unique else name.name
        plan[path] = target / name.with_name(f"{stem}.png")
    return plan


def _check_plan(plan: dict[Path, Path], overwrite: bool, compare: bool) -> None:
    """Raise a UserError if a file must not or cannot be written.

    Args:
        plan: the file to write for each source file.
        overwrite: whether existing files may be replaced.
        compare: whether comparisons are written, too.
    """
    outputs = [out for out in plan.values() for out in _all_of(out, compare)]
    sources = {_identity(path) for path in plan} - {None}
    existing = [out for out in outputs if out.exists()]
    for out in existing:
        if _identity(out) in sources:
            raise UserError(f"{out} is an image to be enlarged; choose another target")
        if out.is_dir():
            raise UserError(f"{out} is a folder; expected the name of a new file")
    if existing and not overwrite:
        raise UserError(
            f"{existing[0]} exists already ({len(existing)} of {len(outputs)} files "
            "do); choose another target, or replace them with --overwrite"
        )
    if len(set(outputs)) < len(outputs):
        double = next(out for out in outputs if outputs.count(out) > 1)
        raise UserError(f"two results would be named {double}; rename a source file")
    for out in plan.values():
        check_target(out)
    _check_writable(outputs[0].parent)


def _check_writable(folder: Path) -> None:
    """Raise a UserError if a folder, which need not exist yet, is not writable."""
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    try:
        tempfile.TemporaryFile(dir=nearest).close()
    except OSError as error:
        raise cannot_write(folder, error, begun=False) from error


def _identity(path: Path) -> tuple[int, int] | None:
    """Return device and inode, which all names and links of a file share."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _all_of(out: Path, compare: bool) -> list[Path]:
    """Return the files that are written for one image."""
    return [out, _beside(out)] if compare else [out]


def _beside(out: Path) -> Path:
    """Return the file of a result's comparison."""
    return out.with_name(f"{out.stem}_compare.png")


def _scratch(
    shape: tuple, dtype: np.dtype, out: Path
) -> AbstractContextManager[np.ndarray]:
    """Return an array for the pixels of the file `out`, in its folder if it is large.

    The folder is created if it does not exist.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(out, error, begun=False) from error
    return scratch_array(shape, dtype, out.parent)


def _write(picture: Picture, rgb: np.ndarray, out: Path) -> None:
    """Write enlarged colours with the transparency and metadata of their source."""
    if picture.alpha is None:
        write_picture(out, replace(picture, rgb=rgb))
        return
    height, width, _ = rgb.shape
    with _scratch((height, width), rgb.dtype, out) as alpha:
        cv2.resize(picture.alpha, (width, height), alpha, interpolation=cv2.INTER_CUBIC)
        write_picture(out, replace(picture, rgb=rgb, alpha=alpha))


def _comparison(picture: Picture, rgb: np.ndarray, scale: int, name: str) -> np.ndarray:
    """Draw an enlarged image beside a bicubic enlargement, and a detail of both.

    Args:
        picture: the source.
        rgb: the enlarged colours, uint8 or uint16 (s H, s W, 3).
        scale: the factor s.
        name: name of the network, for the captions.

    Returns:
        RGB image of the sheet, uint8.
    """
    small = Image.fromarray(_shown(picture.rgb, picture.grey))
    height, width, _ = rgb.shape
    # The detail: a square of `part` pixels of the source.
    part = min(SIDE // 4, height, width) // scale
    rows, columns = most_detailed_square(np.asarray(small), part)
    top, left = rows.start, columns.start
    box = (left, top, left + part, top + part)
    # Both images are shrunk to fit the sheet; the details keep their enlarged size.
    shrink = max(1.0, max(height, width) / SIDE)
    size = (max(1, round(width / shrink)), max(1, round(height / shrink)))
    cut = rgb[top * scale : (top + part) * scale, left * scale : (left + part) * scale]
    pairs = {
        "": (
            small.resize(size, Image.Resampling.BICUBIC),
            cv2.resize(rgb, size, interpolation=cv2.INTER_AREA),
        ),
        ", a part": (
            small.resize([part * scale] * 2, Image.Resampling.BICUBIC, box),
            cut,
        ),
    }
    rows = []
    for words, pair in pairs.items():
        cells = [_squared(_shown(np.asarray(image), picture.grey)) for image in pair]
        captions = [f"bicubic{words}", f"{name}{words}"]
        rows.append(list(zip(cells, captions, strict=True)))
    return sheet(rows, title=f"Enlarged {scale} times")


def _squared(image: np.ndarray) -> np.ndarray:
    """Return an image in the middle of a white square of `SIDE` pixels.

    It is resized by nearest neighbours, so that its pixels stay visible.
    """
    cell = Image.new("RGB", (SIDE, SIDE), "white")
    times = SIDE / max(image.shape)
    size = [max(1, round(side * times)) for side in image.shape[1::-1]]
    large = Image.fromarray(image).resize(size, Image.Resampling.NEAREST)
    cell.paste(large, ((SIDE - size[0]) // 2, (SIDE - size[1]) // 2))
    return np.asarray(cell)


def _shown(image: np.ndarray, grey: bool) -> np.ndarray:
    """Convert an image of 8 or 16 bits to uint8 (H, W, 3), its mean if it is grey."""
    if grey:
        image = np.broadcast_to(mean_channel(image), image.shape)
    return to_8_bits(image)
