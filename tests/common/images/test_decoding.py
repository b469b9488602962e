"""Reading images of all modes as RGB, upright and at one size."""

import numpy as np
import pytest
from pictures import noise, saved, smooth
from PIL import Image

from common.images.reading import read_image

ORIENTATION = 274


@pytest.mark.parametrize("name", ["x.png", "x.bmp", "x.tif", "x.tiff", "x.webp"])
def test_colour_is_kept_exactly(tmp_path, name):
    ramp = smooth(12, 20)
    options = {"lossless": True} if name == "x.webp" else {}
    image = read_image(saved(ramp, tmp_path / name, **options))
    assert image.dtype == np.uint8 and image.flags.writeable
    assert np.array_equal(image, ramp)


def test_jpeg_is_kept_nearly_and_its_name_does_not_matter(tmp_path):
    ramp = smooth(40, 60)
    path = saved(ramp, tmp_path / "x.png", format="JPEG", quality=95)
    assert np.abs(read_image(str(path)).astype(int) - ramp).mean() < 3


def test_16_bit_grey_is_scaled_and_not_clipped(tmp_path):
    values = np.full((8, 8), 40000, np.uint16)
    values[0, :6] = [0, 128, 129, 257 * 7, 65535, 65535 - 129]
    wanted = np.full((8, 8), 156)  # 40000 / 257 = 155.64
    wanted[0, :6] = [0, 0, 1, 7, 255, 254]
    for name in ("x.png", "x.tif"):
        image = read_image(saved(values, tmp_path / name))
        assert np.array_equal(image, np.repeat(wanted[..., None], 3, axis=-1))
    big_endian = Image.frombytes("I;16B", (8, 8), values.astype(">u2").tobytes())
    image = read_image(saved(big_endian, tmp_path / "big.tif"))
    assert np.array_equal(image[..., 1], wanted)
    image = read_image(saved(values, tmp_path / "clear.png", transparency=40000))
    assert np.array_equal(image[0, :, 0], [0, 0, 1, 7, 255, 254, 255, 255])


@pytest.mark.parametrize(
    ("mode", "colour", "name", "wanted"),
    [
        ("RGBA", (10, 200, 30, 0), "x.png", (255, 255, 255)),
        ("RGBA", (10, 200, 30, 255), "x.png", (10, 200, 30)),
        ("RGBA", (0, 100, 255, 128), "x.png", (127, 177, 255)),
        ("LA", (100, 128), "x.png", (177, 177, 177)),
        ("L", 77, "x.bmp", (77, 77, 77)),
        ("1", 1, "x.png", (255, 255, 255)),
        ("CMYK", (255, 0, 0, 0), "x.tif", (0, 255, 255)),
        ("CMYK", (0, 0, 0, 153), "x.jpg", (102, 102, 102)),
    ],
)
def test_modes_become_rgb(tmp_path, mode, colour, name, wanted):
    path = saved(Image.new(mode, (9, 9), colour), tmp_path / name)
    image = read_image(path).astype(int)
    assert image.shape == (9, 9, 3)
    assert np.abs(image - wanted).max() <= 1


@pytest.mark.parametrize("transparency", [1, bytes([255, 0, 128])])
@pytest.mark.parametrize("name", ["x.png", "x.gif"])
def test_transparent_palette_entries_are_white(tmp_path, transparency, name):
    if name == "x.gif" and isinstance(transparency, bytes):
        transparency = 1  # GIF supports only one transparent entry
    indices = np.zeros((9, 9), np.uint8)
    indices[4:], indices[8:] = 1, 2
    image = Image.fromarray(indices).convert("P")
    image.putpalette([10, 20, 30, 40, 50, 60, 0, 100, 255])
    path = saved(image, tmp_path / name, transparency=transparency)
    last = (0, 100, 255) if transparency == 1 else (127, 177, 255)
    assert read_image(path)[[0, 4, 8], 0].tolist() == [
        [10, 20, 30],
        [255, 255, 255],
        list(last),
    ]


@pytest.mark.parametrize("name", ["x.gif", "x.webp", "x.png", "x.tif"])
def test_the_first_frame_is_taken(tmp_path, name):
    frames = [Image.new("RGB", (12, 10), colour) for colour in ("red", "blue")]
    options = {"lossless": True} if name == "x.webp" else {}
    frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], **options)
    assert (read_image(tmp_path / name) == [255, 0, 0]).all()


@pytest.mark.parametrize("name", ["x.jpg", "x.png", "x.tif", "x.webp"])
@pytest.mark.parametrize(
    ("orientation", "corner"),
    [(1, "nw"), (2, "ne"), (3, "se"), (4, "sw")]
    + [(5, "nw"), (6, "ne"), (7, "se"), (8, "sw")],
)
def test_exif_turns_the_image(tmp_path, name, orientation, corner):
    stored = np.zeros((32, 48, 3), np.uint8)
    stored[:16, :24] = 255  # the stored upper left is white
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    path = saved(stored, tmp_path / name, exif=exif)
    image = read_image(path)
    assert image.shape == ((48, 32, 3) if orientation >= 5 else (32, 48, 3))
    corners = {"nw": (2, 2), "ne": (2, -3), "sw": (-3, 2), "se": (-3, -3)}
    white = [key for key, (y, x) in corners.items() if image[y, x, 0] > 128]
    assert white == [corner]


def test_exif_orientations_5_to_8_turn_and_mirror_exactly(tmp_path):
    for orientation, turned in (
        (5, lambda a: a.transpose(1, 0, 2)),
        (6, lambda a: np.rot90(a, -1)),
        (7, lambda a: a[::-1, ::-1].transpose(1, 0, 2)),
        (8, lambda a: np.rot90(a)),
    ):
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        ramp = smooth(10, 14)
        path = saved(ramp, tmp_path / "x.png", exif=exif)
        assert np.array_equal(read_image(path), turned(ramp))


def test_damaged_exif_leaves_the_image_as_it_is(tmp_path):
    ramp = smooth(10, 14)
    path = saved(
        ramp, tmp_path / "x.webp", lossless=True, exif=b"II*\0\xff\xff\xff\xff"
    )
    with pytest.warns(UserWarning, match="Corrupt EXIF"):
        Image.open(path).getexif()
    # In the tests Pillow's warning is an error; read_image ignores it too.
    assert np.array_equal(read_image(path), ramp)


@pytest.mark.parametrize("size", [32, 20, 8])
def test_shrinking_is_antialiased(tmp_path, size):
    checks = 255 * (np.indices((64, 64)).sum(axis=0) % 2)
    path = saved(checks.astype(np.uint8), tmp_path / "x.png")
    image = read_image(path, (size, size)).astype(int)
    assert image.shape == (size, size, 3)
    assert np.abs(image[2:-2, 2:-2] - 127.5).max() <= 1
    assert np.abs(image - 127.5).max() <= 4  # the filter is cut off at the edge


def test_a_crop_without_a_change_of_size_copies(tmp_path):
    pixels = noise(0, 17, 30)
    path = saved(pixels, tmp_path / "x.png")
    assert np.array_equal(read_image(path, (17, 17)), pixels[:, 6:23])
    assert np.array_equal(read_image(path, (10, 30)), pixels[3:13])
    path = saved(pixels.transpose(1, 0, 2), tmp_path / "x.png")
    assert np.array_equal(read_image(path, (17, 17)), pixels[:, 6:23].swapaxes(0, 1))


def test_crop_keeps_proportions_and_stretch_the_whole(tmp_path):
    stripes = np.zeros((40, 120, 3), np.uint8)
    stripes[:, :40, 0], stripes[:, 40:80, 1], stripes[:, 80:, 2] = 255, 255, 255
    path = saved(stripes, tmp_path / "x.png")
    assert (read_image(path, (20, 20)) == [0, 255, 0]).all()
    whole = read_image(path, (20, 20), "stretch")
    assert whole[10, [2, 10, 17]].tolist() == np.diag([255, 255, 255]).tolist()
    assert read_image(path, (10, 30)).shape == (10, 30, 3)
    with pytest.raises(ValueError, match="fit must be one of"):
        read_image(path, (20, 20), "pad")
    with pytest.raises(ValueError, match="size must be at least 1 x 1"):
        read_image(path, (20, 0))


def test_resizing_uses_the_lanczos_filter(tmp_path):
    pixels = noise(0, 24, 30)
    path = saved(pixels, tmp_path / "x.png")
    for height, width in ((16, 20), (48, 60)):
        wanted = Image.fromarray(pixels).resize((width, height), Image.LANCZOS)
        assert np.array_equal(read_image(path, (height, width)), wanted)


def test_reduced_decoding_of_jpeg_shows_the_same(tmp_path):
    large = noise(0, 48, 64).repeat(12, axis=0).repeat(12, axis=1)
    plain = read_image(saved(large, tmp_path / "x.png"), (48, 64))
    reduced = read_image(saved(large, tmp_path / "x.jpg", quality=95), (48, 64))
    assert np.abs(plain.astype(int) - reduced).mean() < 1
    larger = read_image(tmp_path / "x.jpg", (900, 900))
    assert larger.shape == (900, 900, 3)
