"""Finding image files of common formats, and reading them as RGB at a given size.

Colour profiles are not applied. From an animation the first frame is read.

Reference: "Exchangeable image file format for digital still cameras: Exif 2.3"
(CIPA DC-008-2012), tag 274 for the orientation.
"""

import contextlib
import io
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from PIL import Image, UnidentifiedImageError

from common.data.folders import find_files, no_files
from common.errors import UserError

SUFFIXES = (
    *(".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"),
    *(".pgm", ".ppm", ".pnm"),
)
MAX_PIXELS = 64_000_000
MAX_BYTES = 2**28  # enough for MAX_PIXELS uncompressed pixels of four bytes
MIN_SIDE = 8
Fit = Literal["crop", "stretch"]

# Pillow reads more formats, but for some of them it starts other programs.
_FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM")
_ORIENTATION = 274  # Exif tag
# What makes an image upright, by the value of its Exif orientation.
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
    """A file that is not a usable image.

    Attributes:
        reason: what is wrong with the file, without its path.
    """

    def __init__(self, path: Path, reason: str) -> None:
        """Compose the message from the path and the reason.

        Args:
            path: path of the file.
            reason: what was expected, what was found and what to do.
        """
        super().__init__(f"{path}: {reason}")
        self.reason = reason


def find_images(folder: Path | str, known: Collection[str] = ()) -> list[Path]:
    """Find the image files below a folder, at any depth, by their suffixes.

    See `find_files` for what is passed over.

    Args:
        folder: folder to search.
        known: names of other files that belong there, such as a table of labels.

    Returns:
        Paths that begin with `folder`, sorted by the part below it, with "/" as
        separator.

    Raises:
        UserError: there is no such folder, it or one below it cannot be read, or
            there are no image files.
    """
    found = find_files(folder, SUFFIXES, "images", known=known)
    if not found:
        raise no_files(folder, "images", f"{', '.join(SUFFIXES)} files")
    return found


def read_image(
    path: Path | str, size: tuple[int, int] | None = None, fit: Fit = "crop"
) -> np.ndarray:
    """Read an image as RGB: upright, and on white where it is transparent.

    A 16-bit grey value v becomes round(v / 257), so that 65535 becomes 255. Resizing
    uses the Lanczos filter, which is antialiased. Damaged metadata is ignored; Pillow
    warns of it.

    Args:
        path: path of the file; its content decides the format, not its name.
        size: (height, width) of the result, pixels; default the image's own size.
        fit: "crop" cuts the largest part of the right proportions out of the middle,
            "stretch" resizes the whole image.

    Returns:
        uint8 (H, W, 3), RGB.

    Raises:
        ImageError: the file is missing, unreadable, empty, not an image, damaged,
            truncated, larger than 64 million pixels or less than 8 pixels wide or
            high.
        ValueError: `fit` is unknown, or `size` is below 1.
    """
    if fit not in get_args(Fit):
        raise ValueError(f"fit must be one of {get_args(Fit)}, is {fit!r}")
    if size is not None and min(size) < 1:
        raise ValueError(f"size must be at least 1 x 1, is {size}")
    path = Path(path)
    content = _read_content(path)
    with _decoding(path):
        image = Image.open(io.BytesIO(content), formats=_FORMATS)
        _check_size(path, image)
        if size is not None:
            # JPEG can be decoded at 1/2, 1/4 or 1/8 of its size, which is faster.
            # Keep at least twice the final size, so that the filter has detail left.
            image.draft(None, (2 * max(size), 2 * max(size)))
        image.load()
        image = _to_rgb(path, _upright(image))
        return np.array(image if size is None else _resized(image, size, fit))


def _read_content(path: Path) -> bytes:
    """Return the bytes of a file that is not empty and not too large."""
    try:
        # Reading from a pipe would wait forever.
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
    """Turn Pillow's errors into an ImageError with a message of one line."""
    try:
        yield
    except ImageError:
        raise
    except UnidentifiedImageError as error:
        raise ImageError(
            path,
            f"expected {', '.join(_FORMATS[:-1])} or {_FORMATS[-1]}, found something "
            "else or a damaged header; save it again or remove it",
        ) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        # Pillow's own limits are far above ours. Its warning arrives here only if
        # warnings are errors.
        raise _too_large(path, "far more") from error
    except Exception as error:  # Decoders raise errors of any type on damaged files.
        message = " ".join(str(error).split())[:100] or type(error).__name__
        raise ImageError(
            path, f"damaged or truncated ({message}); download it again or remove it"
        ) from error


def _check_size(path: Path, image: Image.Image) -> None:
    """Check that an image is neither tiny nor too large for the memory."""
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
    """Return the error for an image of too many pixels."""
    return ImageError(
        path,
        f"too large: expected at most {MAX_PIXELS:,} pixels, found {found}; shrink it",
    )


def _upright(image: Image.Image) -> Image.Image:
    """Rotate and mirror an image by its Exif orientation; Pillow does so for TIFF."""
    try:
        turn = _TURNS.get(image.getexif().get(_ORIENTATION))
    except Exception:  # Damaged metadata does not make the image unusable.
        turn = None
    return image if turn is None else image.transpose(turn)


def _to_rgb(path: Path, image: Image.Image) -> Image.Image:
    """Return an image of any mode as RGB."""
    # Pillow opens a 16-bit PGM in its 32-bit mode.
    if image.mode.startswith("I;16") or (image.format, image.mode) == ("PPM", "I"):
        image = _from_16_bits(image)
    elif image.mode in ("I", "F"):
        raise ImageError(
            path,
            "expected 8 or 16 bits per channel, found 32-bit numbers of unknown range; "
            "save it with 8 bits",
        )
    if image.has_transparency_data:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image)
    return image.convert("RGB")


def _from_16_bits(image: Image.Image) -> Image.Image:
    """Scale a 16-bit grey image to 8 bits; Pillow would clip it."""
    values = np.asarray(image).astype(np.uint32)
    grey = ((values + 128) // 257).astype(np.uint8)
    # A 16-bit value may mean "transparent". Make it white here, because after
    # scaling other values have the same 8-bit grey.
    grey[values == image.info.get("transparency", -1)] = 255
    return Image.fromarray(grey)


def _resized(image: Image.Image, size: tuple[int, int], fit: Fit) -> Image.Image:
    """Resize an RGB image to (height, width)."""
    height, width = size
    if fit == "crop":
        # Crop at whole pixels: a crop without resizing must not blur the image.
        wide = min(image.width, max(1, round(image.height * width / height)))
        high = min(image.height, max(1, round(image.width * height / width)))
        left, top = (image.width - wide) // 2, (image.height - high) // 2
        image = image.crop((left, top, left + wide, top + high))
    # First shrink by whole numbers to at least three times the final size: this is
    # faster and looks the same.
    return image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
