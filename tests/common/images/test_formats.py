"""Naming what files are that are no images of a known format."""

import pytest

from common.images.formats import name_content

FTYP = b"\0\0\0\x18ftyp"


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (FTYP + b"heic\0\0\0\0mif1", "HEIC; save it as JPEG or PNG"),
        (FTYP + b"mif1\0\0\0\0heic", "HEIC; save"),
        (FTYP + b"mif1\0\0\0\0mif1avif", "AVIF; save"),
        (FTYP + b"avif", "AVIF; save"),
        (FTYP + b"isom", "a video; export its frames"),
        (FTYP + b"crx ", "a raw photo; save"),
        (b"8BPS\0\1", "a Photoshop document; save"),
        (b"%PDF-1.7", "a PDF document; save"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "PostScript; save"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000; save"),
        (b"\xff\x0a\x01\x02", "JPEG XL; save"),
        (b"P7\nWIDTH 9\nENDHDR\n", "PAM; save"),
        (b"PK\3\4", "a zip archive or an Office document; unpack it"),
        (b"\x1f\x8b\x08", "a gzip archive; unpack it"),
        (bytes(257) + b"ustar", "a tar archive; unpack it"),
        (bytes(128) + b"DICM", "DICOM; save"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS; run"),
        (b"\xef\xbb\xbf\n<!DOCTYPE HTML><html>", "a web page, perhaps the answer of a"),
        (b'<?xml version="1.0"?>\n<!-- x -->\n<svg>', "an SVG drawing; save"),
        (b"<Error><Code>AccessDenied</Code>", "an XML text, perhaps the answer of a"),
        (b"these are words\xc3", "a text; download it again or remove it"),
        ("кот".encode(), "a text; "),
        (bytes(900), "nothing but zeros; download it again"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "a damaged WebP; download it again"),
        (b"RIFF\x10\0\0\0AVI LIST", "a video or a sound; "),
        (b"\xff\xd8\xff\xe0", "a damaged JPEG; "),
        (b"\x93NUMPY\1\0", "a NumPy array; "),
        (b"\1\2\3\xff\xfe", "something else; save it as JPEG or PNG or remove it"),
    ],
)
def test_files_are_named_by_their_content(content, wanted):
    assert name_content(content).startswith(wanted)
