"""Decoding an image file: the one place where all chapters' images come from.

The result has 8 or 16 bits, is upright, and keeps transparency and metadata. Colour
profiles are not applied. Of an animation, or of several pages, the first is read.

Reference: "Exchangeable image file format for digital still cameras: Exif 2.3"
(CIPA DC-008-2012), tag 274 for the orientation; "Portable Network Graphics (PNG)
Specification" (W3C, third edition, 2025), section 11.3.1.1 for tRNS.
"""

import contextlib
import io
import logging
import math
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import imagecodecs
import numpy as np
from PIL import Image, PngImagePlugin, UnidentifiedImageError

from common.errors import UserError
from common.images import tiff
from common.images.formats import EXPECTED, FORMATS, name_content
from common.images.limits import MAX_BYTES, MAX_METADATA, MAX_PIXELS, find_excess
from common.images.pixels import in_bands

# Pillow's own limit is 1 MiB, which the profiles of some printers exceed.
PngImagePlugin.MAX_TEXT_CHUNK = MAX_METADATA
# Damaged files would be reported twice, and unused metadata does not matter.
for _name in ("PIL.TiffImagePlugin", "imagecodecs"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)

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
_GREY_MODES = ("1", "L", "LA", "La", "I")


class ImageError(UserError):
    """A file that is not a usable image.

    Attributes:
        path: path of the file.
        reason: what is wrong with the file, without its path.
    """

    def __init__(self, path: Path, reason: str) -> None:
        """Compose the message from the path and the reason.

        Args:
            path: path of the file.
            reason: what was expected, what was found and what to do.
        """
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason

    def __reduce__(self) -> tuple:
        """Return how another process makes the same error."""
        return type(self), (self.path, self.reason)


class Decoded(NamedTuple):
    """The content of an image file, upright.

    Attributes:
        pixels: an image of 8 bits in a mode that Pillow converts to RGB, or RGBA if it
            `has_transparency_data`; or uint16 (H, W, C): grey, grey and alpha, RGB, or
            RGB and alpha. Alpha is straight: colours are not multiplied with it.
        is_grey: whether the file has a single grey channel.
        format: Pillow's name of the file format, for example "JPEG".
        has_more: whether the file has further frames or pages, which are not read.
        icc_profile: colour profile of the file, or None. It may be one for CMYK.
        exif: metadata, of which the orientation has been applied.
    """

    pixels: Image.Image | np.ndarray
    is_grey: bool
    format: str
    has_more: bool
    icc_profile: bytes | None
    exif: Image.Exif


def decode_image(path: Path, min_side: int = 1, wanted: int | None = None) -> Decoded:
    """Decode an image file.

    Damaged metadata is ignored; Pillow warns of it.

    Args:
        path: path of the file; its content decides the format, not its name.
        min_side: least width and height, pixels.
        wanted: edge to which the image will be shrunk, pixels. A larger JPEG may be
            decoded at a half, a quarter or an eighth of its size.

    Returns:
        The content.

    Raises:
        ImageError: the file is missing, unreadable, empty, not an image, damaged,
            truncated, of an unsupported kind, larger than 64 million pixels or smaller
            than `min_side`.
    """
    content = read_content(path)
    header = None
    with _decoding(path, content):
        if content.startswith(tiff.MAGICS):
            header = tiff.read_header(io.BytesIO(content))
            _check_size(path, header.shape, min_side)
            if not header.for_pillow:
                return _decode_tiff(content, header.several)
        if excess := find_excess(content):
            raise ImageError(path, excess)
        image = Image.open(io.BytesIO(content), formats=FORMATS)
        _check_size(path, image.size[::-1], min_side)
        if wanted is not None:
            # Keep at least twice the final size, so that the filter has detail left.
            image.draft(None, (2 * wanted, 2 * wanted))
        has_more = header.several if header else _has_more(image)
        return _decode_by_pillow(path, content, image, has_more)


def read_content(path: Path) -> bytes:
    """Return the bytes of a file that is not empty and not too large.

    Args:
        path: path of the file.

    Raises:
        ImageError: the file is missing, unreadable, empty or larger than 256 MiB.
    """
    try:
        if path.is_dir():
            raise ImageError(path, "is a folder; expected an image file")
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


def count_pixels(path: Path) -> int:
    """Return the number of pixels that a file's header promises; 0 if it has none."""
    try:
        if not path.is_file():  # Opening a pipe would wait forever.
            return 0
        with path.open("rb") as file:
            if file.read(4) in tiff.MAGICS:
                return math.prod(tiff.read_header(file).shape)
            with Image.open(file, formats=FORMATS) as image:
                return image.width * image.height
    except Exception:  # Decoding the file will tell what is wrong.
        return 0


@contextlib.contextmanager
def _decoding(path: Path, content: bytes) -> Iterator[None]:
    """Turn the libraries' errors into an ImageError with a message of one line."""
    try:
        yield
    except ImageError:
        raise
    except tiff.UnsupportedError as error:
        raise ImageError(
            path,
            "expected a TIFF of grey, RGB or CMYK in integers of up to 16 bits, found "
            f"{error}; save it with 8 bits in RGB",
        ) from error
    except UnidentifiedImageError as error:
        raise ImageError(
            path, f"expected {EXPECTED}, found {name_content(content)}"
        ) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        # Pillow's own limits are far above ours. Its warning arrives here only if
        # warnings are errors.
        raise _too_large(path, "far more") from error
    except Exception as error:  # Decoders raise errors of any type on damaged files.
        message = " ".join(str(error).split())[:100] or type(error).__name__
        if "MAX_TEXT" in message:
            raise ImageError(
                path,
                "its colour profile or a text in it is too large: expected at most "
                f"{MAX_METADATA:,} bytes unpacked; save it again without metadata",
            ) from error
        raise ImageError(
            path, f"damaged or truncated ({message}); download it again or remove it"
        ) from error


def _check_size(path: Path, shape: tuple[int, int], min_side: int) -> None:
    """Check that an image is neither tiny nor too large for the memory."""
    height, width = shape
    found = f"{width:,} x {height:,}"
    if width * height > MAX_PIXELS:
        raise _too_large(path, found)
    if min(shape) < min_side:
        raise ImageError(
            path,
            f"too small: expected at least {min_side} pixels a side, found {found}; "
            "use a larger one or remove it",
        )


def _too_large(path: Path, found: str) -> ImageError:
    """Return the error for an image of too many pixels."""
    return ImageError(
        path,
        f"too large: expected at most {MAX_PIXELS:,} pixels, found {found}; shrink it",
    )


def _decode_tiff(content: bytes, several: bool) -> Decoded:
    """Decode a TIFF file that Pillow does not read rightly."""
    samples = tiff.read_samples(content)
    values = _turned(samples.values, samples.orientation)
    if samples.is_cmyk:
        values = in_bands(_from_cmyk, values)
    exif = Image.Exif()
    # Pillow does not read the metadata of BigTIFF, and damaged ones do not matter.
    if content.startswith(tiff.MAGICS[:2]):
        with contextlib.suppress(Exception):
            exif.load(content)
    is_grey = values.shape[-1] < 3
    pixels = _to_pillow(values) if values.dtype == np.uint8 else values
    return Decoded(pixels, is_grey, "TIFF", several, samples.icc_profile, exif)


def _from_cmyk(values: np.ndarray) -> np.ndarray:
    """Convert CMYK, and alpha if there is a fifth channel, to RGB without a profile."""
    peak = np.iinfo(values.dtype).max
    ink, black = values[..., :3].astype(np.uint32), values[..., 3:4].astype(np.uint32)
    rgb = ((peak - ink) * (peak - black) + peak // 2) // peak
    return np.concatenate([rgb.astype(values.dtype), values[..., 4:]], axis=-1)


def _to_pillow(values: np.ndarray) -> Image.Image:
    """Return uint8 (H, W, C) as an image of the mode L, LA, RGB or RGBA."""
    squeezed = values[..., 0] if values.shape[-1] == 1 else values
    return Image.fromarray(np.ascontiguousarray(squeezed))


def _decode_by_pillow(
    path: Path, content: bytes, image: Image.Image, has_more: bool
) -> Decoded:
    """Decode an opened image, with all its bits."""
    raw = _raw_mode(image)
    # The raw mode decides as well, because Pillow opens 16-bit grey with alpha as RGBA.
    is_grey = image.mode in _GREY_MODES or raw.startswith(("I;16", "LA;16"))
    values = _deep_values(content, image, raw)
    if values is None:
        _check_bits(path, image)
        image.load()
        _mend_transparency(image, raw)
    exif, orientation = _exif_of(image)
    pixels: Image.Image | np.ndarray
    if values is not None:
        pixels = _turned(values, orientation)
    elif image.format != "TIFF" and orientation in _TURNS:  # Pillow turns TIFF itself
        pixels = image.transpose(_TURNS[orientation])
    else:
        pixels = image
    profile = image.info.get("icc_profile") or None
    return Decoded(pixels, is_grey, image.format, has_more, profile, exif)


def _raw_mode(image: Image.Image) -> str:
    """Return Pillow's name of the pixel format in a file that is not decoded yet."""
    args = image.tile[0].args if image.tile else ""
    return str(args if isinstance(args, str) or not args else args[0])


def _has_more(image: Image.Image) -> bool:
    """Return whether a file has further frames or pages."""
    # The further images of an MPO are previews and gain maps of the first.
    try:
        return image.format != "MPO" and bool(getattr(image, "is_animated", False))
    except Exception:  # The first frame of a damaged animation may be sound.
        return False


def _deep_values(content: bytes, image: Image.Image, raw: str) -> np.ndarray | None:
    """Return the values of a PNG or PNM file of more than 8 bits, or None.

    Args:
        content: bytes of the file.
        image: image that Pillow has opened but not decoded; it would keep 8 bits of
            colours.
        raw: its raw mode.

    Returns:
        uint16 (H, W, C) of full range, not upright yet.
    """
    if image.format == "PNG" and ";16" in raw:
        values = imagecodecs.png_decode(content)  # with tRNS as alpha
        return values.reshape(*values.shape[:2], -1)
    if image.format != "PPM" or image.mode not in ("I", "RGB"):
        return None
    codec, args = image.tile[0].codec_name, image.tile[0].args
    peak = args[1] if codec.startswith("ppm") else 65535
    if codec == "ppm_plain" and image.mode == "I":
        return np.asarray(image).astype(np.uint16)[..., None]  # Pillow has scaled it
    if codec == "ppm_plain" or peak < 256 or (codec, image.mode) == ("raw", "RGB"):
        return None
    shape = (image.height, image.width, len(image.getbands()))
    stored = np.frombuffer(content, ">u2", int(np.prod(shape)), image.tile[0].offset)

    def scaled(values: np.ndarray) -> np.ndarray:
        wide = np.minimum(values, peak).astype(np.uint32)
        return ((wide * 65535 + peak // 2) // peak).astype(np.uint16)

    return in_bands(scaled, stored.reshape(shape))


def _check_bits(path: Path, image: Image.Image) -> None:
    """Refuse numbers of 32 bits, whose range is unknown."""
    if image.mode in ("I", "F"):
        raise ImageError(
            path,
            "expected 8 or 16 bits per channel, found 32-bit numbers of unknown range; "
            "save it with 8 bits",
        )


def _mend_transparency(image: Image.Image, raw: str) -> None:
    """Scale the transparent value of a PNG as Pillow has scaled its pixels."""
    clear = image.info.get("transparency")
    if image.format != "PNG" or clear is None or image.mode not in ("L", "RGB"):
        return
    # Only as many low bits count as a sample has.
    if image.mode == "RGB":
        image.info["transparency"] = tuple(value & 255 for value in clear)
    else:
        peak = {"L;2": 3, "L;4": 15}.get(raw, 255)
        image.info["transparency"] = (clear & peak) * (255 // peak)


def _exif_of(image: Image.Image) -> tuple[Image.Exif, int]:
    """Return the metadata of an image and its orientation, 1 to 8."""
    try:
        exif = image.getexif()
        orientation = exif.get(_ORIENTATION, 1)
        return exif, orientation if orientation in _TURNS else 1
    except Exception:  # Damaged metadata does not make the image unusable.
        return Image.Exif(), 1


def _turned(values: np.ndarray, orientation: int) -> np.ndarray:
    """Rotate and mirror an array (H, W, C) according to an EXIF orientation, 1 to 8."""
    if orientation in (5, 6, 7, 8):
        values = values.swapaxes(0, 1)
    down = -1 if orientation in (3, 4, 7, 8) else 1
    right = -1 if orientation in (2, 3, 6, 7) else 1
    return values[::down, ::right]
