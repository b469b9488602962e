"""Chapter 5: the images of both splits, and the crops that are trained on."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from pictures import noise, saved, smooth
from PIL import Image

from chapter05_srgan import data
from chapter05_srgan.config import Config
from chapter05_srgan.data import Crops, describe, load_split, reduce_by
from common.errors import UserError
from common.images.full_size_store import PictureStore
from common.images.pixels import to_bytes

TINY = Config(crop=32, scale=4)


def folder_of(folder: Path, *names: str, height: int = 40, width: int = 50) -> Config:
    """Write images of one size; return a configuration that reads them."""
    for seed, name in enumerate(names):
        saved(noise(seed, height, width), folder / name)
    return dataclasses.replace(TINY, data=folder)


def names_of(config: Config) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of the training and of the test images."""
    return load_split(config, "train").names, load_split(config, "test").names


def cubic(x: float) -> float:
    """Return Keys's cubic with a = -0.5."""
    x = abs(x)
    if x < 1:
        return 1.5 * x**3 - 2.5 * x**2 + 1
    return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0.0


# --- images


@pytest.mark.parametrize(
    ("learnt", "held_out"),
    [("train", "test"), ("DIV2K_train_HR", "DIV2K_valid_HR")],
)
def test_folders_decide_the_splits(tmp_path, caplog, learnt, held_out):
    names = [f"{learnt}/0.png", f"{learnt}/1.png", f"{held_out}/0.png", "other/2.png"]
    config = folder_of(tmp_path / "set", *names)
    assert names_of(config) == (tuple(names[:2]), tuple(names[2:3]))
    assert "left out: 1 images outside the folders of the training" in caplog.text


@pytest.mark.parametrize(
    ("count", "held_out"), [(2, [1]), (9, [8]), (10, [9]), (19, [9]), (20, [9, 19])]
)
def test_without_folders_every_tenth_is_held_out(tmp_path, count, held_out):
    names = [f"{number:02}.png" for number in range(count)]
    config = folder_of(tmp_path / "set", *names)
    train, test = names_of(config)
    assert test == tuple(names[i] for i in held_out)
    assert train == tuple(name for name in names if name not in test)


def test_training_images_smaller_than_a_crop_are_left_out(tmp_path, caplog):
    folder = tmp_path / "set"
    config = folder_of(folder, "train/a.png", "train/b.png", "test/c.png")
    saved(noise(7, 31, 200), folder / "train" / "small.png")
    saved(noise(8, 32, 32), folder / "train" / "just.png")
    assert load_split(config, "train").names[-1] == "train/just.png"
    assert [r.getMessage() for r in caplog.records] == [
        "left out: 1 of 4 train images, smaller than 32 x 32 pixels"
    ]
    # Test images may be smaller than a crop.
    config = dataclasses.replace(config, crop=48)
    assert load_split(config, "test").names == ("test/c.png",)
    with pytest.raises(
        UserError, match=r"train .* 48 x 48 .* at most 40; use --crop 3"
    ):
        load_split(config, "train")


def test_images_too_small_for_the_scores_are_refused(tmp_path):
    config = folder_of(tmp_path / "set", "train/a.png", "test/b.png", height=15)
    with pytest.raises(UserError, match="test .* 32 x 32 .* 15; use larger images"):
        load_split(config, "test")
    with pytest.raises(UserError, match="at most 15; use larger images"):
        load_split(dataclasses.replace(config, crop=16), "train")


def test_one_image_is_too_few(tmp_path):
    config = folder_of(tmp_path / "set", "a.png")
    with pytest.raises(UserError, match="at least 2 images"):
        load_split(config, "train")


def test_without_data_the_procedural_scenes_are_used(tmp_path, monkeypatch, caplog):
    def write_few(folder: Path) -> None:
        folder_of(folder, "train/a.png", "test/b.png")

    caplog.set_level("INFO")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(data, "write_scenes", write_few)
    assert names_of(TINY) == (("train/a.png",), ("test/b.png",))
    assert "using the procedural stand-in in" in caplog.text


def test_images_are_described(tmp_path):
    config = folder_of(tmp_path / "set", "train/a.png", "test/b.png")
    saved(noise(7, 100, 400), config.data / "train" / "large.png")
    assert describe(config).splitlines()[2:] == [
        "| train | 2 | 50 x 40 | 400 x 100 | 0.0 |",
        "| test | 1 | 50 x 40 | 50 x 40 | 0.0 |",
    ]


# --- crops


@pytest.fixture
def store(tmp_path) -> PictureStore:
    """Return a store of two images, the second of three times the first's area."""
    folder = tmp_path / "set"
    saved(noise(0, 40, 50), folder / "a.png")
    saved(noise(1, 120, 50), folder / "b.png")
    return PictureStore.open(folder)


@pytest.mark.parametrize("scale", [2, 4])
def test_reduction_is_an_antialiased_cubic(scale):
    picture = noise(3, 32, 32)
    # Sample i lies in the middle of its pixels; the stretched cubic sums to 1.
    places = (np.arange(32) + 0.5)[None] / scale - (np.arange(32 // scale) + 0.5)[
        :, None
    ]
    weights = np.vectorize(cubic)(places)
    weights /= weights.sum(axis=1, keepdims=True)
    rows = np.einsum("ij,jkc->ikc", weights, picture.astype(float))
    wanted = np.einsum("ij,kjc->kic", weights, rows).clip(0, 255)
    # Pillow rounds between the two directions.
    np.testing.assert_allclose(reduce_by(picture, scale), wanted, atol=1.5)


def test_reduction_needs_sides_that_are_multiples_of_the_scale():
    with pytest.raises(ValueError, match="multiples of 4, found 30 x 32 pixels"):
        reduce_by(noise(0, 30, 32), 4)


@pytest.mark.parametrize("scale", [2, 4])
def test_low_resolution_is_the_reduced_crop(store, scale):
    config = dataclasses.replace(TINY, scale=scale)
    low, high = Crops(store, config).fetch(np.arange(6))
    assert low.shape == (6, 32 // scale, 32 // scale, 3)
    assert high.shape == (6, 32, 32, 3)
    assert low.dtype == high.dtype == np.float32
    for small, large in zip(low, high, strict=True):
        np.testing.assert_array_equal(
            to_bytes(small), reduce_by(to_bytes(large), scale)
        )


def test_crops_are_rotated_and_mirrored_parts_of_images(tmp_path):
    # Red grows downwards and green to the right, so each of the eight ways to rotate
    # and mirror a crop can be recognised.
    saved(smooth(60, 80), tmp_path / "set" / "a.png")
    store = PictureStore.open(tmp_path / "set")
    high = to_bytes(Crops(store, TINY).fetch(np.arange(200))[1])
    ways = set()
    for crop in high:
        forms = [np.rot90(crop, k) for k in range(4)]
        forms += [form[:, ::-1] for form in forms]
        found = [
            way
            for way, form in enumerate(forms)
            if any(
                np.array_equal(form, store[0][top : top + 32, left : left + 32])
                for top in np.flatnonzero((store[0][:29, 0] == form[0, 0]).any(-1))
                for left in range(49)
            )
        ]
        assert len(found) == 1
        ways.add(found[0])
    assert ways == set(range(8))


def test_a_crop_depends_on_seed_and_number_alone(store):
    crops = Crops(store, TINY)
    both = crops.fetch(np.array([5, 99_999]))[1]
    np.testing.assert_array_equal(Crops(store, TINY).fetch(np.array([5]))[1], both[:1])
    assert not np.array_equal(*both)
    other = Crops(store, dataclasses.replace(TINY, seed=1)).fetch(np.array([5]))[1]
    assert not np.array_equal(other, both[:1])


def test_images_are_drawn_in_proportion_to_their_areas(tmp_path):
    # The black image has a quarter of the area of the two that are large enough.
    folder = tmp_path / "set"
    for name, value, height in (("a", 0, 40), ("b", 255, 120), ("c", 128, 31)):
        saved(np.full((height, 50, 3), value, np.uint8), folder / f"{name}.png")
    high = Crops(PictureStore.open(folder), TINY).fetch(np.arange(1000))[1]
    values = high[:, 0, 0, 0]
    assert set(values) == {-1, 1}
    # The standard deviation of this mean is 0.014.
    assert np.mean(values == -1) == pytest.approx(0.25, abs=0.05)


def test_every_position_in_an_image_is_drawn(tmp_path):
    picture = np.zeros((34, 33, 3), np.uint8)
    picture[..., 0], picture[..., 1] = np.arange(34)[:, None], np.arange(33)
    saved(picture, tmp_path / "set" / "a.png")
    store = PictureStore.open(tmp_path / "set")
    high = to_bytes(Crops(store, TINY).fetch(np.arange(200))[1])
    corners = high.min(axis=(1, 2))[:, :2]
    assert {tuple(c) for c in corners.tolist()} == {
        (top, left) for top in range(3) for left in range(2)
    }


def test_the_number_of_crops_follows_the_area_within_limits(store, monkeypatch):
    assert Crops(store, TINY).count == data.LEAST_CROPS
    monkeypatch.setattr(data, "LEAST_CROPS", 1)
    assert Crops(store, TINY).count == 8000 // 32**2
    monkeypatch.setattr(data, "MOST_CROPS", 3)
    assert Crops(store, TINY).count == 3


def test_crops_need_an_image_that_is_large_enough(store):
    with pytest.raises(ValueError, match="at least 64 x 64 pixels, found none"):
        Crops(store, dataclasses.replace(TINY, crop=64))


def test_real_photos_give_crops(shared_data):
    config = Config(data=shared_data / "yang91")
    train, test = load_split(config, "train"), load_split(config, "test")
    assert (len(train), len(test)) == (81, 9)
    low, high = Crops(train, config).fetch(np.arange(16))
    # The mean is kept up to rounding; detail is lost.
    np.testing.assert_allclose(low.mean((1, 2)), high.mean((1, 2)), atol=0.02)
    large = np.asarray(Image.fromarray(to_bytes(low[0])).resize((96, 96)))
    assert np.abs(large - to_bytes(high[0]).astype(float)).mean() > 1
