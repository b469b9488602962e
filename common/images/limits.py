"""Limits on image files, so that no file takes very much memory or time to decode."""

import re
from collections.abc import Iterator

MAX_PIXELS = 64_000_000
MAX_BYTES = 2**28  # enough for MAX_PIXELS uncompressed pixels of four bytes
# Each scan of a progressive JPEG goes through the whole image again. Usual files have
# ten scans, and the libraries' own scripts for CMYK 18.
MAX_SCANS = 100
# Largest unpacked colour profile, text, and total of the metadata as stored, bytes.
MAX_METADATA = 2**24
# Most chunks of a PNG file, or segments of a JPEG file.
MAX_PARTS = 100_000

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_START_OF_SCAN, _END_OF_IMAGE = b"\xff\xda", b"\xff\xd9"
_PROFILE = b"iCCP"
_PIXEL_CHUNKS = (b"IHDR", b"PLTE", b"IDAT", b"fcTL", b"fdAT", b"IEND")
# What ends the pixels of a scan: a marker that is no restart and no stuffed byte.
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


def find_excess(content: bytes) -> str | None:
    """Say why a PNG or JPEG file would take very long to decode, or return None.

    Args:
        content: bytes of the file, before it is decoded.

    Returns:
        What was expected, what was found and what to do.
    """
    if content.startswith(_PNG):
        parts = _chunks(content)
    elif content.startswith(_JPEG):
        parts = _segments(content)
    else:
        return None
    count = size = profiles = scans = 0
    for name, length in parts:
        count += 1
        size += 0 if name in _PIXEL_CHUNKS else length
        profiles += name == _PROFILE
        scans += name == _START_OF_SCAN
        if count > MAX_PARTS or size > MAX_METADATA or profiles > 1:
            return (
                f"expected at most {MAX_METADATA:,} bytes of metadata, one colour "
                f"profile and {MAX_PARTS:,} parts, found more; save it again without "
                "metadata"
            )
        if scans > MAX_SCANS:
            return (
                f"expected a JPEG of at most {MAX_SCANS} scans, found more, which "
                "would take very long to decode; save it again in an image editor"
            )
    return None


def _chunks(content: bytes) -> Iterator[tuple[bytes, int]]:
    """Yield the name and the number of bytes of each chunk of a PNG file."""
    at = len(_PNG)
    while at + 8 <= len(content):
        length = int.from_bytes(content[at : at + 4])
        yield content[at + 4 : at + 8], length
        at += length + 12


def _segments(content: bytes) -> Iterator[tuple[bytes, int]]:
    """Yield the marker and the number of bytes of each segment of a JPEG's image.

    Of a scan, the pixels are passed over. A byte between two segments counts as one of
    its own. A phone may have put a video behind the image.
    """
    at = 2
    while at + 4 <= len(content):
        marker = content[at : at + 2]
        if marker == _END_OF_IMAGE:
            return
        if marker[0] != 0xFF or marker[1] in (0, 0xFF):
            yield b"", 0
            at += 1
            continue
        if marker[1] == 1 or 0xD0 <= marker[1] <= 0xD8:  # markers without a length
            yield marker, 0
            at += 2
            continue
        length = int.from_bytes(content[at + 2 : at + 4])
        yield marker, length
        at += length + 2
        if marker == _START_OF_SCAN:
            following = _MARKER.search(content, at)
            if following is None:
                return
            at = following.start()
