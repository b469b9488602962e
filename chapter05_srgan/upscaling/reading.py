"""Reading image files with everything they contain: 16 bits, transparency, metadata.

`common.images.image_file` decodes the files, as for all chapters.
"""

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from common.images.image_file import decode_image
from common.images.reading import warn_of_more

# EXIF tags.
EXIF_IFD, GPS_IFD = 0x8769, 0x8825
_ORIENTATION = 274
# Tags that are not copied to another file: most describe how this file stores its
# pixels; the colour profile is kept separately.
_LAYOUT = (
    254,  # NewSubfileType
    255,  # SubfileType
    256,  # ImageWidth
    257,  # ImageLength
    258,  # BitsPerSample
    259,  # Compression
    262,  # PhotometricInterpretation
    263,  # Thresholding
    266,  # FillOrder
    273,  # StripOffsets
    _ORIENTATION,
    277,  # SamplesPerPixel
    278,  # RowsPerStrip
    279,  # StripByteCounts
    280,  # MinSampleValue
    281,  # MaxSampleValue
    284,  # PlanarConfiguration
    301,  # TransferFunction
    317,  # Predictor
    318,  # WhitePoint
    319,  # PrimaryChromaticities
    320,  # ColorMap
    322,  # TileWidth
    323,  # TileLength
    324,  # TileOffsets
    325,  # TileByteCounts
    330,  # SubIFDs
    338,  # ExtraSamples
    339,  # SampleFormat
    347,  # JPEGTables
    513,  # JpegIFOffset
    514,  # JpegIFByteCount
    529,  # YCbCrCoefficients
    530,  # YCbCrSubSampling
    531,  # YCbCrPositioning
    532,  # ReferenceBlackWhite
    700,  # XMP
    34377,  # Photoshop image resources
    34675,  # ICC profile
)
_PIXEL_SIZES = (0xA002, 0xA003)  # width and height in the EXIF directory


@dataclass(frozen=True)
class Picture:
    """An upright image and the metadata of its file.

    Attributes:
        rgb: colours, uint8 or uint16 (H, W, 3). The channels of a grey image are equal
            when it is read; if they differ, their mean is written.
        alpha: opacity (H, W) of the same dtype, or None.
        grey: whether the image has a single grey channel.
        icc_profile: colour profile for RGB, or for grey if `grey`; or None.
        exif: EXIF metadata, except what describes the storage of the pixels; or None.
        format: Pillow's name of the file format, for example "JPEG".
    """

    rgb: np.ndarray
    alpha: np.ndarray | None = None
    grey: bool = False
    icc_profile: bytes | None = None
    exif: bytes | None = None
    format: str | None = None

    @property
    def bits(self) -> int:
        """The number of bits per value, 8 or 16."""
        return 8 * self.rgb.dtype.itemsize


def read_picture(path: Path | str) -> Picture:
    """Read an image with its bit depth, transparency and metadata.

    The image is rotated upright according to its EXIF orientation, which is then
    removed. CMYK is converted to RGB and loses its profile. PNG, TIFF and PNM files
    keep their 16 bits. If the file has further frames or pages, a warning is logged.

    Args:
        path: the file; its format is detected from its content, not from its name.

    Returns:
        The image and its metadata.

    Raises:
        ImageError: the file cannot be read, see `common.images.image_file`.
    """
    path = Path(path)
    with warnings.catch_warnings():
        # An image with damaged metadata is still usable.
        warnings.filterwarnings("ignore", module="PIL")
        decoded = decode_image(path)
        if decoded.has_more:
            warn_of_more(path)
        values = _values(decoded.pixels)
        exif = _notes(decoded.exif)
    profile = decoded.icc_profile
    if profile and profile[16:20] != (b"GRAY" if decoded.is_grey else b"RGB "):
        profile = None
    alpha = values[..., -1].copy() if values.shape[-1] in (2, 4) else None
    colours = values[..., : 1 if values.shape[-1] < 3 else 3]
    rgb = np.ascontiguousarray(np.broadcast_to(colours, (*values.shape[:2], 3)))
    return Picture(rgb, alpha, decoded.is_grey, profile, exif, decoded.format)


def _values(pixels: Image.Image | np.ndarray) -> np.ndarray:
    """Return decoded pixels as uint8 or uint16 (H, W, 1 to 4)."""
    if isinstance(pixels, np.ndarray):
        return pixels
    return np.asarray(pixels.convert("RGBA" if pixels.has_transparency_data else "RGB"))


def _notes(exif: Image.Exif) -> bytes | None:
    """Return EXIF metadata without what describes the storage of the pixels."""
    try:
        for tag in _LAYOUT:
            if tag in exif:
                del exif[tag]
        for tag in _PIXEL_SIZES:
            exif.get_ifd(EXIF_IFD).pop(tag, None)
        return exif.tobytes() if len(exif) else None
    except Exception:  # An image with damaged metadata is still usable.
        return None
