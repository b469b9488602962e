"""Reading and writing image files: bit depth, transparency, profile, metadata."""

import itertools

import cv2
import numpy as np
import pytest
from pictures import saved, smooth
from PIL import Image, ImageCms

from chapter05_srgan.upscaling import writing
from chapter05_srgan.upscaling.reading import EXIF_IFD, Picture, read_picture
from chapter05_srgan.upscaling.writing import scratch_array, write_picture
from common.errors import UserError

ORIENTATION, MAKER, EXPOSURE, PIXELS_WIDE = 274, 271, 0x829A, 0xA002
TURNS = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: np.rot90,
}


def _values(bits: int, channels: int) -> np.ndarray:
    """Return random values of 8 or 16 bits, uint8 or uint16 (12, 10, C)."""
    dtype = np.uint16 if bits == 16 else np.uint8
    return np.random.default_rng(0).integers(0, 2**bits, (12, 10, channels), dtype)


def _picture(bits: int, channels: int, **rest) -> Picture:
    """Return a random image of 1 (grey), 2 (with alpha), 3 (RGB) or 4 channels."""
    values = _values(bits, channels)
    alpha = values[..., -1] if channels % 2 == 0 else None
    grey = channels < 3
    rgb = values[..., [0, 0, 0]] if grey else values[..., :3]
    return Picture(rgb, alpha, grey, **rest)


def _exif(turn: int = 1) -> bytes:
    """Return EXIF metadata with an orientation, a maker, and tags to keep and drop."""
    exif = Image.Exif()
    exif[MAKER], exif[ORIENTATION] = "Someone", turn
    exif[EXIF_IFD] = {EXPOSURE: 0.5, PIXELS_WIDE: 10}
    return exif.tobytes()


def _same(one: Picture, other: Picture) -> bool:
    """Return whether two images have the same values, bit depth and channels."""
    if (one.alpha is None) != (other.alpha is None) or one.grey != other.grey:
        return False
    alpha = one.alpha is None or np.array_equal(one.alpha, other.alpha)
    return one.bits == other.bits and np.array_equal(one.rgb, other.rgb) and alpha


# Pillow cannot read TIFF files of 16-bit grey with alpha.
LAYOUTS = sorted(
    {*itertools.product((".png", ".tif"), (1, 2, 3, 4), (8, 16))} - {(".tif", 2, 16)}
)


@pytest.mark.parametrize(("suffix", "channels", "bits"), LAYOUTS)
def test_lossless_files_keep_all_values(tmp_path, suffix, channels, bits, monkeypatch):
    monkeypatch.setattr(writing, "_STRIP_PIXELS", 50)  # five rows
    picture = _picture(bits, channels)
    write_picture(tmp_path / f"x{suffix}", picture)
    assert _same(read_picture(tmp_path / f"x{suffix}"), picture)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_opencv_reads_the_written_16_bits(tmp_path, suffix, channels):
    picture = _picture(16, channels)
    write_picture(tmp_path / f"x{suffix}", picture)
    read = cv2.imread(str(tmp_path / f"x{suffix}"), cv2.IMREAD_UNCHANGED)
    wanted = _values(16, channels)[..., [2, 1, 0, 3][:channels] if channels > 1 else 0]
    assert read.dtype == np.uint16 and np.array_equal(read, wanted)


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".bmp"])
def test_8_bit_formats_are_close_to_the_original(tmp_path, suffix, caplog):
    ramp = smooth(40, 60)
    for name, picture in (
        ("plain", Picture(ramp)),
        ("deep", Picture(ramp.astype(np.uint16) * 257)),
        ("grey", Picture(ramp[..., [0, 0, 0]], grey=True)),
    ):
        path = tmp_path / f"{name}{suffix}"
        write_picture(path, picture)
        read = read_picture(path)
        assert read.alpha is None and read.bits == 8
        assert read.grey == (name == "grey" and suffix != ".webp")
        wanted = ramp[..., [0, 0, 0]] if name == "grey" else ramp
        assert np.abs(read.rgb.astype(int) - wanted).mean() < 3
    assert caplog.text.count("16 were found") == 1


@pytest.mark.parametrize("suffix", [".jpg", ".bmp"])
def test_transparency_becomes_white_with_a_warning(tmp_path, suffix, caplog):
    rgb = np.full((16, 16, 3), 100, np.uint8)
    alpha = np.full((16, 16), 51, np.uint8)  # a fifth
    write_picture(tmp_path / f"x{suffix}", Picture(rgb, alpha))
    read = read_picture(tmp_path / f"x{suffix}")
    assert np.abs(read.rgb.astype(int) - (0.2 * 100 + 0.8 * 255)).max() <= 1
    assert "no transparency" in caplog.text


@pytest.mark.parametrize("transparency", [1, bytes([255, 0, 128])])
def test_transparent_palettes_keep_colours_and_opacity(tmp_path, transparency):
    indices = np.zeros((9, 9), np.uint8)
    indices[4:], indices[8:] = 1, 2
    image = Image.fromarray(indices).convert("P")
    image.putpalette([10, 20, 30, 40, 50, 60, 0, 100, 255])
    path = saved(image, tmp_path / "x.png", transparency=transparency)
    picture = read_picture(path)
    last = 255 if transparency == 1 else 128
    assert picture.alpha[[0, 4, 8], 0].tolist() == [255, 0, last]
    assert picture.rgb[8, 0].tolist() == [0, 100, 255] and not picture.grey


def test_the_transparent_grey_value_of_a_16_bit_png_is_kept(tmp_path):
    values = _values(16, 1)[..., 0]
    path = saved(values, tmp_path / "x.png", transparency=int(values[3, 4]))
    picture = read_picture(path)
    assert picture.bits == 16 and picture.grey
    assert np.array_equal(picture.alpha == 0, values == values[3, 4])


def test_cmyk_becomes_rgb_without_its_profile(tmp_path):
    profile = bytearray(
        ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    )
    profile[16:20] = b"CMYK"
    image = Image.new("CMYK", (16, 16), (255, 0, 0, 0))
    path = saved(image, tmp_path / "x.jpg", icc_profile=bytes(profile), quality=95)
    picture = read_picture(path)
    assert np.abs(picture.rgb.astype(int) - [0, 255, 255]).max() <= 3
    assert picture.icc_profile is None and picture.format == "JPEG"


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg", ".webp"])
def test_profile_and_exif_are_kept(tmp_path, suffix):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    first = tmp_path / f"first{suffix}"
    saved(smooth(12, 20), first, exif=_exif(), icc_profile=profile)
    for _ in range(2):
        picture = read_picture(first)
        assert picture.icc_profile == profile
        exif = Image.Exif()
        exif.load(picture.exif)
        assert exif[MAKER] == "Someone" and ORIENTATION not in exif
        assert dict(exif.get_ifd(EXIF_IFD)) == {EXPOSURE: 0.5}
        write_picture(first, picture)


def test_empty_and_damaged_exif_is_none(tmp_path):
    assert read_picture(saved(smooth(9, 9), tmp_path / "x.tif")).exif is None
    damaged = b"II*\0\xff\xff\xff\xff"
    path = saved(smooth(9, 9), tmp_path / "x.webp", lossless=True, exif=damaged)
    picture = read_picture(path)
    assert picture.exif is None and np.array_equal(picture.rgb, smooth(9, 9))


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_images_are_rotated_upright(tmp_path, suffix, turn):
    for bits, channels in ((8, 3), (8, 4), (16, 1), (16, 3), (16, 4)):
        stored = _picture(bits, channels, exif=_exif(turn))
        path = tmp_path / f"{bits}_{channels}{suffix}"
        write_picture(path, stored)
        read = read_picture(path)
        assert np.array_equal(read.rgb, TURNS[turn](stored.rgb))
        if channels == 4:
            assert np.array_equal(read.alpha, TURNS[turn](stored.alpha))


def test_exif_too_long_for_jpeg_is_dropped(tmp_path, caplog):
    exif = Image.Exif()
    exif[MAKER] = "x" * 70_000
    write_picture(tmp_path / "x.jpg", Picture(smooth(9, 9), exif=exif.tobytes()))
    assert read_picture(tmp_path / "x.jpg").exif is None
    assert "too long" in caplog.text


def test_unknown_suffixes_and_too_large_sizes_are_refused(tmp_path):
    for name in ("x.gif", "x"):
        with pytest.raises(UserError, match="expected a name ending in .png"):
            write_picture(tmp_path / name, Picture(smooth(9, 9)))
    wide = Picture(np.zeros((1, 65_501, 3), np.uint8))
    with pytest.raises(UserError, match="at most 65,500.*found 65,501"):
        write_picture(tmp_path / "x.jpg", wide)
    write_picture(tmp_path / "x.png", wide)
    assert [path.name for path in tmp_path.iterdir()] == ["x.png"]


def test_large_scratch_arrays_are_mapped_from_a_file_if_it_fits(tmp_path, monkeypatch):
    with scratch_array((8, 9), np.uint16, tmp_path) as array:
        assert not isinstance(array, np.memmap)
    monkeypatch.setattr(writing, "_IN_MEMORY", 100)
    with scratch_array((8, 9), np.uint16, tmp_path) as array:
        assert isinstance(array, np.memmap) and array.shape == (8, 9)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UserError, match="expected 2,000,000,000,000,000,000 free"):
        with scratch_array((10**9, 10**9), np.uint16, tmp_path):
            pass
