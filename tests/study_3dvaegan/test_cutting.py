"""Photos are cut to their objects and become square."""

from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from pictures import noise, saved, smooth
from PIL import Image

from common.errors import UserError
from common.images.image_file import ImageError
from common.images.reading import read_image
from study_3dvaegan.photos.cutting import (
    MARGIN,
    TILE,
    cut_photo,
    filled_box,
    square_photo,
)

RED, BLUE = (255, 0, 0), (0, 0, 255)


def scene(height: int = 60, width: int = 100) -> np.ndarray:
    """Return a blue photo with a red object in columns 20 to 59, rows 10 to 29."""
    photo = np.full((height, width, 3), BLUE, np.uint8)
    photo[10:30, 20:60] = RED
    return photo


OBJECT = (20, 10, 60, 30)


def red_box(square: np.ndarray) -> tuple:
    """Return the box of the red pixels of a square."""
    return filled_box(square[..., 0] > 127)


def test_the_square_is_centred_on_the_box_with_its_margin():
    # The square's edge is 1.1 times 40 = 44 pixels of the photo, which become 88.
    square = square_photo(scene(), 88, OBJECT)
    assert square.shape == (88, 88, 3) and square.dtype == np.uint8
    assert red_box(square) == (4, 24, 84, 64)
    assert tuple(square[2, 2]) == BLUE  # from the photo, and from beyond its top edge


def test_a_square_in_the_photo_is_its_own_pixels():
    photo = noise(0, 200, 200)
    square = square_photo(photo, 110, (50, 50, 150, 150))
    assert np.array_equal(square, photo[45:155, 45:155])


@pytest.mark.parametrize("height, width", [(40, 100), (100, 40), (70, 70)])
def test_the_whole_photo_keeps_its_aspect_ratio(height, width):
    photo = np.full((height, width, 3), RED, np.uint8)
    square = square_photo(photo, 64, white=True)
    left, top, right, bottom = red_box(255 - square[..., ::-1])
    scale = 64 / (1 + 2 * MARGIN) / max(height, width)
    assert right - left == pytest.approx(width * scale, abs=1.01)
    assert bottom - top == pytest.approx(height * scale, abs=1.01)
    assert left + right == pytest.approx(64, abs=1)
    assert top + bottom == pytest.approx(64, abs=1)


def test_beyond_the_photo_its_outermost_pixels_go_on():
    photo = np.zeros((20, 60, 3), np.uint8)
    photo[0], photo[-1] = RED, BLUE
    square = square_photo(photo, 66)
    assert (square[:20] == RED).all()
    assert (square[-20:] == BLUE).all()


@pytest.mark.parametrize("shape", [(8, 400_000), (400_000, 8), (1, 1), (8, 8)])
def test_any_proportions_take_little_memory(shape):
    photo = np.full((*shape, 3), 90, np.uint8)
    assert (square_photo(photo, 64) == 90).all()


def test_a_large_photo_is_antialiased_and_in_place():
    rows, columns = np.mgrid[:3000, :3000]
    photo = ((rows + columns) % 2 * 255).astype(np.uint8)
    photo[1000:2000, 1000:2000] = 0
    square = square_photo(np.repeat(photo[..., None], 3, 2), 64, white=True)
    grey = square[..., 0].astype(int)
    assert abs(grey[10:16, 10:50] - 128).max() <= 2
    edge = 3000 * 1.1 / 64
    assert filled_box(grey < 64) == pytest.approx(
        [(150 + side) / edge for side in (1000, 1000, 2000, 2000)], abs=1
    )


def test_the_mask_is_preferred_and_the_background_stays(tmp_path):
    photo = saved(scene(), tmp_path / "photo.png")
    mask = np.zeros((60, 100), np.uint8)
    mask[10:30, 20:60] = 255
    expected = square_photo(scene(), 64, OBJECT)
    for number, values in enumerate((mask, mask // 255, mask // 2)):
        path = saved(values, tmp_path / f"mask{number}.png")
        cut = cut_photo(photo, 64, mask=path)
        assert np.array_equal(cut.square, expected)
        assert np.array_equal(cut.tile, square_photo(scene(), TILE, OBJECT))
    cutout = saved(np.dstack([noise(1, 60, 100), mask]), tmp_path / "cutout.png")
    assert np.array_equal(cut_photo(photo, 64, mask=cutout).square, expected)


def test_a_box_and_the_whole(tmp_path):
    photo = saved(scene(), tmp_path / "photo.png")
    boxed = cut_photo(photo, 64, box=OBJECT).square
    assert np.array_equal(boxed, square_photo(scene(), 64, OBJECT))
    assert np.array_equal(cut_photo(photo, 64).square, square_photo(scene(), 64))


@pytest.mark.parametrize("kind", ["RGBA", "LA", "P", "deep"])
def test_transparent_pixels_are_white_and_leave_the_object(tmp_path, kind):
    alpha = np.zeros((60, 100), np.uint8)
    alpha[40:, 70:] = 255  # reaches the photo's corner
    photo = np.dstack([np.zeros((60, 100, 3), np.uint8), alpha])
    path = tmp_path / "photo.png"
    if kind == "deep":
        path.write_bytes(imagecodecs.png_encode(photo.astype(np.uint16) * 257))
    else:
        saved(Image.fromarray(photo).convert(kind), path)
    if kind == "P":
        indices = Image.fromarray((alpha > 0).astype(np.uint8))
        indices.putpalette([255, 0, 0, 0, 0, 0])
        indices.save(path, transparency=0)
    square = cut_photo(path, 66).square
    dark = filled_box(square[..., 0] < 128)
    # 30 x 20 pixels at 2 pixels each, in the middle, with white on all sides.
    assert dark == (3, 13, 63, 53)
    assert (square[..., 1] == square[..., 0]).all()


def test_an_opaque_alpha_is_none(tmp_path):
    opaque = np.dstack([scene(), np.full((60, 100), 255, np.uint8)])
    path = saved(opaque, tmp_path / "photo.png")
    assert np.array_equal(cut_photo(path, 64).square, square_photo(scene(), 64))


@pytest.mark.parametrize("mode", ["L", "1", "CMYK", "P", "I;16"])
def test_photos_of_any_mode(tmp_path, mode):
    grey = Image.fromarray(smooth(60, 60)[..., 0])
    if mode == "I;16":
        path = saved(np.asarray(grey).astype(np.uint16) * 257, tmp_path / "a.png")
    else:
        suffix = "jpg" if mode == "CMYK" else "png"
        path = saved(grey.convert(mode), tmp_path / f"a.{suffix}")
    square = cut_photo(path, 64).square
    assert np.array_equal(square, square_photo(read_image(path), 64))
    assert square[:20].mean() < 70 and square[-20:].mean() > 180


def test_a_turned_photo_is_upright_before_its_box_counts(tmp_path):
    exif = Image.Exif()
    exif[274] = 6  # turned by 90 degrees
    stored = Image.fromarray(np.rot90(scene()))
    path = tmp_path / "photo.png"
    stored.save(path, exif=exif)
    square = cut_photo(path, 88, box=OBJECT).square
    assert red_box(square) == (4, 24, 84, 64)


def expect(message: str, *args, **options) -> None:
    """Check that cutting a photo fails with one line that has a text."""
    with pytest.raises(UserError) as caught:
        cut_photo(*args, **options)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_wrong_files_are_reported_in_one_line(tmp_path):
    photo = saved(scene(), tmp_path / "photo.png")
    text = tmp_path / "text.jpg"
    text.write_text("no photo")
    small = saved(np.full((30, 50), 255, np.uint8), tmp_path / "small.png")
    empty = saved(np.zeros((60, 100), np.uint8), tmp_path / "empty.png")
    clear = saved(np.zeros((60, 100, 4), np.uint8), tmp_path / "clear.png")
    expect("text.jpg: expected", text, 64)
    expect("text.jpg: expected", photo, 64, mask=text)
    expect("no such file", tmp_path / "none.jpg", 64)
    expect("is a folder", tmp_path, 64)
    expect("expected a mask of 100 x 60 pixels", photo, 64, mask=small)
    expect("found 50 x 30", photo, 64, mask=small)
    expect("found an empty one", photo, 64, mask=empty)
    expect("found an empty one", photo, 64, mask=clear)
    expect("only transparent pixels", clear, 64)
    expect("found both", photo, 64, mask=small, box=OBJECT)
    with pytest.raises(ImageError):
        cut_photo(text, 64)


@pytest.mark.parametrize(
    "box",
    [(0, 0, 101, 60), (0, 0, 100, 61), (-1, 0, 9, 9), (5, 5, 5, 9), (9, 9, 5, 20)],
)
def test_a_wrong_box_is_reported(tmp_path, box):
    photo = saved(scene(), tmp_path / "photo.png")
    expect("inside of", photo, 64, box=box)
    expect("100 x 60 pixels", photo, 64, box=box)


def test_real_photos(shared_data: Path):
    for path in sorted((shared_data / "ikea" / "Images").glob("*.jpg"))[:5]:
        cut = cut_photo(path, 64)
        assert cut.square.shape == (64, 64, 3) and cut.square.std() > 5
