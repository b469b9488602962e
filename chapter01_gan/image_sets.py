"""Finding MNIST, or a set like it, in a folder by the names of its files.

The names tell set, split and kind: `emnist-letters-train-images-idx3-ubyte.gz`. The
idx files of MNIST, Fashion-MNIST, KMNIST, EMNIST and QMNIST are read, as well as the
.npz files of KMNIST, of Keras (`mnist.npz`) and of MedMNIST.
"""

import logging
import re
import shlex
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common.data.folders import (
    SPLIT_NAMES,
    check_folder,
    find_files,
    no_files,
    split_of,
    walk_files,
    warn_once,
)
from common.errors import UserError
from common.files import check_file
from common.images import idx
from common.images.formats import SUFFIXES
from common.shapes.npy import decoding, load_npz_key

# Splits as files and arrays name them, with ours. Images without a split come alone.
_SPLITS = {**SPLIT_NAMES, "t10k": "test", None: "all"}
_SPLIT = f"(?P<split>{'|'.join(filter(None, _SPLITS))})"
_NAME = re.compile(
    rf"(?:(?P<set>.+?)[-_.])??(?:{_SPLIT}[-_.])?(?P<kind>image|img|label)s?"
    r"(?:(?:[-_.]idx[123]?(?:[-_.](?:ubyte|int))?|[-_.]ubyte)(?:\.gz)?|\.npz)"
)
# Names of arrays in .npz files: x_train, train_labels.
_KEY = re.compile(
    rf"(?P<kind>x|images?|y|labels?)_{_SPLIT}"
    rf"|{_SPLIT.replace('split', 'first')}_(?P<last>x|images?|y|labels?)"
)
_SUFFIXES = (
    *("no suffix", ".gz", ".npz", ".ubyte", ".idx", ".idx1", ".idx2", ".idx3"),
    *(".idx-ubyte", ".idx1-ubyte", ".idx3-ubyte", ".idx2-int"),
)
# Other files that belong to a set: that of the stand-in.
_KNOWN = ("synthetic.json",)
_EXPECTED = (
    f"{idx.standard_name('images', 'train')} or {idx.standard_name('images', 'test')}, "
    "plain or with .gz, or mnist.npz"
)
_MOST_SETS = 12  # sets that a message lists
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Part:
    """The images or the labels of one split.

    Attributes:
        path: the file.
        key: name of the array in a .npz file; None for other files.
        kind: "images" or "labels".
        split: "train", "test", "validation", or "all" if the name tells none.
        group: folder and name of the set.
    """

    path: Path
    key: str | None
    kind: idx.Kind
    split: str
    group: tuple[str, ...]


def load_set(
    path: Path | str, split: idx.Split
) -> tuple[np.ndarray, np.ndarray | None]:
    """Load the training or the test images of a set, with their labels if any.

    Files in the folder itself come first; folders below it are searched if it has
    none. A plain file is preferred to a compressed one, and idx files to a .npz file
    of a whole set. Without test images, those for validation are the test images. If
    the set has only one file of images, they are split in the order of the file: the
    last fifth, rounded down, is "test", and the rest is "train". Images of EMNIST are
    set upright.

    Args:
        path: folder that contains one set, or one file of images of the set, or a
            .npz file of a whole set.
        split: "train" or "test".

    Returns:
        Images, uint8 (N, H, W), and labels, uint8 (N,), or None if there are no
        labels.

    Raises:
        UserError: there are no images or several sets, a file cannot be read, the
            numbers of images and labels differ, or the only file has too few images
            to be split.
        ValueError: `split` is unknown.
    """
    if split not in idx.SPLITS:
        raise ValueError(f"split must be train or test, is {split!r}")
    parts = _parts_of_one_set(Path(path))
    splits = {part.split for part in parts if part.kind == "images"}
    test = "validation" if "test" not in splits else "test"
    whole = len(splits & {"train", test}) == 2
    order = ("train", "test", "validation", "all")
    if whole:
        source = "train" if split == "train" else test
    else:
        source = min(splits, key=order.index)
    used = {"train", test} if whole else {source}
    if splits - used:
        left = [p.key or p.path.name for p in parts if p.split in splits - used]
        warn_once(f"{path}: passed over {', '.join(left)}")
    images_part = _chosen(parts, "images", source)
    labels_part = _chosen(parts, "labels", source)
    images = _read(images_part)
    labels = None if labels_part is None else _read(labels_part)
    if labels is not None and len(labels) != len(images):
        raise UserError(
            f"{images_part.path} holds {len(images):,} images, but {labels_part.path} "
            f"holds {len(labels):,} labels; take both files from one set"
        )
    if whole:
        return images, labels
    rows = _fifth(images_part.path, len(images), split)
    return images[rows], None if labels is None else labels[rows]


def _parts_of_one_set(path: Path) -> list[_Part]:
    """Return the parts of the set at `path`; there must be exactly one set."""
    if path.is_file():
        return _parts_beside(path)
    check_folder(path, "images")
    files = find_files(path, _SUFFIXES, "images", known=_KNOWN)
    parts, others = _named(path, files)
    whole = [file for file in others if file.suffix.lower() == ".npz"]
    if not any(part.kind == "images" for part in parts):
        parts = []
        if len(whole) > 1:
            raise _several(path, whole)
        if whole:
            return _arrays(whole[0])
    if not parts:
        raise _nothing(path)
    top = [part for part in parts if part.path.parent == path]
    if not any(part.kind == "images" for part in top):
        top = parts
    # The training images, where there are some, are the file that stands for a set.
    groups = {}
    for part in sorted(top, key=lambda part: (part.split != "train", part.path)):
        if part.kind == "images":
            groups.setdefault(part.group, part.path)
    if len(groups) > 1:
        raise _several(path, sorted(groups.values()))
    chosen = [part for part in top if part.group in groups]
    others += [part.path for part in parts if part not in chosen]
    if others:
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        warn_once(f"{path}: passed over {others[0].relative_to(path)}{more}")
    return chosen


def _parts_beside(path: Path) -> list[_Part]:
    """Return the parts of the set that a file belongs to."""
    folder = path.parent
    if split_of(f"{folder.name}/"):  # the other splits lie beside this folder
        folder = folder.parent
    own, _ = _named(folder, [path])
    if not own and path.suffix.lower() == ".npz":
        return _arrays(path)
    if not own or own[0].kind != "images":
        raise UserError(
            f"{path}: expected a folder, or a file of images with a name like "
            f"{_EXPECTED}; give {shlex.quote(str(path.parent))}"
        )
    parts, _ = _named(folder, sorted(walk_files(folder, "images")))
    return [part for part in parts if part.group == own[0].group]


def _named(folder: Path, files: Iterable[Path]) -> tuple[list[_Part], list[Path]]:
    """Return the files whose names tell what they hold, and the other ones."""
    parts, others = [], []
    for file in files:
        match = _NAME.fullmatch(file.name.lower())
        if match is None:
            others.append(file)
            continue
        below = file.relative_to(folder).as_posix()
        # Folders that only tell the split or the kind do not make another set.
        kept = [
            name
            for name in below.split("/")[:-1]
            if name.lower() not in (*_SPLITS, "images", "labels")
            and not _NAME.fullmatch(name.lower())
        ]
        split = _SPLITS[match["split"]]
        if split == "all":
            split = split_of(below, {"t10k": "test"}) or split
        kind = "labels" if match["kind"] == "label" else "images"
        key = "arr_0" if file.suffix.lower() == ".npz" else None
        parts.append(_Part(file, key, kind, split, (*kept, match["set"] or "")))
    return parts, others


def _arrays(path: Path) -> list[_Part]:
    """Return the arrays of a .npz file of a whole set."""
    check_file(path, idx.MAX_BYTES)
    with decoding(path, "not a .npz archive, or a damaged one"):
        with zipfile.ZipFile(path) as archive:
            keys = [name.removesuffix(".npy") for name in archive.namelist()]
    parts = []
    for key in keys:
        if match := _KEY.fullmatch(key.lower()):
            kind = match["kind"] or match["last"]
            split = _SPLITS[match["split"] or match["first"]]
            name = "labels" if kind[0] in "yl" else "images"
            parts.append(_Part(path, key, name, split, (path.stem,)))
    if not any(part.kind == "images" for part in parts):
        raise UserError(
            f"{path}: expected the arrays x_train, y_train, x_test and y_test, found "
            f"{', '.join(keys[:8]) or 'none'}; save them with np.savez"
        )
    return parts


def _chosen(parts: list[_Part], kind: idx.Kind, split: str) -> _Part | None:
    """Return the part to read, or None if there is none."""
    fitting = [part for part in parts if (part.kind, part.split) == (kind, split)]
    if not fitting:
        return None

    def plain(part: _Part) -> str:
        return part.path.name.lower().removesuffix(".gz")

    def rank(part: _Part) -> tuple[bool, str, bool, Path]:
        packed = part.path.suffix.lower() == ".gz"
        return "." in plain(part), plain(part), packed, part.path

    best, *others = sorted(fitting, key=rank)
    for other in others:
        if plain(other) != plain(best):
            warn_once(
                f"{best.path} and {other.path} both hold {kind} of one split: the "
                "first is read"
            )
    return best


def _read(part: _Part) -> np.ndarray:
    """Return the images, upright, or the labels of one part."""
    if part.key is not None:
        array = load_npz_key(part.path, part.key, idx.MAX_BYTES)
        check = _checked_images if part.kind == "images" else _checked_labels
        return check(part, array)
    if part.kind == "labels":
        return idx.read_labels(part.path)
    images = idx.read_images(part.path)
    if not re.search(r"(?:^|[-_.])emnist(?:[-_.]|$)", part.group[-1]):
        return images
    _logger.info("%s: EMNIST's images are transposed; set upright", part.path)
    return np.ascontiguousarray(images.transpose(0, 2, 1))


def _checked_images(part: _Part, array: np.ndarray) -> np.ndarray:
    """Return an array of a .npz file as images, uint8 (N, H, W)."""
    if array.ndim == 4 and array.shape[-1] == 1:
        array = array[..., 0]
    fits = array.dtype == np.uint8 and array.ndim == 3 and array.size > 0
    if fits and len(array) <= idx.MAX_ITEMS:
        return np.ascontiguousarray(array)
    raise UserError(
        f"{part.path}: expected grey images in {part.key}, uint8 (N, 28, 28) with at "
        f"most {idx.MAX_ITEMS:,} images, found {array.dtype} {array.shape}"
    )


def _checked_labels(part: _Part, array: np.ndarray) -> np.ndarray:
    """Return an array of a .npz file as labels, uint8 (N,)."""
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.dtype.kind not in "iu" or array.ndim != 1:
        found = f"{array.dtype} {array.shape}"
    elif array.size and not 0 <= array.min() <= array.max() <= 255:
        found = f"{array.min()} to {array.max()}"
    else:
        return array.astype(np.uint8)
    raise UserError(
        f"{part.path}: expected one label for each image in {part.key}, whole numbers "
        f"from 0 to 255, found {found}"
    )


def _fifth(path: Path, count: int, split: idx.Split) -> slice:
    """Return which images of the only file of a set belong to `split`."""
    test = count // 5
    if test == 0:
        raise UserError(
            f"{path} is the only file of images in its folder and has to be split into "
            f"training and test images: expected at least 5, found {count}; add some"
        )
    _logger.info(
        "%s is the only file of images in its folder: of its %d images, the first %d "
        "are for training and the last %d for testing",
        path,
        count,
        count - test,
        test,
    )
    return slice(0, count - test) if split == "train" else slice(count - test, count)


def _several(folder: Path, files: list[Path]) -> UserError:
    """Return the error for a folder with several sets; each file is of one."""
    names = ", ".join(str(file.relative_to(folder)) for file in files[:_MOST_SETS])
    more = "" if len(files) <= _MOST_SETS else ", ..."
    return UserError(
        f"{folder} holds {len(files)} sets of images ({names}{more}), expected one; "
        f"choose one by its file: --data {shlex.quote(str(files[0]))}"
    )


def _nothing(folder: Path) -> UserError:
    """Return the error for a folder without a set."""
    error = no_files(folder, "images", _EXPECTED)
    found = walk_files(folder, "images")
    if any(path.suffix.lower() in SUFFIXES for path in found):
        return UserError(
            f"{error}; chapter 4 trains on folders of pictures: python "
            f"chapter04_dcgan/main.py train --data {shlex.quote(str(folder))}"
        )
    return UserError(f"{error}; unpack archives, and give the folder of the files")
