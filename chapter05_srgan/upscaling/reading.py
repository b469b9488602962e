"""Reading picture files with all that they carry: bits, transparency, notes.

It is as safe as that of `common.images.reading`, which looks at each file first.
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
EXIF_IFD, GPS_IFD = 0x8769, 0x8825
_ORIENTATION = 274
# Notes about how the pixels lie in the file, which are not true of another file.
_LAYOUT = (
    *(254, 255, 256, 257, 258, 259, 262, 263, 266, 273, _ORIENTATION, 277, 278, 279),
    *(280, 281, 284, 301, 317, 318, 319, 320, 322, 323, 324, 325, 330, 338, 339),
    *(347, 513, 514, 529, 530, 531, 532, 700, 34377, 34675),
)
_PIXEL_SIZES = (0xA002, 0xA003)


@dataclass(frozen=True)
class Picture:
    """An upright picture and what its file said about it.

    Attributes:
        rgb: uint8 or uint16 (H, W, 3); of a grey picture all three are alike, or
            their mean counts.
        alpha: opacity (H, W) of the same dtype, or None.
        grey: it has one channel only.
        icc_profile: that suits the colours or the grey, or None.
        exif: notes of the camera without those about the pixels' layout, or None.
        format: as Pillow names it, "JPEG" for example.
    """

    rgb: np.ndarray
    alpha: np.ndarray | None = None
    grey: bool = False
    icc_profile: bytes | None = None
    exif: bytes | None = None
    format: str | None = None

    @property
    def bits(self) -> int:
        """Return the bits of a value, 8 or 16."""
        return 8 * self.rgb.dtype.itemsize


def read_picture(path: Path | str) -> Picture:
    """Read a picture with all that its file carries.

    It is turned upright as the camera noted, and that note is dropped. CMYK becomes
    RGB without its profile. 16 bits are kept of PNG and TIFF files and of grey PGM.

    Args:
        path: the file; its content decides the kind, not its name.

    Returns:
        The picture.

    Raises:
        ImageError: as of `common.images.reading.read_image`.
    """
    path = Path(path)
    with warnings.catch_warnings():
        # Damaged notes do not make the picture unusable.
        warnings.filterwarnings("ignore", module="PIL")
        rgb = read_image(path)
        try:
            # Pillow mixes up the sides of turned TIFF files that it opens by name.
            content = path.read_bytes()
            with Image.open(io.BytesIO(content)) as image:
                return _with_the_rest(path, content, image, rgb)
        except Exception as error:  # It was sound a moment ago.
            told = " ".join(str(error).split())[:100]
            raise ImageError(path, f"cannot be read ({told}); save it anew") from error


def _with_the_rest(
    path: Path, content: bytes, image: Image.Image, rgb: np.ndarray
) -> Picture:
    """Return a picture, of which `rgb` is the part that all files have."""
    raw = _raw_mode(image)
    # Pillow makes RGBA of grey values of 16 bits with opacity.
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
    """Return values of 16 bits as they lie in the file, uint16 (H, W, 3 or 4)."""
    if image.mode.startswith("I;16") or (image.format, image.mode) == ("PPM", "I"):
        values = np.asarray(image).astype(np.uint16)
        channels = [values] * 3
        if (clear := image.info.get("transparency")) is not None:
            channels.append(np.where(values == clear, 0, 65535).astype(np.uint16))
        return np.stack(channels, axis=-1)
    if image.format not in ("PNG", "TIFF") or ";16" not in _raw_mode(image):
        return None
    # Pillow would keep the upper 8 bits only.
    values = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if values is None or values.dtype != np.uint16 or values.ndim != 3:
        logger.warning("%s: only 8 of its 16 bits can be read", path)
        return None
    return values[..., [2, 1, 0, 3][: values.shape[-1]]]


def _raw_mode(image: Image.Image) -> str:
    """Return Pillow's name for how an image lies in a file that is not decoded yet."""
    args = image.tile[0].args if image.tile else ""
    return args if isinstance(args, str) else str(args[0])


def _notes(image: Image.Image) -> tuple[int, bytes | None]:
    """Return how a picture is to be turned, and its other notes."""
    turn = 1
    try:
        exif = image.getexif()
        # Whoever decodes TIFF files turns them too.
        turn = 1 if image.format == "TIFF" else exif.get(_ORIENTATION, 1)
        for tag in _LAYOUT:
            if tag in exif:
                del exif[tag]
        for tag in _PIXEL_SIZES:
            exif.get_ifd(EXIF_IFD).pop(tag, None)
        return turn, exif.tobytes() if len(exif) else None
    except Exception:  # Damaged notes are worth no picture.
        return turn, None


def _turned(values: np.ndarray, turn: int) -> np.ndarray:
    """Turn and mirror an array (H, W, C) as EXIF's orientation says."""
    if turn in (5, 6, 7, 8):
        values = values.swapaxes(0, 1)
    down = -1 if turn in (3, 4, 7, 8) else 1
    right = -1 if turn in (2, 3, 6, 7) else 1
    return values[::down, ::right]
