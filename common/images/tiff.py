"""Reading TIFF files of 8 to 16 bits with their photometric interpretation and alpha.

Pillow reads only some layouts of more than 8 bits, others wrongly or at 8 bits;
tifffile returns the samples of all layouts as they are stored.

Reference: "TIFF Revision 6.0" (Adobe 1992), pages 24, 37 (PhotometricInterpretation),
31 (ExtraSamples) and 38 (PlanarConfiguration).
"""

import io
import logging
from typing import BinaryIO, NamedTuple

import numpy as np
import tifffile

from common.images.pixels import in_bands

MAGICS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

# Damaged files would be reported twice.
logging.getLogger("tifffile").setLevel(logging.CRITICAL)

# PhotometricInterpretation
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _CMYK, _YCBCR = 0, 1, 2, 3, 5, 6
_COLOURS = {_WHITE_IS_ZERO: 1, _BLACK_IS_ZERO: 1, _RGB: 3, _CMYK: 4}
# Compression: none, LZW, two numbers of deflate, PackBits, LZMA, Zstandard.
_COMPRESSIONS = (1, 5, 8, 32946, 32773, 34925, 50000)
_PILLOWS_COMPRESSIONS = (2, 3, 4, 6, 7)  # three of faxes, two of JPEG
_ASSOCIATED, _UNASSOCIATED = 1, 2  # ExtraSamples
# SampleFormat
_UNSIGNED = 1
_FORMATS = {
    _UNSIGNED: "unsigned integers",
    2: "signed integers",
    3: "floating-point numbers",
}
_MOST_SAMPLES = 16
_ORIENTATION, _ICC_PROFILE = 274, 34675


class UnsupportedError(Exception):
    """A sound TIFF file of a kind that is not supported; the message names the kind."""


class Samples(NamedTuple):
    """The samples of the first page.

    Attributes:
        values: uint8 or uint16 (H, W, C), of full range, as stored (not upright):
            grey, grey and alpha, RGB, or RGB and alpha; for CMYK 4 and alpha. Grey is
            0 for black, and alpha is straight.
        is_cmyk: whether the colours are CMYK.
        orientation: as in EXIF, 1 to 8.
        icc_profile: colour profile, or None.
    """

    values: np.ndarray
    is_cmyk: bool
    orientation: int
    icc_profile: bytes | None


class Header(NamedTuple):
    """What the first page's tags say.

    Attributes:
        shape: height and width, pixels.
        several: whether there is another page that is no preview of the first.
        for_pillow: whether the page is of a kind that Pillow reads rightly: fewer than
            8 bits, palettes, YCbCr, or compressed like JPEG or a fax.
    """

    shape: tuple[int, int]
    several: bool
    for_pillow: bool


def read_header(file: BinaryIO) -> Header:
    """Return what the tags of a TIFF file say about its first page.

    Args:
        file: the file, opened for reading.

    Raises:
        UnsupportedError: pages of this kind are not read.
        Exception: of any type, if the file is damaged.
    """
    file.seek(0)
    with tifffile.TiffFile(file) as tiff:
        page = tiff.pages.first
        several = _has_more_pages(tiff)
        bits, photometric = page.bitspersample, int(page.photometric)
        if not isinstance(bits, int):
            raise UnsupportedError("channels of different numbers of bits")
        small = bits < 8 or (bits == 8 and photometric in (_PALETTE, _YCBCR))
        packed = bits <= 8 and page.compression in _PILLOWS_COMPRESSIONS
        for_pillow = small or packed
        if not for_pillow:
            _check_kind(page)
        return Header((page.imagelength, page.imagewidth), several, for_pillow)


def _has_more_pages(tiff: tifffile.TiffFile) -> bool:
    """Return whether a page that is no preview follows the first within eight."""
    try:
        following = tiff.pages[1:9] if tiff.pages.is_multipage else []
        return any(not page.is_reduced for page in following)
    except Exception:  # A damaged page does not make the first one unusable.
        return False


def read_samples(content: bytes) -> Samples:
    """Return the samples of the first page of a file.

    Args:
        content: bytes of a file whose header is not for Pillow.

    Raises:
        Exception: of any type, if the file is damaged.
    """
    with tifffile.TiffFile(io.BytesIO(content)) as file:
        page = file.pages.first
        _check_complete(page, len(content))
        stored = page.asarray(maxworkers=1, squeeze=False)
        # (planes, 1, H, W, samples): one of the two counts is 1.
        values = np.moveaxis(stored, 0, -2).reshape(*stored.shape[2:4], -1)
        photometric = int(page.photometric)
        tags = page.tags
        return Samples(
            in_bands(lambda band: _understood(band, page, photometric), values),
            photometric == _CMYK,
            tags.valueof(_ORIENTATION, 1),
            tags.valueof(_ICC_PROFILE),
        )


def _check_kind(page: tifffile.TiffPage) -> None:
    """Raise an UnsupportedError if pages of this kind are not read."""
    bits, kind = page.bitspersample, page.sampleformat
    if kind != _UNSIGNED or not 8 <= bits <= 16:
        raise UnsupportedError(f"{bits}-bit {_FORMATS.get(kind, 'numbers')}")
    if page.photometric not in _COLOURS:
        name = getattr(page.photometric, "name", page.photometric)
        raise UnsupportedError(f"{bits}-bit {name} colours")
    if page.compression not in _COMPRESSIONS:
        name = getattr(page.compression, "name", page.compression)
        raise UnsupportedError(f"{bits}-bit colours with {name} compression")
    samples, least = page.samplesperpixel, _COLOURS[page.photometric]
    if page.imagedepth != 1:
        raise UnsupportedError("a volume")
    if not least <= samples <= _MOST_SAMPLES:
        raise UnsupportedError(f"{samples} samples per pixel")


def _check_complete(page: tifffile.TiffPage, size: int) -> None:
    """Raise a ValueError if a strip or tile is missing, outside the file, or huge.

    tifffile would fill missing ones with zeros.
    """
    offsets, counts = page.dataoffsets, page.databytecounts
    needed = int(np.prod(page.chunked))
    pairs = list(zip(offsets, counts, strict=False))[:needed]
    sound = all(start > 0 < count and start + count <= size for start, count in pairs)
    if len(pairs) < needed or not sound:
        raise ValueError("a part of the pixels is missing")
    if np.prod(page.chunks) > 4 * np.prod(page.shape) + 2**24:
        raise ValueError("the size of its tiles")


def _understood(
    stored: np.ndarray, page: tifffile.TiffPage, photometric: int
) -> np.ndarray:
    """Return samples of full range with straight alpha, where 0 is black.

    Args:
        stored: samples as stored, uint8 or uint16 (H, W, S).
        page: page that they come from.
        photometric: its photometric interpretation.
    """
    count = _COLOURS[photometric]
    colours, alpha = stored[..., :count], None
    # Without a tag the further samples have no known meaning; they are ignored.
    for number, kind in enumerate(page.extrasamples):
        if kind in (_ASSOCIATED, _UNASSOCIATED):
            alpha = stored[..., count + number, None]
            if kind == _ASSOCIATED:
                colours = _divided(colours, alpha, 2**page.bitspersample - 1)
            break
    if photometric == _WHITE_IS_ZERO:
        colours = 2**page.bitspersample - 1 - colours
    values = colours if alpha is None else np.concatenate([colours, alpha], axis=-1)
    if page.bitspersample not in (8, 16):
        peak = 2**page.bitspersample - 1
        values = (values.astype(np.uint32) * 65535 + peak // 2) // peak
    return values.astype(np.uint8 if page.bitspersample == 8 else np.uint16)


def _divided(colours: np.ndarray, alpha: np.ndarray, peak: int) -> np.ndarray:
    """Divide colours by the alpha that they were multiplied with; 0 where it is 0."""
    wide, opacity = colours.astype(np.uint32), np.maximum(alpha, 1).astype(np.uint32)
    straight = np.minimum((wide * peak + opacity // 2) // opacity, peak)
    return np.where(alpha > 0, straight, 0).astype(colours.dtype)
