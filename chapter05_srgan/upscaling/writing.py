"""Writing image files with 16 bits, transparency and metadata, strip by strip.

An image that does not fit into memory can be written from a memory-mapped file.

Reference: "Portable Network Graphics (PNG) Specification" (W3C, third edition,
    2025), sections 5, 9 and 11; "TIFF Revision 6.0" (Adobe 1992), section 8.
"""

import contextlib
import logging
import mmap
import os
import shutil
import struct
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, TiffImagePlugin

from chapter05_srgan.upscaling.reading import EXIF_IFD, GPS_IFD, Picture
from common.errors import UserError, WritingError
from common.files import atomic_path, cannot_write
from common.images.pixels import mean_channel, on_white, to_8_bits

logger = logging.getLogger(__name__)

QUALITY = 95  # of JPEG and WebP files
# The supported suffixes, and the longest side that each format allows, pixels.
SUFFIXES = {
    ".png": 2**31 - 1,
    ".tif": 2**31 - 1,
    ".tiff": 2**31 - 1,
    ".bmp": 2**31 - 1,
    ".jpg": 65_500,
    ".jpeg": 65_500,
    ".webp": 16_383,
}
_MAX_TIFF_BYTES = 2**32 - 2**24  # of pixels; the rest of 4 GiB is for metadata
_MAX_JPEG_EXIF = 65_527  # bytes
_STRIP_PIXELS = 2**20  # pixels that are converted and written at a time
_IN_MEMORY = 2**26  # bytes; larger scratch arrays are mapped from a file
# For enlarged photos, zlib's level 3 compresses as well as Pillow does, in a quarter of
# the time.
_PNG_LEVEL = 3
_PNG_UP = 2  # filter type "up": each row is stored as the difference from the row above
# PNG's colour type by the number of channels: grey, grey + alpha, RGB, RGBA.
_PNG_KINDS = {1: 0, 2: 4, 3: 2, 4: 6}


def write_picture(path: Path | str, picture: Picture) -> None:
    """Write an image with its profile and EXIF metadata.

    The file appears only when it is complete. PNG and TIFF files have 8 or 16 bits and
    transparency. JPEG (quality 95), WebP and BMP files have 8 bits. JPEG and BMP have
    no transparency: the image is put on white, and a warning is logged.

    Args:
        path: file to write; its suffix, one of `SUFFIXES`, determines the format.
        picture: the image, whose arrays may be mapped from a file. Only WebP and BMP
            need more than a few rows in memory.

    Raises:
        WritingError: the file cannot be written.
        UserError: the suffix is not supported, or the image is too large for the
            format.
    """
    path = Path(path)
    check_target(path, picture.rgb.shape)
    suffix = path.suffix.lower()
    if picture.alpha is not None and suffix in (".jpg", ".jpeg", ".bmp"):
        logger.warning(
            "%s: %s has no transparency; the image is put on white", path, suffix
        )
    with atomic_path(path) as temporary:
        if suffix == ".png":
            _write_png(picture, temporary)
        elif suffix in (".tif", ".tiff"):
            _write_tiff(picture, temporary)
        else:
            _write_by_pillow(picture, temporary)


def check_target(path: Path, shape: tuple[int, ...] = (0, 0)) -> None:
    """Raise a UserError if an image cannot be written under a name.

    Args:
        path: the file to write.
        shape: shape of the image, (H, W, ...); by default only the suffix is checked.
    """
    most = SUFFIXES.get(path.suffix.lower())
    if most is None:
        raise UserError(f"{path}: expected a name ending in {', '.join(SUFFIXES)}")
    if max(shape[:2]) > most:
        raise UserError(
            f"{path}: expected sides of at most {most:,} pixels in this format, found "
            f"{max(shape[:2]):,}; write a .png"
        )


@contextlib.contextmanager
def scratch_array(shape: tuple, dtype: np.dtype, folder: Path) -> Iterator[np.ndarray]:
    """Provide a temporary array, which is mapped from an unnamed file above 64 MiB.

    Args:
        shape: shape of the array.
        dtype: dtype of the array.
        folder: folder whose file system holds the unnamed file.

    Yields:
        The array; its values are undefined at first.

    Raises:
        WritingError: the disk does not have enough free space.
    """
    size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    if size <= _IN_MEMORY:
        yield np.empty(shape, dtype)
        return
    with contextlib.ExitStack() as stack:
        try:
            if (free := shutil.disk_usage(folder).free) < size:
                raise WritingError(
                    f"{folder}: expected {size:,} free bytes, found {free:,}; make room"
                )
            file = stack.enter_context(tempfile.TemporaryFile(dir=folder))
            # Writing to a mapped file on a full disk would kill the process (SIGBUS),
            # so the space is reserved first.
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)
            array = np.memmap(file, dtype, "w+", shape=shape)
        except OSError as error:
            raise cannot_write(folder, error) from error
        yield array


def forget(array: np.ndarray) -> None:
    """Release the memory pages of a file-mapped array; its values stay in the file.

    Args:
        array: any array; nothing happens if it is not a writable mapping of a file.
    """
    if isinstance(array, np.memmap) and array.mode in ("r+", "w+"):
        if isinstance(array.base, mmap.mmap) and hasattr(array.base, "madvise"):
            array.base.madvise(mmap.MADV_DONTNEED)


def _strips(picture: Picture, bits: int, alpha: bool) -> Iterator[np.ndarray]:
    """Yield the rows of an image in the form in which they are written.

    Args:
        picture: the image.
        bits: bits per value in the file, 8 or 16.
        alpha: whether to keep the transparency; if not, the image is put on white.

    Yields:
        The next rows, uint8 or uint16 (n, W, C): grey or RGB, and opacity.
    """
    step = max(1, _STRIP_PIXELS // picture.rgb.shape[1])
    for start in range(0, len(picture.rgb), step):
        rows = slice(start, start + step)
        values = picture.rgb[rows]
        if picture.grey:
            values = mean_channel(values)
        if picture.alpha is not None:
            opacity = picture.alpha[rows, :, None]
            if alpha:
                values = np.concatenate([values, opacity], axis=-1)
            else:
                values = on_white(values, opacity)
        yield to_8_bits(values) if bits == 8 else values
        forget(picture.rgb)


def _channels(picture: Picture) -> int:
    """Return the number of channels, including opacity."""
    return (1 if picture.grey else 3) + (picture.alpha is not None)


def _write_png(picture: Picture, path: Path) -> None:
    """Write a PNG file chunk by chunk."""
    height, width, _ = picture.rgb.shape
    channels, bits = _channels(picture), picture.bits
    kind = _PNG_KINDS[channels]
    packer = zlib.compressobj(_PNG_LEVEL)
    with path.open("wb") as file:

        def write(name: bytes, data: bytes) -> None:
            """Write a chunk."""
            crc = zlib.crc32(name + data)
            file.write(struct.pack(">I", len(data)) + name + data)
            file.write(struct.pack(">I", crc))

        file.write(b"\x89PNG\r\n\x1a\n")
        write(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0))
        if picture.icc_profile:
            profile = zlib.compress(picture.icc_profile)
            write(b"iCCP", b"ICC profile\0\0" + profile)
        if picture.exif:
            write(b"eXIf", picture.exif.removeprefix(b"Exif\0\0"))
        above = np.zeros((1, width * channels * bits // 8), np.uint8)
        for strip in _strips(picture, bits, alpha=True):
            rows = strip.astype(strip.dtype.newbyteorder(">")).view(np.uint8)
            rows = np.concatenate([above, rows.reshape(len(strip), -1)])
            above = rows[-1:]
            packed = np.insert(rows[1:] - rows[:-1], 0, _PNG_UP, axis=1)
            write(b"IDAT", packer.compress(packed))
        write(b"IDAT", packer.flush())
        write(b"IEND", b"")


def _write_tiff(picture: Picture, path: Path) -> None:
    """Write an uncompressed TIFF file with a single strip."""
    height, width, _ = picture.rgb.shape
    channels, bits = _channels(picture), picture.bits
    size = height * width * channels * bits // 8
    if size > _MAX_TIFF_BYTES:
        raise UserError(
            f"{path.name}: expected at most {_MAX_TIFF_BYTES:,} bytes of pixels in a "
            f"TIFF file, found {size:,}; write a .png"
        )
    # Pillow cannot write RGB with 16 bits, so it writes only the tags; the pixels
    # follow below.
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    notes = Image.Exif()
    notes.load(picture.exif or b"")
    for tag, value in notes.items():
        is_directory = tag in (EXIF_IFD, GPS_IFD)
        tags[tag] = notes.get_ifd(tag) if is_directory else value
    tags[256], tags[257], tags[258] = width, height, (bits,) * channels
    tags[259], tags[262] = 1, 1 if picture.grey else 2
    tags[273], tags[277], tags[278], tags[279] = 0, channels, height, size
    if picture.alpha is not None:
        tags[338] = 2  # the extra channel is alpha, not premultiplied
    if picture.icc_profile:
        tags[34675] = picture.icc_profile
    with path.open("wb") as file:
        tags.save(file)
        for strip in _strips(picture, bits, alpha=True):
            file.write(strip.astype(strip.dtype.newbyteorder("<")))


def _write_by_pillow(picture: Picture, path: Path) -> None:
    """Write a JPEG, WebP or BMP file from an array that Pillow uses without a copy."""
    suffix = path.suffix.lower()
    if picture.bits == 16:
        logger.warning("%s: expected 8 bits for this format, 16 were found", path.name)
    exif = picture.exif or b""
    if suffix.startswith(".jp") and len(exif) > _MAX_JPEG_EXIF:
        logger.warning("%s: dropped EXIF metadata, too long for JPEG", path.name)
        exif = b""
    alpha = picture.alpha is not None and suffix == ".webp"
    mode = "RGBA" if alpha else "L" if picture.grey else "RGBX"
    height, width, _ = picture.rgb.shape
    shape = (height, width) if mode == "L" else (height, width, 4)
    with scratch_array(shape, np.uint8, path.parent) as pixels:
        row = 0
        for strip in _strips(picture, 8, alpha):
            rows = pixels[row : row + len(strip)]
            row += len(strip)
            if mode == "L":
                rows[:] = strip[..., 0]
            else:
                colours = strip[..., :-1] if alpha else strip
                rows[..., :3], rows[..., 3] = colours, strip[..., -1]
            forget(pixels)
        size = (width, height)
        image = Image.frombuffer(mode, size, pixels, "raw", mode, 0, 1)
        image = image.convert("RGB") if (suffix, mode) == (".bmp", "RGBX") else image
        options = {"exif": exif, "icc_profile": picture.icc_profile}
        image.save(path, quality=QUALITY, **options)
