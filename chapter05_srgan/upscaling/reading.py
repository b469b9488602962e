"""Reading image files with everything they contain: 16 bits, transparency, metadata.

Each file is first read by `common.images.reading`, which makes its safety checks.
"""

import io
import logging
import warnings
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from common.images.reading import ImageError, read_image

logger = logging.getLogger(__name__)

_GREY_MODES = ("1", "L", "LA", "La", "I")
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
    removed. CMYK is converted to RGB and loses its profile. PNG, TIFF and grey PGM
    files keep their 16 bits.

    Args:
        path: the file; its format is detected from its content, not from its name.

    Returns:
        The image and its metadata.

    Raises:
        ImageError: the file cannot be read, see `common.images.reading.read_image`.
    """
    path = Path(path)
    with warnings.catch_warnings():
        # An image with damaged metadata is still usable.
        warnings.filterwarnings("ignore", module="PIL")
        rgb = read_image(path)
        try:
            # When it opens a rotated TIFF file by name, Pillow confuses width and
            # height; from memory it does not.
            content = path.read_bytes()
            with Image.open(io.BytesIO(content)) as image:
                return _with_the_rest(path, content, image, rgb)
        except Exception as error:  # `read_image` could read it, so this is rare.
            reason = " ".join(str(error).split())[:100]
            raise ImageError(
                path, f"cannot be read ({reason}); save it again in an image editor"
            ) from error


def _with_the_rest(
    path: Path, content: bytes, image: Image.Image, rgb: np.ndarray
) -> Picture:
    """Add bit depth, transparency and metadata to an image.

    Args:
        path: the file, for messages.
        content: its bytes.
        image: the file, opened by Pillow but not decoded yet.
        rgb: its colours with 8 bits, already upright, uint8 (H, W, 3).
    """
    raw = _raw_mode(image)
    # The raw mode decides as well, because Pillow opens 16-bit grey with alpha as RGBA.
    grey = image.mode in _GREY_MODES or raw.startswith(("I;16", "LA;16"))
    profile = image.info.get("icc_profile")
    if profile and profile[16:20] != (b"GRAY" if grey else b"RGB "):
        profile = None
    values = _deep_values(path, content, image)
    if values is None and image.has_transparency_data:
        values = np.asarray(image.convert("RGBA"))
    turn, exif = _notes(image)
    alpha = None
    if values is not None:
        values = _turned(values, turn)
        rgb = np.ascontiguousarray(values[..., :3])
        alpha = values[..., 3].copy() if values.shape[-1] == 4 else None
    return Picture(rgb, alpha, grey, profile, exif, image.format)


def _deep_values(path: Path, content: bytes, image: Image.Image) -> np.ndarray | None:
    """Return 16-bit values as stored in the file, uint16 (H, W, 3 or 4), or None.

    They are not rotated upright yet.
    """
    if image.mode.startswith("I;16") or (image.format, image.mode) == ("PPM", "I"):
        values = np.asarray(image).astype(np.uint16)
        channels = [values] * 3
        if (clear := image.info.get("transparency")) is not None:
            channels.append(np.where(values == clear, 0, 65535).astype(np.uint16))
        return np.stack(channels, axis=-1)
    if image.format not in ("PNG", "TIFF") or ";16" not in _raw_mode(image):
        return None
    # Pillow would keep only the upper 8 bits.
    values = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if values is None or values.dtype != np.uint16 or values.ndim != 3:
        logger.warning("%s: only 8 of its 16 bits can be read", path)
        return None
    # OpenCV's order is BGR.
    return values[..., [2, 1, 0, 3][: values.shape[-1]]]


def _raw_mode(image: Image.Image) -> str:
    """Return Pillow's name of the pixel format in a file that is not decoded yet."""
    args = image.tile[0].args if image.tile else ""
    return args if isinstance(args, str) else str(args[0])


def _notes(image: Image.Image) -> tuple[int, bytes | None]:
    """Return the EXIF orientation (1 to 8) and the remaining EXIF metadata."""
    turn = 1
    try:
        exif = image.getexif()
        # Pillow and OpenCV rotate TIFF files themselves when they decode them.
        turn = 1 if image.format == "TIFF" else exif.get(_ORIENTATION, 1)
        for tag in _LAYOUT:
            if tag in exif:
                del exif[tag]
        for tag in _PIXEL_SIZES:
            exif.get_ifd(EXIF_IFD).pop(tag, None)
        return turn, exif.tobytes() if len(exif) else None
    except Exception:  # An image with damaged metadata is still usable.
        return turn, None


def _turned(values: np.ndarray, turn: int) -> np.ndarray:
    """Rotate and mirror an array (H, W, C) according to an EXIF orientation, 1 to 8."""
    if turn in (5, 6, 7, 8):
        values = values.swapaxes(0, 1)
    down = -1 if turn in (3, 4, 7, 8) else 1
    right = -1 if turn in (2, 3, 6, 7) else 1
    return values[::down, ::right]
