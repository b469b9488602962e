"""The local extractor: a small classifier, trained once and cached."""

import json
import logging
from pathlib import Path

import keras
import numpy as np
import pytest

from common.errors import UserError
from common.features import local_classifier
from common.features.extractors import Extractor, local
from synthetic_data.digits.glyphs import make_glyphs


def scale(images: np.ndarray) -> np.ndarray:
    return images.astype(np.float32) / 127.5 - 1


def quick(images: np.ndarray, targets: np.ndarray, steps: int, seed: int):
    """Return an untrained network, in place of training one."""
    return local_classifier.build(images.shape[1:], int(targets.max()) + 1, seed), 0.5


def small_set() -> tuple[np.ndarray, np.ndarray]:
    """Return 60 images of two classes: bright on the left, or on the right."""
    images = np.random.default_rng(1).integers(0, 100, (60, 12, 12), np.uint8)
    labels = np.arange(60) % 2
    images[labels == 0, :, :6] += 100
    images[labels == 1, :, 6:] += 100
    return images, labels


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.keras"))


@pytest.fixture(scope="module")
def glyphs(tmp_path_factory) -> tuple[np.ndarray, np.ndarray, Path, Extractor]:
    """Return glyphs, and a network trained on them for a few seconds."""
    images, labels = make_glyphs(1500, seed=0)
    folder = tmp_path_factory.mktemp("local")
    return images, labels, folder, local(images, labels, steps=60, cache_dir=folder)


def test_local_learns_glyphs_and_stores_its_held_out_accuracy(glyphs):
    _, _, folder, extractor = glyphs
    images, labels = make_glyphs(500, seed=9)
    features, probabilities = extractor(scale(images))
    accuracy = np.mean(probabilities.argmax(axis=1) == labels)
    assert accuracy > 0.8
    stored = json.loads(next(folder.glob("*.json")).read_text())["accuracy"]
    assert stored == pytest.approx(accuracy, abs=0.08)
    assert features.shape == (500, 64) and probabilities.shape == (500, 10)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)


def test_local_features_have_the_same_scale_and_no_excess_of_zeros(glyphs):
    images, _, _, extractor = glyphs
    features, _ = extractor(scale(images))
    np.testing.assert_allclose(features.mean(axis=0), 0, atol=0.3)
    np.testing.assert_allclose(features.std(axis=0), 1, atol=0.3)
    assert np.mean(features == 0) == 0
    assert 0.2 < np.mean(features < 0) < 0.8


def test_local_trains_once_and_logs_its_accuracy_again(glyphs, monkeypatch, caplog):
    images, labels, folder, first = glyphs
    monkeypatch.setattr(local_classifier, "train", None)
    caplog.set_level(logging.INFO)
    again = local(images, labels, steps=60, cache_dir=folder)
    accuracy = json.loads(next(folder.glob("*.json")).read_text())["accuracy"]
    assert f"{100 * accuracy:.1f} % of held-out images" in caplog.text
    assert again.key == first.key
    for a, b in zip(again(scale(images[:9])), first(scale(images[:9])), strict=True):
        np.testing.assert_array_equal(a, b)


def test_local_is_cached_by_data_and_settings(tmp_path, monkeypatch):
    monkeypatch.setattr(local_classifier, "train", quick)
    images, labels = small_set()
    other_images, other_labels = images.copy(), labels.copy()
    other_images[3, 4, 5] ^= 1
    other_labels[3] ^= 1
    variants = [
        (images, labels, {}),
        (other_images, labels, {}),
        (images, other_labels, {}),
        (images.reshape(60, 9, 16), labels, {}),
        (images, labels, {"seed": 1}),
        (images, labels, {"steps": 499}),
    ]
    keys = set()
    for number, (x, y, settings) in enumerate(variants, 1):
        keys.add(local(x, y, cache_dir=tmp_path, **settings).key)
        assert len(files(tmp_path)) == len(keys) == number
    names = np.array(["chair", "table"])[labels]
    local(images[..., None], names, cache_dir=tmp_path)
    assert len(files(tmp_path)) == len(variants)
    monkeypatch.setattr(local_classifier, "VERSION", 0)
    local(images, labels, cache_dir=tmp_path)
    assert len(files(tmp_path)) == len(variants) + 1


def test_local_is_cached_in_the_folder_of_the_project(tmp_path, monkeypatch):
    monkeypatch.setattr(local_classifier, "train", quick)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    key = local(*small_set()).key
    assert files(tmp_path / "gan-projects-in-keras") == [f"local-{key}.keras"]


@pytest.mark.parametrize("damage", ["cut", "flip", "no json", "json", "text"])
def test_damaged_cache_is_trained_again(tmp_path, monkeypatch, caplog, damage):
    monkeypatch.setattr(local_classifier, "train", quick)
    images, labels = small_set()
    whole = local(images, labels, cache_dir=tmp_path)(scale(images))
    path = next(tmp_path.glob("*.keras"))
    content = bytearray(path.read_bytes())
    if damage == "cut":
        path.write_bytes(content[:-100])
    elif damage == "flip":
        content[len(content) // 2] ^= 255
        path.write_bytes(content)
    elif damage == "no json":
        path.with_suffix(".json").unlink()
    elif damage == "json":
        path.with_suffix(".json").write_text('{"acc')
    else:
        path.write_text("no network")
    again = local(images, labels, cache_dir=tmp_path)
    assert "damaged" in caplog.text and "trained again" in caplog.text
    np.testing.assert_array_equal(again(scale(images))[0], whole[0])
    caplog.clear()
    local(images, labels, cache_dir=tmp_path)
    assert "damaged" not in caplog.text


@pytest.mark.slow
def test_local_is_repeatable_by_seed(tmp_path, monkeypatch):
    monkeypatch.setattr(local_classifier, "BATCH_SIZE", 16)
    images, labels = small_set()
    colour = np.repeat(images[..., None], 3, axis=-1)
    runs = []
    for name in ("a", "b"):
        keras.utils.set_random_seed(ord(name))  # must have no influence
        runs.append(local(colour, labels, steps=4, cache_dir=tmp_path / name))
    first, same = (run(scale(colour))[0] for run in runs)
    np.testing.assert_array_equal(first, same)
    start, other = (
        Extractor("local", local_classifier.build((12, 12, 3), 2, seed))(scale(colour))[
            0
        ]
        for seed in (0, 1)
    )
    assert abs(start - other).max() > 0.1
    assert abs(start - first).max() > 0.1


def test_local_is_float32_whatever_training_uses(tmp_path, monkeypatch):
    monkeypatch.setattr(local_classifier, "train", quick)
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        extractor = local(*small_set(), cache_dir=tmp_path)
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
        assert {layer.compute_dtype for layer in extractor.network.layers} == {
            "float32"
        }
    finally:
        keras.config.set_dtype_policy("float32")


@pytest.mark.parametrize("labels", [None, np.zeros(60), np.array(["chair"] * 60)])
def test_local_without_two_classes_is_refused_in_one_line(tmp_path, labels):
    with pytest.raises(UserError, match="at least 2 classes, found (1|no)") as caught:
        local(small_set()[0], labels, cache_dir=tmp_path)
    assert "\n" not in str(caught.value)


def test_local_refuses_arrays_of_wrong_shape_or_type(tmp_path):
    images, labels = small_set()
    with pytest.raises(ValueError, match="60 labels"):
        local(images, labels[:9], cache_dir=tmp_path)
    with pytest.raises(ValueError, match="uint8"):
        local(scale(images), labels, cache_dir=tmp_path)


@pytest.mark.parametrize("shape", [(28, 28, 1), (64, 64, 3), (128, 128, 3), (5, 9, 1)])
def test_local_takes_images_of_many_sizes(shape):
    network = local_classifier.build(shape, 3, seed=0)
    assert network.output_shape == [(None, 64), (None, 3)]
    grid = [layer for layer in network.layers if layer.name.startswith("conv")][-1]
    assert max(grid.output.shape[1:3]) == 2
    assert grid.output.shape[-1] == 256


def test_shifts_reach_one_twenty_eighth_of_the_size():
    images = np.zeros((400, 56, 56, 1), np.uint8)
    images[:, 20, 30] = 255
    moved = local_classifier.shift(images, np.random.default_rng(0))
    _, rows, columns, _ = np.nonzero(moved)
    assert set(rows) == {18, 19, 20, 21, 22}
    assert set(columns) == {28, 29, 30, 31, 32}
    assert len(rows) == 400
    constant = np.full((3, 28, 28, 2), 7, np.uint8)  # edges are repeated
    np.testing.assert_array_equal(
        local_classifier.shift(constant, np.random.default_rng(0)), constant
    )
