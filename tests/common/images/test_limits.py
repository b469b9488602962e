"""PNG and JPEG files that would take very long to decode."""

import io

import pytest
from pictures import noise, png, smooth
from PIL import Image

from common.images.image_file import ImageError, decode_image


def jpeg(**options: object) -> bytes:
    """Return a JPEG file of 16 x 16 pixels."""
    buffer = io.BytesIO()
    Image.fromarray(smooth(16, 16)).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def many_scans(count: int) -> bytes:
    """Return a progressive JPEG whose last scan is there `count` times."""
    content = jpeg(progressive=True)
    start = content.rindex(b"\xff\xda")
    return content[:start] + content[start:-2] * count + content[-2:]


def many_segments(segment: bytes, count: int) -> bytes:
    """Return a JPEG with a segment `count` times."""
    content = jpeg()
    return content[:2] + segment * count + content[2:]


def many_chunks(chunk: bytes, count: int) -> bytes:
    """Return a PNG with a chunk `count` times."""
    content = png(noise(0), 8, 2)
    return content[:33] + chunk * count + content[33:]


EXIF = b"\xff\xe1\xff\xffExif\0\0" + bytes(65527)
EMPTY = b"\0\0\0\0teSt" + bytes.fromhex("f7f2a9e8")
TEXT = png(noise(0), 8, 2, tEXt=b"x\0" + bytes(2**20))[33 : 33 + 2**20 + 14]
PROFILE = png(noise(0), 8, 2, iCCP=b"x\0\0" + bytes(9))[33 : 33 + 24]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (many_scans(500), "expected a JPEG of at most 100 scans, found more"),
        # A marker without a length, from which the next one must not be taken.
        (
            many_scans(300).replace(b"\xff\xda", b"\xff\xd0\xff\xda", 1),
            "expected a JPEG of at most 100 scans, found more",
        ),
        (many_segments(EXIF, 257), "at most 16,777,216 bytes of metadata"),
        (many_segments(b"\xff\xfe\0\2", 100_001), "and 100,000 parts, found more"),
        (many_segments(b"\xff", 100_001), "and 100,000 parts, found more"),
        (
            many_segments(b"\xff\xfe\0\2" + b"x" * 100_001, 1),
            "and 100,000 parts, found more",
        ),
        (many_chunks(EMPTY, 100_001), "and 100,000 parts, found more"),
        (many_chunks(TEXT, 17), "at most 16,777,216 bytes of metadata"),
        (many_chunks(PROFILE, 2), "one colour profile"),
    ],
    ids=lambda value: value[-12:] if isinstance(value, str) else "",
)
def test_files_that_would_take_very_long_are_refused(tmp_path, content, message):
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(ImageError, match=message):
        decode_image(tmp_path / "x")


@pytest.mark.parametrize(
    "content",
    [
        many_scans(90),
        many_segments(EXIF, 10),
        many_segments(b"\xff", 99),
        # A thumbnail in the metadata, and a video behind the image, are no scans.
        many_segments(b"\xff\xe1\1\x2e" + b"\xff\xda" * 150, 1),
        jpeg() + b"\xff\xda" * 150,
    ],
)
def test_unusual_but_short_files_are_read(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    assert decode_image(tmp_path / "x").pixels.size == (16, 16)
