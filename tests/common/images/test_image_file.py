"""Decoding image files: bit depth, transparency, frames, limits."""

import os
import struct
import zlib

import numpy as np
import pytest
import tifffile
from pictures import TIFF_CODECS, noise, png, smooth, tiff
from PIL import Image

from chapter05_srgan.upscaling.reading import read_picture
from common.images.image_file import ImageError, count_pixels, decode_image
from common.images.pixels import on_white, to_8_bits
from common.images.reading import read_image

GREY, RGB, PALETTE, GREY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6


def values_of(bits: int, channels: int = 1) -> np.ndarray:
    """Return random values of some bits, (9, 10, C)."""
    return np.random.default_rng(bits).integers(0, 2**bits, (9, 10, channels))


def found_alpha(path) -> np.ndarray:
    """Return the opacity in chapter 5; check that the others show white."""
    picture = read_picture(path)
    assert (read_image(path)[picture.alpha == 0] == 255).all()
    return picture.alpha


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_the_transparent_grey_of_a_png_is_transparent_at_every_depth(tmp_path, bits):
    path, values = tmp_path / "x.png", values_of(bits)
    clear = int(values[3, 4, 0])
    # Bits above the depth have no meaning.
    for high in {0, 2**bits % 65536} if bits > 1 else {0}:
        mark = struct.pack(">H", clear | high)
        path.write_bytes(png(values, bits, GREY, tRNS=mark))
        is_clear = values[..., 0] == clear
        assert np.array_equal(found_alpha(path) == 0, is_clear)
        picture = read_picture(path)
        peak = 65535 if bits == 16 else 255
        assert picture.grey and picture.bits == (16 if bits == 16 else 8)
        wanted = values[..., 0] * peak // (2**bits - 1)
        assert np.array_equal(picture.rgb[..., 1], wanted)
        assert set(np.unique(picture.alpha)) <= {0, peak}


@pytest.mark.parametrize("bits", [8, 16])
def test_the_transparent_colour_of_a_png_is_transparent(tmp_path, bits):
    path, values = tmp_path / "x.png", values_of(bits, 3)
    values[5, 5:7] = values[3, 4]
    values[5, 6, 0] ^= 1  # nearly the same
    mark = struct.pack(">HHH", *values[3, 4])
    path.write_bytes(png(values, bits, RGB, tRNS=mark))
    is_clear = (values == values[3, 4]).all(axis=-1)
    assert np.array_equal(found_alpha(path) == 0, is_clear) and not is_clear[5, 6]
    assert np.array_equal(read_picture(path).rgb, values)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_the_opacity_of_palettes_is_kept_at_every_depth(tmp_path, bits):
    path, values = tmp_path / "x.png", values_of(bits)
    colours = np.random.default_rng(0).integers(0, 256, (2**bits, 3), np.uint8)
    chunks = {"PLTE": colours.tobytes(), "tRNS": bytes([0, 77])}
    path.write_bytes(png(values, bits, PALETTE, **chunks))
    table = np.array([0, 77] + [255] * (2**bits - 2))
    assert np.array_equal(found_alpha(path), table[values[..., 0]])
    assert np.array_equal(read_picture(path).rgb, colours[values[..., 0]])


DEEP = {
    "grey.png": (1, lambda values: png(values, 16, GREY)),
    "grey_alpha.png": (2, lambda values: png(values, 16, GREY_ALPHA)),
    "rgb.png": (3, lambda values: png(values, 16, RGB)),
    "rgba.png": (4, lambda values: png(values, 16, RGB_ALPHA)),
    "grey.tif": (1, lambda values: tiff(values, 1)),
    "grey_alpha.tif": (2, lambda values: tiff(values, 1, (2,))),
    "rgb.tif": (3, lambda values: tiff(values, 2)),
    "rgba.tif": (4, lambda values: tiff(values, 2, (2,), separate=True)),
    "grey.pgm": (1, lambda v: b"P5 10 9 65535\n" + v.astype(">u2").tobytes()),
    "rgb.ppm": (3, lambda v: b"P6 10 9 65535\n" + v.astype(">u2").tobytes()),
}


@pytest.mark.parametrize("name", DEEP)
def test_all_chapters_read_the_same_16_bits(tmp_path, name):
    channels, encode = DEEP[name]
    values = values_of(16, channels).astype(np.uint16)
    (tmp_path / name).write_bytes(encode(values))
    picture = read_picture(tmp_path / name)
    colours = values[..., [0, 0, 0] if channels < 3 else [0, 1, 2]]
    assert picture.bits == 16 and picture.grey == (channels < 3)
    assert np.array_equal(picture.rgb, colours)
    shown = colours
    if channels in (2, 4):
        assert np.array_equal(picture.alpha, values[..., -1])
        shown = on_white(colours, values[..., -1:])
    assert np.array_equal(read_image(tmp_path / name), to_8_bits(shown))
    # The same by floating-point numbers.
    alpha = values[..., -1:] / 65535 if channels in (2, 4) else 1
    exact = (colours * alpha + 65535 * (1 - alpha)) / 257
    assert np.abs(read_image(tmp_path / name) - exact).max() < 0.51


def test_anymaps_of_other_ranges_are_scaled(tmp_path):
    values = np.full((9, 10, 3), (1023, 512, 0), ">u2")
    (tmp_path / "x.ppm").write_bytes(b"P6 10 9 1023\n" + values.tobytes())
    picture = read_picture(tmp_path / "x.ppm")
    assert picture.rgb[0, 0].tolist() == [65535, round(512 / 1023 * 65535), 0]
    (tmp_path / "x.pbm").write_bytes(b"P1 8 8\n" + b"1 0 " * 32)
    assert read_image(tmp_path / "x.pbm")[0, :2, 0].tolist() == [0, 255]


def profile_of(size: int) -> bytes:
    """Return the chunk of a PNG with a profile of some bytes."""
    return b"x\0\0" + zlib.compress(b"\0" * 16 + b"RGB " + bytes(size - 20), 1)


def test_profiles_are_read_up_to_16_mib(tmp_path, caplog):
    path, values = tmp_path / "x.png", noise(0, 9, 10)
    for bits in (8, 16):
        path.write_bytes(png(values, bits, RGB, iCCP=profile_of(2**20 + 1)))
        picture = read_picture(path)
        assert np.array_equal(picture.rgb, values)
        assert len(picture.icc_profile) == 2**20 + 1
    assert not caplog.records
    for chunk in (
        {"iCCP": profile_of(2**24 + 1)},
        {"zTXt": b"x\0\0" + zlib.compress(bytes(2**24 + 1), 1)},
    ):
        path.write_bytes(png(values, 8, RGB, **chunk))
        with pytest.raises(ImageError, match="profile or a text in it is too large: "):
            read_image(path)


@pytest.mark.parametrize("name", ["x.gif", "x.webp", "x.png", "x.tif"])
def test_further_frames_are_reported_by_all_chapters(tmp_path, name, caplog):
    frames = [Image.new("RGB", (12, 10), colour) for colour in ("red", "blue")]
    path, options = tmp_path / name, {"lossless": True} if name == "x.webp" else {}
    frames[0].save(path, save_all=True, append_images=frames[1:], **options)
    for read in (read_image, read_picture):
        read(path)
        (record,) = caplog.records
        message = record.getMessage()
        assert message == f"{path} has several frames or pages; the first is taken"
        caplog.clear()
    told = []
    read_image(path, tell_of_more=told.append)
    assert told == [path] and not caplog.records
    frames[0].save(path)
    assert not decode_image(path).has_more


def test_pages_behind_the_first_are_looked_at_but_need_not_be_sound(tmp_path):
    path = tmp_path / "pages.tif"
    pages = np.zeros((3, 9, 12), np.uint16)
    with tifffile.TiffWriter(path) as file:
        for page, subfile in zip(pages, (0, 1, 0), strict=True):
            file.write(page, subfiletype=subfile, metadata=None)
    assert decode_image(path).has_more  # the second one is a preview only
    with tifffile.TiffFile(path) as file:
        second = file.pages[1].offset
    content = bytearray(path.read_bytes())
    content[second : second + 2] = b"\xff\xff"  # so many tags
    path.write_bytes(content)
    decoded = decode_image(path)
    assert np.asarray(decoded.pixels).shape[:2] == (9, 12) and not decoded.has_more


def test_the_further_images_of_a_phones_jpeg_are_no_frames(tmp_path):
    frames = [Image.fromarray(smooth(16, 16 * size)) for size in (2, 1)]
    path = tmp_path / "x.jpg"
    frames[0].save(path, "MPO", save_all=True, append_images=frames[1:])
    decoded = decode_image(path)
    assert decoded.pixels.size == (32, 16) and not decoded.has_more


def test_a_bomb_in_a_strip_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setitem(TIFF_CODECS, 8, lambda data: zlib.compress(bytes(2**20)))
    path = tmp_path / "x.tif"
    path.write_bytes(tiff(np.zeros((5, 8, 1), np.uint16), 1, codec=8))
    with pytest.raises(ImageError, match="damaged or truncated .*INSUFFICIENT_SPACE"):
        decode_image(path)


def test_headers_tell_the_number_of_pixels(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(png(noise(0, 9, 11), 8, RGB))
    assert count_pixels(path) == 99
    path.write_bytes(tiff(np.zeros((9, 12, 2), np.uint16), 1, (2,)))
    assert count_pixels(path) == 108
    path.write_bytes(b"words")
    os.mkfifo(tmp_path / "pipe")
    for bad in (path, tmp_path / "pipe", tmp_path / "gone", tmp_path):
        assert count_pixels(bad) == 0
