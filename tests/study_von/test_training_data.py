"""The batches of the stages texture and joint."""

import dataclasses

import numpy as np
import pytest
from shapes import write_boxes
from tiny import STUDY_VON
from von_runs import write_photos

from study_von.config import Config
from study_von.data import load_split
from study_von.sketches import SILHOUETTE, channels_of
from study_von.training_data import sketch_items, view_items


@pytest.fixture(scope="module")
def config(tmp_path_factory) -> Config:
    """Options of a tiny run of the colour field, with boxes and photos."""
    folder = tmp_path_factory.mktemp("data")
    write_photos(folder / "photos")
    boxes = write_boxes(folder / "boxes")
    return dataclasses.replace(
        STUDY_VON, texture="field", data=boxes, photos=folder / "photos"
    )


def test_a_batch_is_photos_masks_and_sketches(config):
    """With views=0 the sketches are made when they are needed, and more of them."""
    shapes, photos = load_split(config, "train")
    items = sketch_items(dataclasses.replace(config, views=3), shapes, photos)
    assert items.count == 3 * len(shapes) == 72
    rows = np.array([0, 1, 8, 71])
    found = items.fetch(rows)
    size, maps = config.image_size, channels_of(config)
    assert [part.shape[1:] for part in found] == [
        (size, size, 3),
        (size, size, 1),
        (size, size, maps),
    ]
    assert all(part.dtype == np.float32 for part in found)
    np.testing.assert_array_equal(found[0][0], found[0][2])  # 8 photos
    np.testing.assert_array_equal(
        found[1][0, ..., 0], photos.masks[0] / np.float32(255)
    )
    covered = found[2][..., SILHOUETTE] > 0.5
    assert 0.1 < covered.mean() < 0.95
    live = sketch_items(dataclasses.replace(config, views=0), shapes, photos)
    assert live.count >= 20 * len(shapes)
    rows = np.arange(6)
    sketches = live.fetch(rows)[2]
    assert len({sketch.tobytes() for sketch in sketches}) == 6
    np.testing.assert_allclose(live.fetch(rows[::-1])[2][::-1], sketches, atol=1e-5)


def test_validation_items_are_left_out(config):
    config = dataclasses.replace(config, validation_every=4)
    shapes, photos = load_split(config, "train")
    for items in (
        sketch_items(config, shapes, photos),
        view_items(config, load_split(config, "train")),
    ):
        found = items.fetch(np.arange(24))
        assert len(np.unique(found[0], axis=0)) == 6  # photos of 8
        assert len(np.unique(found[-1], axis=0)) == 18  # sketches or shapes of 24
