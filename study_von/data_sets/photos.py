"""Photos of objects, cut out: decoded once by all cores, then opened quickly.

A photo shows where its object is by transparency or by a mask, an image that is bright
there:

    photos/cup.png                            transparent around the cup; or
    photos/cup.jpg   photos/cup_mask.png      a mask beside the photo; or
    photos/cup.jpg   photos/masks/cup.png     one in a folder below; or
    photos/cup.jpg   masks/cup.png            one in a folder beside

As in the published data, the object's box, padded to a square with 3 % of its edge on
each side, is resized and put on white (Zhu et al. 2018, arXiv:1812.02725; data of
https://github.com/junyanz/VON).
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from common.data.cache import CacheFiles, cache_key
from common.data.folders import find_files, warn_once
from common.data.splits import split_names
from common.errors import UserError
from common.files import default_cache_dir
from common.images.cutting import cut_square, filled_box, read_mask
from common.images.decoding import Written, warn_of_skipped, write_decoded
from common.images.formats import SUFFIXES
from common.images.image_file import ImageError
from common.images.reading import find_images, read_image_and_alpha
from synthetic_data.drawing.folders import NOTE

FORMAT = 1  # a part of the caches' keys; raise it when photos are cut differently
MARGIN = 0.03  # space around an object, as a share of its longer side [published code]
MASKS = ("masks", "mask")  # names of folders of masks
_MASK_END = "_mask"  # end of the name of a mask beside its photo, without the suffix
# Table of viewpoints and note of the stand-in, which are no photos.
_KNOWN = ("views.csv", NOTE)
# Decoded photos per thread that may wait to be written.
_AHEAD = 16
_OPAQUE = 128  # least opacity of a pixel of the object, of 255 [published code: 0.5]


@dataclass(frozen=True)
class Photos:
    """Photos of objects, cut out.

    Attributes:
        images: uint8 (N, H, H, 3), RGB, read-only; the objects are on white.
        masks: uint8 (N, H, H), read-only; 255 where the object is.
        names: N paths in the folder, with "/" as separator.
        folder: the folder of the photos.
    """

    images: np.ndarray
    masks: np.ndarray
    names: tuple[str, ...]
    folder: Path

    def __len__(self) -> int:
        """Return the number of photos."""
        return len(self.names)

    def subset(self, rows: np.ndarray) -> "Photos":
        """Return some of the photos.

        Args:
            rows: int (n,), ascending. If they are consecutive, the result is a view;
                otherwise the photos are copied.
        """
        names = tuple(self.names[row] for row in rows)
        if len(rows) and np.all(np.diff(rows) == 1):
            rows = slice(rows[0], rows[-1] + 1)
        return Photos(self.images[rows], self.masks[rows], names, self.folder)


@dataclass(frozen=True)
class CutoutsMeta:
    """The description of a cache of photos that are cut out.

    Attributes:
        size: edge of the photos, pixels.
        rows_crc: CRC-32 of all pixels.
        names: path of each photo in the folder.
        skipped: paths of the files that are left out, with the reasons.
        cut: paths of the photos whose further frames or pages are not read.
    """

    size: int
    rows_crc: int
    names: list[str]
    skipped: dict[str, str]
    cut: list[str]

    @property
    def byte_count(self) -> int:
        """Number of bytes of all photos and masks."""
        return len(self.names) * self.size**2 * 4


def open_photos(folder: Path, size: int, memory_mb: float) -> Photos:
    """Open all photos below a folder; decode them on first use.

    Files that are not usable images, and photos without a usable mask, are left out,
    with a warning at every opening.

    Args:
        folder: folder of the photos, at any depth.
        size: edge of the results in pixels, H.
        memory_mb: largest total size in MB that is read into memory; larger caches are
            memory-mapped.

    Returns:
        The photos, sorted by name.

    Raises:
        UserError: the folder is missing or has no photo that is usable, or the cache
            cannot be written.
    """
    found, masks = find_photos(folder)
    names = [path.relative_to(folder).as_posix() for path in found]
    # The masks decide what the cache has, too.
    mask_names = [os.path.relpath(mask, folder) for mask in masks.values()]
    key = cache_key(folder, names + mask_names, f"cutouts {FORMAT} {size}")
    files = CacheFiles(default_cache_dir() / f"cutouts-{key}.rgba", CutoutsMeta)

    def read(path: Path, tell_of_more: Callable[[Path], None]) -> np.ndarray:
        return read_cutout(path, masks.get(path), size, tell_of_more)

    def build() -> CutoutsMeta:
        written: Written = write_decoded(files.rows, folder, names, read, ahead=_AHEAD)
        return CutoutsMeta(
            size, written.crc, written.names, written.skipped, written.cut
        )

    rows, meta = files.open(build, memory_mb)
    warn_of_skipped(folder, len(meta.names), meta.skipped, files.meta)
    if meta.cut:
        warn_once(
            f"{len(meta.cut)} photos in {folder} have several frames or pages, of "
            f"which the first is taken ({meta.cut[0]}, for example)"
        )
    pixels = rows.reshape(-1, size, size, 4)
    return Photos(pixels[..., :3], pixels[..., 3], tuple(meta.names), folder)


def open_split(folder: Path, split: str, size: int, memory_mb: float) -> Photos:
    """Open the photos of one split.

    Folders named train and test decide it; otherwise the last sixth of the photos, in
    the order of their names, is for tests.

    Args:
        folder: folder of the photos, at any depth.
        split: "train" or "test".
        size: edge of the results in pixels, H.
        memory_mb: see `open_photos`.

    Raises:
        UserError: see `open_photos`; or there is one usable photo only.
    """
    photos = open_photos(folder, size, memory_mb)
    if len(photos) < 2:
        raise UserError(
            f"{folder}: one photo ({photos.names[0]}) cannot be divided into training "
            "and test photos; add at least one more"
        )
    training, held_out = split_names(photos.names)
    return photos.subset(training if split == "train" else held_out)


def find_photos(folder: Path) -> tuple[list[Path], dict[Path, Path]]:
    """Find the photos below a folder, and the masks of those that have mask files.

    Args:
        folder: folder of the photos, at any depth.

    Returns:
        Paths of the photos, sorted by name; and the path of each photo's mask.

    Raises:
        UserError: the folder is missing, cannot be read or has no photos.
    """
    images = find_images(folder, _KNOWN)
    stems = [_stem(path, folder) for path in images]
    known = set(stems)
    is_mask = [
        bool(set(MASKS).intersection(stem.split("/")[:-1]))
        or (stem.endswith(_MASK_END) and stem.removesuffix(_MASK_END) in known)
        for stem in stems
    ]
    photos = [path for path, mask in zip(images, is_mask, strict=True) if not mask]
    if not photos:
        raise UserError(
            f"no photos in {folder}; expected photos beside their masks, found only "
            f"masks ({images[0].name}, for example)"
        )
    # All names begin at the folder's parent, as masks may be beside the folder.
    top = Path(os.path.abspath(folder))
    possible = {
        f"{top.name}/{stem}": path
        for stem, path, mask in zip(stems, images, is_mask, strict=True)
        if mask
    }
    for beside in (top.parent / name for name in MASKS if name != top.name):
        for path in find_files(beside, SUFFIXES, "masks") if beside.is_dir() else ():
            possible.setdefault(_stem(path, top.parent), path)
    masks = {}
    for path in photos if possible else ():
        names = _mask_stems(f"{top.name}/{_stem(path, folder)}")
        found = next(filter(possible.__contains__, names), None)
        if found is not None:
            masks[path] = possible[found]
    return photos, masks


def find_mask(photo: Path) -> Path | None:
    """Return the mask file of a single photo, at a place where training finds it.

    Args:
        photo: path of the photo.
    """
    top = Path(os.path.abspath(photo)).parent
    for stem in _mask_stems(f"{top.name}/{photo.stem}"):
        for suffix in SUFFIXES:
            mask = top.parent / f"{stem}{suffix}"
            if mask.is_file():
                return mask
    return None


def read_cutout(
    path: Path,
    mask: Path | None,
    size: int,
    tell_of_more: Callable[[Path], None],
) -> np.ndarray:
    """Read a photo and cut out its object.

    Args:
        path: path of the photo.
        mask: path of its mask, or None for its transparency.
        size: edge of the result, pixels.
        tell_of_more: function that is called with the path if the file has further
            frames or pages.

    Returns:
        uint8 (size, size, 4): the object on white, and its mask.

    Raises:
        ImageError: the photo or its mask is not a usable image, there is no mask, or it
            is empty or of another size.
    """
    rgb, alpha = read_image_and_alpha(path, tell_of_more)
    if mask is not None:
        try:
            alpha = read_mask(mask, path, rgb.shape[:2])
        except ImageError as error:
            # The list of unusable files has the names of photos.
            raise ImageError(path, f"its mask {error}") from error
        share = alpha[..., None].astype(np.uint16)
        rgb = ((rgb * share + 255 * (255 - share) + 127) // 255).astype(np.uint8)
    elif alpha is None or alpha.min() == 255:
        raise ImageError(
            path,
            "expected a photo with transparent surroundings or a mask, found neither; "
            f"add the mask {path.stem}{_MASK_END}.png, bright where the object is",
        )
    box = filled_box(alpha >= _OPAQUE)
    if box is None:
        raise ImageError(path, "all of it is transparent; remove it")
    return cut_out(rgb, alpha, box, size)


def cut_out(
    rgb: np.ndarray, alpha: np.ndarray, box: tuple[int, int, int, int], size: int
) -> np.ndarray:
    """Cut an object out of a photo that is on white already, and make it square.

    On white, resizing needs no care for the colours of transparent pixels, which have
    left no trace. The filter is bicubic, as published; others leave faint rings in the
    white, by which a discriminator would know the photos.

    Args:
        rgb: uint8 (h, w, 3).
        alpha: uint8 (h, w), the object's opacity.
        box: left, top, right and bottom of the object.
        size: edge of the result, pixels.

    Returns:
        uint8 (size, size, 4): the object on white, and its mask.
    """
    left, top, right, bottom = box
    parts = [
        cut_square(
            pixels[top:bottom, left:right],
            size,
            margin=MARGIN,
            fill=fill,
            resample=Image.Resampling.BICUBIC,
        )
        for pixels, fill in ((rgb, 255), (alpha, 0))
    ]
    return np.dstack(parts)


def _stem(path: Path, folder: Path) -> str:
    """Return the path of a file in a folder, with "/" and without its suffix."""
    return path.relative_to(folder).with_suffix("").as_posix()


def _mask_stems(stem: str) -> list[str]:
    """Return where a photo's mask may be, without suffix: the nearest place first.

    Args:
        stem: path of the photo below the parent of the folder of photos, without
            suffix.
    """
    *folders, name = stem.split("/")
    places = [stem + _MASK_END]
    for place in range(len(folders), -1, -1):
        before, after = folders[:place], folders[place:]
        for masks in MASKS:
            for rest in (after, after[1:]):
                folder = "/".join([*before, masks, *rest])
                places += [f"{folder}/{name}", f"{folder}/{name}{_MASK_END}"]
    return places
