"""Photos are cut out by transparency or by mask files, onto white."""

import logging
import os

import numpy as np
import pytest
from pictures import noise, saved
from PIL import Image

from common.errors import UserError
from common.images.cutting import filled_box
from study_von.data_sets import photos
from study_von.data_sets.photos import find_mask, open_photos, open_split

RED, BLUE = (255, 0, 0), (0, 0, 255)
OBJECT = np.s_[10:30, 20:60]  # 20 rows and 40 columns of 60 x 100


def alpha() -> np.ndarray:
    """Return the object's mask, uint8 (60, 100)."""
    mask = np.zeros((60, 100), np.uint8)
    mask[OBJECT] = 255
    return mask


def scene(background: tuple = BLUE) -> np.ndarray:
    """Return a photo of a red object, uint8 (60, 100, 3)."""
    photo = np.full((60, 100, 3), background, np.uint8)
    photo[OBJECT] = RED
    return photo


def cutout() -> np.ndarray:
    """Return the photo with transparent surroundings, uint8 (60, 100, 4)."""
    return np.dstack([scene(), alpha()])


def check(found: photos.Photos, row: int = 0) -> None:
    """Check that the object's 40 x 20 pixels are 80 x 40 in the middle of 85 x 85."""
    image, mask = found.images[row], found.masks[row]
    # The square's edge is 1.06 * 40 = 42.4 pixels, here twice as many.
    expected = (2.5, 22.5, 82.5, 62.5)
    assert filled_box(mask >= 128) == pytest.approx(expected, abs=0.5)
    assert (image[mask == 0] == 255).all()
    assert (image[30:50, 10:70] == RED).all() and (mask[30:50, 10:70] == 255).all()
    # Neither blue nor black from the surroundings: edges are pink.
    assert (image[..., 0] == 255).all()
    assert np.array_equal(image[..., 1], image[..., 2])


@pytest.mark.parametrize("kind", ["png", "webp", "LA", "P"])
def test_transparent_surroundings_of_any_kind(tmp_path, kind):
    folder = tmp_path / "photos"
    for name in "ab":
        image = Image.fromarray(cutout())
        if kind == "webp":
            saved(image, folder / f"{name}.webp", lossless=True, exact=True)
        elif kind == "P":
            indices = Image.fromarray((alpha() > 0).astype(np.uint8))
            indices.putpalette([*BLUE, *RED])
            saved(indices, folder / f"{name}.png", transparency=0)
        else:
            saved(image.convert("LA" if kind == "LA" else "RGBA"), folder / "x.png")
            (folder / "x.png").rename(folder / f"{name}.png")
    found = open_photos(folder, 85, 100)
    assert found.images.shape == (2, 85, 85, 3) and found.masks.shape == (2, 85, 85)
    assert found.names[0].startswith("a.") and found.folder == folder
    if kind == "LA":
        assert (found.images[0, 30:50, 10:70] == 76).all()  # the brightness of red
        assert (found.images[0][found.masks[0] == 0] == 255).all()
    else:
        check(found)
    assert len(found) == 2


@pytest.mark.parametrize(
    "photo, mask",
    [
        ("photos/a.png", "photos/a_mask.png"),
        ("photos/a.png", "photos/masks/a.png"),
        ("photos/a.png", "masks/a.webp"),
        ("photos/train/a.png", "photos/masks/train/a.png"),
        ("photos/train/a.png", "masks/train/a_mask.png"),
        ("photos/train/img/a.png", "photos/train/mask/a.png"),
        ("photos/a.b.png", "photos/mask/a.b.png"),
    ],
)
def test_mask_files_beside_and_below(tmp_path, photo, mask):
    saved(scene(), tmp_path / photo)
    # Some masks have the number of the object instead of white.
    saved(alpha() // 255 * 2, tmp_path / mask, lossless=True)
    found = open_photos(tmp_path / "photos", 85, 100)
    assert found.names == (photo.removeprefix("photos/"),)
    check(found)


def test_a_mask_of_the_whole_photo_and_soft_edges(tmp_path):
    saved(scene(RED), tmp_path / "a.png")
    saved(np.full((60, 100), 255, np.uint8), tmp_path / "a_mask.png")
    soft = alpha()
    soft[40:50, 20:60] = 100  # a shadow, below 0.5, is not in the box
    saved(np.dstack([scene((0, 0, 0)), soft]), tmp_path / "b.png")
    found = open_photos(tmp_path, 106, 100)
    assert filled_box(found.masks[0] >= 128) == (3, 23, 103, 83)
    rows = np.flatnonzero((found.masks[1] >= 10).any(axis=1))
    assert rows[-1] - rows[0] <= 52


def test_the_second_opening_decodes_nothing_unless_a_mask_has_changed(
    tmp_path, monkeypatch
):
    folder = tmp_path / "photos"
    saved(noise(0, 60, 100), folder / "a.png")
    saved(alpha(), tmp_path / "masks" / "a.png")
    first = open_photos(folder, 32, 100)
    with monkeypatch.context() as patch:
        patch.setattr(photos, "write_decoded", None)
        again = open_photos(folder, 32, 100)
        mapped = open_photos(folder, 32, 0)
    assert np.array_equal(first.images, again.images)
    assert np.array_equal(first.masks, mapped.masks)
    saved(alpha()[::-1], tmp_path / "masks" / "a.png")
    assert not np.array_equal(first.images, open_photos(folder, 32, 100).images)


def test_splits_by_folders_or_by_the_last_sixth(tmp_path):
    for number in range(12):
        saved(cutout(), tmp_path / "plain" / f"{number:02d}.png")
    for name in ("train/a", "train/b", "test/c"):
        saved(cutout(), tmp_path / "split" / f"{name}.png")
    held_out = open_split(tmp_path / "plain", "test", 32, 100)
    assert held_out.names == ("10.png", "11.png")
    assert len(open_split(tmp_path / "plain", "train", 32, 100).images) == 10
    assert open_split(tmp_path / "split", "test", 32, 100).names == ("test/c.png",)
    train = open_split(tmp_path / "split", "train", 32, 100)
    assert train.names == ("train/a.png", "train/b.png")


def test_one_unusable_photo_among_others_is_left_out(tmp_path, caplog):
    for name in "ac":
        saved(cutout(), tmp_path / f"{name}.png")
    saved(scene(), tmp_path / "b.png")
    with caplog.at_level(logging.WARNING):
        found = open_photos(tmp_path, 32, 100)
    assert found.names == ("a.png", "c.png")
    assert "1 of 3 files" in caplog.text and "b.png: expected a photo" in caplog.text


@pytest.mark.parametrize(
    "files, message",
    [
        ({"a.png": scene()}, r"a\.png: expected a photo with transparent .* neither"),
        ({"a.png": np.dstack([scene(), alpha() | 255])}, "a.png: .* found neither"),
        (
            {"a.png": scene(), "masks/a.png": alpha()[:50]},
            r"a\.png: its mask .*masks/a\.png: .* 100 x 60 .* found 100 x 50",
        ),
        ({"a.png": scene(), "a_mask.png": alpha() * 0}, r"a_mask\.png: .* empty one"),
        ({"a.png": cutout() * (1, 1, 1, 0)}, "a.png: all of it is transparent"),
        ({"masks/a.png": alpha()}, r"found only masks \(a\.png"),
        ({"a.png": cutout()}, r"one photo \(a\.png\) cannot be divided"),
        ({}, "no images"),
    ],
)
def test_wrong_folders_are_reported_in_one_line(tmp_path, files, message):
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, values in files.items():
        saved(np.asarray(values, np.uint8), folder / name)
    with pytest.raises(UserError, match=message) as caught:
        open_split(folder, "train", 32, 100)
    assert "\n" not in str(caught.value)


def test_relative_folders_have_masks_beside_them(tmp_path, monkeypatch):
    saved(scene(), tmp_path / "photos" / "a.png")
    saved(alpha(), tmp_path / "masks" / "a.png")
    monkeypatch.chdir(tmp_path / "photos")
    check(open_photos(photos.Path(os.curdir), 85, 100))


def test_a_single_photo_has_the_mask_that_training_would_find(tmp_path):
    for name in ("photos/cup.jpg", "photos/sofa.jpg", "photos/bed.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    for name in ("photos/cup_mask.png", "photos/masks/sofa.webp", "masks/sofa.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = [find_mask(tmp_path / f"photos/{n}.jpg") for n in ("cup", "sofa", "bed")]
    near = [tmp_path / "photos/cup_mask.png", tmp_path / "photos/masks/sofa.webp", None]
    assert found == near
