"""Image files of any usual kind: found in a folder, read as RGB, made one size.

Colour profiles are not applied, and of animations the first frame is taken.

Reference: "Exchangeable image file format for digital still cameras: Exif 2.3"
(CIPA DC-008-2012), tag 274 for the orientation.
"""

import contextlib
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from PIL import Image, UnidentifiedImageError

from common.errors import UserError

SUFFIXES = (
    *(".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"),
    *(".pgm", ".ppm", ".pnm"),
)
MAX_PIXELS = 64_000_000
MAX_BYTES = 2**28  # holds MAX_PIXELS of four plain bytes each
MIN_SIDE = 8
Fit = Literal["crop", "stretch"]

# Pillow knows more kinds, some of which start other programs.
_KINDS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM")
_ORIENTATION = 274
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class ImageError(UserError):
    """A file that is no usable image.

    Attributes:
        reason: what is wrong with it, without its path.
    """

    def __init__(self, path: Path, reason: str) -> None:
        """Make the message of a file.

        Args:
            path: the file.
            reason: what was expected, what was found and what to do.
        """
        super().__init__(f"{path}: {reason}")
        self.reason = reason


def find_images(folder: Path | str) -> list[Path]:
    """Find the image files below a folder, at any depth, by their suffixes.

    Whatever is hidden (its name begins with a dot) or has another suffix is
    passed over. Links are followed, but never back into a folder that they are in.

    Args:
        folder: where to look.

    Returns:
        The files, each as `folder` / ..., sorted by their paths below `folder`,
        written with "/".

    Raises:
        UserError: there is no such folder, it or one below it cannot be read, or
            there are no image files.
    """
    folder = Path(folder)
    found = sorted(_walk(folder), key=lambda path: path.relative_to(folder).as_posix())
    if not found:
        raise UserError(f"no images in {folder}; expected {', '.join(SUFFIXES)} files")
    return found


def read_image(
    path: Path | str, size: tuple[int, int] | None = None, fit: Fit = "crop"
) -> np.ndarray:
    """Read an image upright, in colour, on white where it is transparent.

    Grey values v of 16 bits become round(v / 257), so that 65535 is 255. Shrinking
    is antialiased (Lanczos). Damaged metadata is passed over; Pillow warns of it.

    Args:
        path: the file; its content decides the kind, not its name.
        size: (height, width) to bring the image to, pixels; default its own size.
        fit: "crop" cuts the largest part of the wanted proportions out of the
            middle, "stretch" takes the whole image.

    Returns:
        uint8 (H, W, 3), RGB.

    Raises:
        ImageError: the file is missing, unreadable, empty, no image, damaged or cut
            short, larger than 64 million pixels or less than 8 pixels wide or high.
    """
    if fit not in get_args(Fit):
        raise ValueError(f"fit must be one of {get_args(Fit)}, is {fit!r}")
    if size is not None and min(size) < 1:
        raise ValueError(f"size must be at least 1 x 1, is {size}")
    path = Path(path)
    content = _read_content(path)
    with _decoding(path):
        image = Image.open(io.BytesIO(content), formats=_KINDS)
        _check_size(path, image)
        if size is not None:
            # JPEG can be decoded at 1/2, 1/4 or 1/8; at least twice the size is left.
            image.draft(None, (2 * max(size), 2 * max(size)))
        image.load()
        image = _to_rgb(path, _upright(image))
        return np.array(image if size is None else _resized(image, size, fit))


def _walk(folder: Path) -> Iterator[Path]:
    """Yield the image files below a folder in no particular order."""
    # Each folder comes with the real paths of itself and of those that it is in.
    waiting = [(str(folder), frozenset([os.path.realpath(folder)]))]
    while waiting:
        where, above = waiting.pop()
        for entry, is_folder in _entries(where):
            if is_folder:
                real = os.path.realpath(entry.path)
                if real not in above:
                    waiting.append((entry.path, above | {real}))
            elif Path(entry.name).suffix.lower() in SUFFIXES:
                # Also a broken link: read_image will say what is wrong with it.
                yield Path(entry.path)


def _entries(folder: str) -> list[tuple[os.DirEntry, bool]]:
    """Return what is in a folder and not hidden, and whether it is a folder."""
    try:
        with os.scandir(folder) as entries:
            return [(e, e.is_dir()) for e in entries if not e.name.startswith(".")]
    except FileNotFoundError as error:
        raise UserError(f"no such directory: {folder}; check the path") from error
    except NotADirectoryError as error:
        raise UserError(f"{folder} is a file; expected a folder of images") from error
    except OSError as error:
        raise UserError(
            f"cannot look into {folder}: {error.strerror}; change its permissions or "
            "move it elsewhere"
        ) from error


def _read_content(path: Path) -> bytes:
    """Return the bytes of a file of a sensible size."""
    try:
        # A pipe would keep us waiting.
        if not path.is_file():
            raise ImageError(path, "no such file; check the path")
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ImageError(
                path, f"expected at most {MAX_BYTES:,} bytes, found {size:,}; shrink it"
            )
        content = path.read_bytes()
    except OSError as error:
        raise ImageError(
            path, f"cannot be read ({error.strerror}); check its permissions"
        ) from error
    if not content:
        raise ImageError(path, "is empty; download it again or remove it")
    return content


@contextlib.contextmanager
def _decoding(path: Path) -> Iterator[None]:
    """Turn the errors of Pillow into one line."""
    try:
        yield
    except ImageError:
        raise
    except UnidentifiedImageError as error:
        raise ImageError(
            path,
            f"expected {', '.join(_KINDS[:-1])} or {_KINDS[-1]}, found something else "
            "or a damaged start; save it anew or remove it",
        ) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        # Far above our own limit; the warning is an error where warnings are.
        raise _too_large(path, "far more") from error
    except Exception as error:  # Decoders of hostile files raise whatever they meet.
        told = " ".join(str(error).split())[:100] or type(error).__name__
        raise ImageError(
            path, f"damaged or cut short ({told}); download it again or remove it"
        ) from error


def _check_size(path: Path, image: Image.Image) -> None:
    """Refuse sizes that are no picture, or that fill the memory."""
    found = f"{image.width:,} x {image.height:,}"
    if image.width * image.height > MAX_PIXELS:
        raise _too_large(path, found)
    if min(image.size) < MIN_SIDE:
        raise ImageError(
            path,
            f"too small: expected at least {MIN_SIDE} pixels a side, found {found}; "
            "remove it",
        )


def _too_large(path: Path, found: str) -> ImageError:
    """Return the message for an image of too many pixels."""
    return ImageError(
        path,
        f"too large: expected at most {MAX_PIXELS:,} pixels, found {found}; shrink it",
    )


def _upright(image: Image.Image) -> Image.Image:
    """Turn and mirror an image as the camera noted; TIFF files come upright."""
    try:
        turn = _TURNS.get(image.getexif().get(_ORIENTATION))
    except Exception:  # Damaged notes do not make the picture unusable.
        turn = None
    return image if turn is None else image.transpose(turn)


def _to_rgb(path: Path, image: Image.Image) -> Image.Image:
    """Return an image of any mode as RGB."""
    # Pillow holds 16 bits of a PGM in the mode of 32.
    if image.mode.startswith("I;16") or (image.format, image.mode) == ("PPM", "I"):
        image = _from_16_bits(image)
    elif image.mode in ("I", "F"):
        raise ImageError(
            path,
            "expected 8 or 16 bits a channel, found 32-bit numbers of unknown range; "
            "save it with 8 bits",
        )
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image.convert("RGB")


def _from_16_bits(image: Image.Image) -> Image.Image:
    """Return a grey image of 16 bits with 8; Pillow would clip it."""
    values = np.asarray(image).astype(np.uint32)
    grey = ((values + 128) // 257).astype(np.uint8)
    # One value may stand for "transparent"; several become one grey below.
    grey[values == image.info.get("transparency", -1)] = 255
    return Image.fromarray(grey)


def _resized(image: Image.Image, size: tuple[int, int], fit: Fit) -> Image.Image:
    """Return an RGB image at (height, width)."""
    height, width = size
    if fit == "crop":
        # Whole pixels: a cut without a change of size must not blur.
        wide = min(image.width, max(1, round(image.height * width / height)))
        high = min(image.height, max(1, round(image.width * height / width)))
        left, top = (image.width - wide) // 2, (image.height - high) // 2
        image = image.crop((left, top, left + wide, top + high))
    # Three times the size before the filter looks the same as all of it.
    return image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
