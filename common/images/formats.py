"""The formats of image files that are read, and the names of others by their content.

Reference: the formats' specifications, for the bytes with which their files begin.
"""

# Pillow reads more formats, but for some of them it starts other programs. DIB is a BMP
# without its first 14 bytes.
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "DIB", "WEBP", "TIFF", "PPM")
# All suffixes that Pillow knows for these formats. MPO is a JPEG that contains further
# images, such as a phone's gain map.
SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".webp", ".gif"),
    *(".bmp", ".dib", ".tif", ".tiff", ".pbm", ".pgm", ".ppm", ".pnm", ".pfm"),
)
EXPECTED = "JPEG, PNG, GIF, BMP, WEBP, TIFF or PPM"

_CONVERT = "save it as JPEG or PNG"
_AGAIN = "download it again or remove it"
# What files are that begin with these bytes, and what to do with them.
_BEGINNINGS = (
    (b"version https://git-lfs", "a pointer of Git LFS", "run git lfs pull"),
    (b"8BPS", "a Photoshop document", _CONVERT),
    (b"gimp xcf", "a GIMP document", _CONVERT),
    (b"%PDF", "a PDF document", _CONVERT),
    (b"%!PS", "PostScript", _CONVERT),
    (b"\xc5\xd0\xd3\xc6", "PostScript", _CONVERT),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000", _CONVERT),
    (b"\xff\x4f\xff\x51", "JPEG 2000", _CONVERT),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL", _CONVERT),
    (b"\xff\x0a", "JPEG XL", _CONVERT),
    (b"\x76\x2f\x31\x01", "OpenEXR", _CONVERT),
    (b"#?R", "Radiance HDR", _CONVERT),
    (b"DDS ", "a DDS texture", _CONVERT),
    (b"qoif", "QOI", _CONVERT),
    (b"\0\0\1\0", "an icon (ICO)", _CONVERT),
    (b"icns", "an icon (ICNS)", _CONVERT),
    (b"P7\n", "PAM", _CONVERT),
    (b"SIMPLE  =", "FITS", _CONVERT),
    (b"FUJIFILM", "a raw photo", _CONVERT),
    (b"PK\3\4", "a zip archive or an Office document", "unpack it"),
    (b"Rar!", "a RAR archive", "unpack it"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it"),
    (b"\x1f\x8b", "a gzip archive", "unpack it"),
    (b"\xfd7zXZ", "an xz archive", "unpack it"),
    (b"BZh", "a bzip2 archive", "unpack it"),
    (b"\x93NUMPY", "a NumPy array", _CONVERT),
    (b"\x89HDF", "an HDF5 file", "export its images as PNG"),
    (b"MATLAB 5.0", "a MATLAB file", "export its images as PNG"),
    (b"\x1a\x45\xdf\xa3", "a video", "export its frames as PNG"),
    (b"FLV", "a video", "export its frames as PNG"),
    (b"\xff\xd8\xff", "a damaged JPEG", _AGAIN),
    (b"\x89PNG", "a damaged PNG", _AGAIN),
    (b"GIF8", "a damaged GIF", _AGAIN),
    (b"BM", "a damaged or unusual BMP", _AGAIN),
    (b"II*\0", "a damaged or unusual TIFF", _AGAIN),
    (b"MM\0*", "a damaged or unusual TIFF", _AGAIN),
    (b"II+\0", "a damaged or unusual TIFF", _AGAIN),
    (b"MM\0+", "a damaged or unusual TIFF", _AGAIN),
)
# The brands of ISO media files, which begin with the size of a box and "ftyp".
_BRANDS = (
    ((b"avif", b"avis"), "AVIF", _CONVERT),
    ((b"hei", b"hev", b"mif1", b"msf1"), "HEIC", _CONVERT),
    ((b"crx ",), "a raw photo", _CONVERT),
    ((b"",), "a video", "export its frames as PNG"),
)


def name_content(content: bytes) -> str:
    """Name what a file is that is no image of a known format, and what to do.

    Args:
        content: bytes of the file.

    Returns:
        For example "HEIC; save it as JPEG or PNG".
    """
    if content[4:8] == b"ftyp":
        # The major brand, its version, and compatible brands: HEIC may begin with mif1.
        found = [content[place : place + 4] for place in range(8, 48, 4)]
        for brands, name, advice in _BRANDS:
            if any(brand.startswith(brands) for brand in found):
                return f"{name}; {advice}"
    if content[:4] == b"RIFF":
        name = "a damaged WebP" if content[8:12] == b"WEBP" else "a video or a sound"
        return f"{name}; {_AGAIN}"
    if content[257:262] == b"ustar":
        return "a tar archive; unpack it"
    if content[128:132] == b"DICM":
        return f"DICOM; {_CONVERT}"
    for beginning, name, advice in _BEGINNINGS:
        if content.startswith(beginning):
            return f"{name}; {advice}"
    if not content.strip(b"\0"):
        return f"nothing but zeros; {_AGAIN}"
    return _name_text(content[:1024]) or f"something else; {_CONVERT} or remove it"


def _name_text(start: bytes) -> str | None:
    """Name what a text file is, or return None if the bytes are no text."""
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if b"<svg" in text:
        return f"an SVG drawing; {_CONVERT}"
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return "a web page, perhaps the answer of a failed download; download it again"
    if text.startswith((b"<?xml", b"<")):
        return f"an XML text, perhaps the answer of a failed download; {_AGAIN}"
    try:
        start.decode()
    except UnicodeDecodeError as error:
        if error.start < len(start) - 4:  # not only a character that is cut off
            return None
    if any(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in start):
        return None
    return f"a text; {_AGAIN}"
