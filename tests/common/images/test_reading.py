"""Finding image files, and refusing files that are not usable images."""

import io
import os
import struct
import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from pictures import saved, smooth
from PIL import Image

from common.errors import UserError
from common.images.formats import FORMATS, SUFFIXES
from common.images.image_file import ImageError
from common.images.limits import MAX_BYTES
from common.images.reading import find_images, read_image, read_image_and_alpha


def png_of(width: int, height: int, pixels: bytes = b"") -> bytes:
    """Return a PNG of 8-bit RGB with any header and any content."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + crc

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(pixels))]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts) + chunk(b"IEND", b"")


def test_images_are_found_at_any_depth_and_in_order(tmp_path):
    wanted = ["a/z.PNG", "a-b/x.jpg", "b.gif", "b/c/d.tiff", "é.webp"]
    others = [
        ".hidden.png",
        ".git/x.png",
        "README.txt",
        "a/Thumbs.db",
        "png",
        "b/e.npy",
    ]
    for name in wanted + others:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "folder.png").mkdir()
    found = [path.relative_to(tmp_path).as_posix() for path in find_images(tmp_path)]
    assert found == sorted(wanted) == ["a-b/x.jpg", *wanted[:1], *wanted[2:]]
    assert find_images(str(tmp_path))[0] == tmp_path / "a-b" / "x.jpg"


def test_every_suffix_of_pillow_counts(tmp_path):
    for suffix in SUFFIXES:
        (tmp_path / f"x{suffix}").touch()
    assert len(find_images(tmp_path)) == len(SUFFIXES)
    known = {s for s, name in Image.registered_extensions().items() if name in FORMATS}
    assert known | {".mpo"} == set(SUFFIXES)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere", "^no such directory: .*nowhere; check the path$"),
        ("file.png", "^.*file.png is a file; expected a folder of images$"),
        ("empty", r"^no images in .*empty; expected \.jpg, .* files, found nothing$"),
        ("texts", "^no images in .*texts; .*found 1 .txt .README.txt.$"),
    ],
)
def test_folders_without_images_are_refused(tmp_path, name, message):
    (tmp_path / "file.png").touch()
    (tmp_path / "empty").mkdir()
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "README.txt").touch()
    with pytest.raises(UserError, match=message):
        find_images(tmp_path / name)


@pytest.mark.parametrize("closed", ["", "inner"])
def test_an_unreadable_folder_is_an_error(tmp_path, monkeypatch, closed):
    (tmp_path / "inner").mkdir()
    (tmp_path / "x.png").touch()
    open_folder = os.scandir

    # The user root can read every folder, so raise the system's error here.
    def scandir(folder: str) -> object:
        if Path(folder) == tmp_path / closed:
            raise PermissionError(13, "Permission denied", folder)
        return open_folder(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(
        UserError, match="^cannot read the folder .*: Permission denied; "
    ):
        find_images(tmp_path)


@pytest.mark.parametrize(
    ("mode", "kind"), [("I", "signed integers"), ("F", "floating-point numbers")]
)
def test_32_bit_pixels_are_refused(tmp_path, mode, kind):
    path = saved(Image.new(mode, (9, 9)), tmp_path / "x.tif")
    with pytest.raises(ImageError, match=f"up to 16 bits, found 32-bit {kind}; save"):
        read_image(path)


@pytest.mark.parametrize(("kind", "name"), [("JPEG", "x.jpg"), ("PNG", "x.png")])
def test_a_truncated_file_is_refused_or_read_completely(tmp_path, kind, name):
    buffer = io.BytesIO()
    Image.fromarray(smooth(24, 32)).save(buffer, kind)
    whole, path = buffer.getvalue(), tmp_path / name
    path.write_bytes(whole)
    image, refused = read_image(path), 0
    for length in range(1, len(whole), 3):
        path.write_bytes(whole[:length])
        try:
            cut = read_image(path)
        except ImageError as error:
            refused += 1
            assert "\n" not in str(error) and str(path) in str(error)
        else:
            assert np.array_equal(cut, image)
    assert refused > len(whole) / 3 - 20


@pytest.mark.parametrize("options", [{}, {"progressive": True}])
def test_a_truncated_jpeg_is_refused_at_reduced_size_too(tmp_path, options):
    path = saved(smooth(200, 200), tmp_path / "x.jpg", **options)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 3 // 4])
    for size in (None, (16, 16)):
        with pytest.raises(ImageError, match="damaged or truncated .*truncated"):
            read_image(path, size)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty; download it again"),
        (b"these are words", "expected JPEG, PNG, GIF, BMP, WEBP, TIFF or PPM, found"),
        (b"P6\n9 9\n255\n" + bytes(242), "damaged or truncated .*; download it again"),
        (b"P5\n9 x\n255\n" + bytes(99), "damaged or truncated .*; download it again"),
        (b"P5\n8001 8000\n255\n", "at most 64,000,000 pixels, found 8,001 x 8,000"),
        (b"Pf\n9 9\n-1.0\n" + bytes(324), "expected 8 or 16 bits per channel"),
        (
            png_of(1, 1, b"\0\0\0\0"),
            "at least 8 pixels a side, found 1 x 1; use",
        ),
        (png_of(7, 900), "at least 8 pixels a side, found 7 x 900"),
        (png_of(8001, 8000), "at most 64,000,000 pixels, found 8,001 x 8,000; shrink"),
        # Pillow warns about the size of this image, and refuses the next one.
        (png_of(12_000, 12_000), "at most 64,000,000 pixels, found far more; shrink"),
        (png_of(60_000, 60_000), "at most 64,000,000 pixels, found far more; shrink"),
        (png_of(16, 16, b"\0"), "damaged or truncated .*; download it again"),
    ],
)
def test_bad_content_has_a_reason(tmp_path, content, reason):
    path = tmp_path / "x.png"
    path.write_bytes(content)
    with pytest.raises(ImageError, match=reason) as caught:
        read_image(path)
    assert str(caught.value) == f"{path}: {caught.value.reason}"
    assert isinstance(caught.value, UserError) and "\n" not in str(caught.value)


def test_portable_anymaps_are_read(tmp_path):
    ramp = smooth(12, 20)
    assert np.array_equal(read_image(saved(ramp, tmp_path / "x.ppm")), ramp)
    grey = read_image(saved(ramp[..., 0], tmp_path / "x.pgm"))
    assert np.array_equal(grey, np.repeat(ramp[..., :1], 3, axis=-1))
    # 16-bit values are stored high byte first; these are 40000 and 257 * 7.
    (tmp_path / "x.pnm").write_bytes(
        b"P5 # made by hand\n8 8 65535\n" + b"\x9c\x40\x07\x07" * 32
    )
    assert read_image(tmp_path / "x.pnm")[0, :2, 1].tolist() == [156, 7]
    (tmp_path / "x.pgm").write_bytes(b"P5 8 8 1023\n" + b"\x02\x00" * 64)
    assert read_image(tmp_path / "x.pgm")[0, 0, 0] == 128  # 512 / 1023 * 255


def test_sizes_at_the_limits_are_read(tmp_path):
    assert read_image(saved(smooth(8, 8), tmp_path / "x.png")).shape == (8, 8, 3)
    # 8000 x 8000 passes the check and fails in the decoder.
    (tmp_path / "x.png").write_bytes(png_of(8000, 8000))
    with pytest.raises(ImageError, match="damaged or truncated"):
        read_image(tmp_path / "x.png", (8, 8))


def test_files_that_cannot_be_opened_have_a_reason(tmp_path, monkeypatch):
    with pytest.raises(ImageError, match="no such file; check the path"):
        read_image(tmp_path / "gone.png")
    with pytest.raises(ImageError, match="is a folder; expected an image file"):
        read_image(tmp_path)
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ImageError, match="no such file"):
        read_image(tmp_path / "pipe.png")
    with (tmp_path / "big.png").open("wb") as file:
        file.truncate(MAX_BYTES + 1)  # a sparse file, which needs no disk space
    with pytest.raises(
        ImageError, match="at most 268,435,456 bytes, found 268,435,457"
    ):
        read_image(tmp_path / "big.png")

    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    path = saved(smooth(8, 8), tmp_path / "x.png")
    with pytest.raises(ImageError, match=r"cannot be read \(Permission denied\)"):
        read_image(path)


def test_the_opacity_is_read_beside_the_colours(tmp_path):
    photo = smooth(20, 30)
    opacity = np.arange(600, dtype=np.uint16).reshape(20, 30) * 100
    path = tmp_path / "deep.png"
    deep = np.dstack([photo.astype(np.uint16) * 257, opacity])
    path.write_bytes(imagecodecs.png_encode(deep))
    rgb, alpha = read_image_and_alpha(path)
    np.testing.assert_array_equal(rgb, read_image(path))
    np.testing.assert_array_equal(alpha, np.rint(opacity / 257).astype(np.uint8))
    rgb, alpha = read_image_and_alpha(saved(photo, tmp_path / "opaque.png"))
    assert alpha is None
    np.testing.assert_array_equal(rgb, photo)
