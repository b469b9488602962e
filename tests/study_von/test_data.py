"""Shapes and photos of a run, and the stand-in."""

import logging

import numpy as np
import pytest
from shapes import boxes, write_boxes

from common.errors import UserError
from common.shapes.voxels import write_mat
from study_von import data
from study_von.config import Config
from study_von.data_sets.photos import Photos


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return the folder of a small stand-in."""
    out = tmp_path_factory.mktemp("made") / "out"
    data.make_data(out, train=3, test=2, photos=4, held_out_photos=2, size=32)
    return out


def config_of(folder, **options) -> Config:
    """Return the options that read a stand-in."""
    return Config(
        data=folder / "shapes",
        photos=folder / "photos",
        viewpoints=folder / "photos" / "views.csv",
        image_size=32,
        **options,
    )


@pytest.mark.parametrize("representation", ["voxels", "distance"])
def test_the_stand_in_is_read_again(made, representation):
    config = config_of(made, representation=representation)
    train, test = (data.load_split(config, split) for split in data.SPLITS)
    assert (len(train.shapes), len(test.shapes)) == (3, 2)
    assert (len(train.photos), len(test.photos)) == (4, 2)
    volumes = train.shapes[np.array([0, 2])]
    assert volumes.shape == (2, 32, 32, 32, 1)
    assert train.shapes.occupancy() == pytest.approx(train.shapes[:].mean(), abs=1e-6)
    # Beside the surface, half a voxel of 1 / 16 from it, a field is exp(-1 / 4).
    greatest = 1 if representation == "voxels" else 0.779
    assert volumes.min() == pytest.approx(0, abs=0.01)
    assert volumes.max() == pytest.approx(greatest, abs=0.002)
    assert train.photos.images.shape == (4, 32, 32, 3)
    assert train.photos.masks.max() == 255


def test_files_of_fields_are_not_read_as_voxels(tmp_path):
    field = np.zeros((3, 32, 32, 32), np.float32)
    field[:, :, -1] = 0.75
    np.save(tmp_path / "fields.npy", field)
    config = Config(representation="distance", data=tmp_path / "fields.npy")
    shapes = data.load_shapes(config, "train")
    assert shapes[:].shape == (2, 32, 32, 32, 1)
    assert shapes[:][:, 0] == pytest.approx(0.75, abs=0.002)  # the front is turned
    with pytest.raises(UserError, match="add --representation distance"):
        data.load_shapes(Config(data=tmp_path / "fields.npy"), "train")


def test_empty_shapes_are_left_out(tmp_path, caplog):
    write_boxes(tmp_path)
    folder = tmp_path / "volumetric_data" / "box" / "30" / "train"
    write_mat(folder / "box_000000005_1.mat", np.zeros((30, 30, 30), bool))
    with caplog.at_level(logging.WARNING):
        shapes = data.load_shapes(Config(data=tmp_path), "train")
    assert len(shapes) == 23
    assert "left out 1 of 24 shapes" in caplog.text and "number 5," in caplog.text
    expected = np.delete(boxes(24), 4, axis=0).mean(axis=(1, 2, 3)) * (30 / 32) ** 3
    assert shapes[:].mean(axis=(1, 2, 3, 4)) == pytest.approx(expected)
    for path in folder.iterdir():
        write_mat(path, np.zeros((30, 30, 30), bool))
    with pytest.raises(UserError, match="none of the shapes has a filled voxel"):
        data.load_shapes(Config(data=tmp_path), "train")


def test_the_mean_colour_is_that_of_objects_alone(tmp_path):
    masks = np.zeros((2, 8, 8), np.uint8)
    masks[0, :4], masks[1, 0] = 255, 51  # full, and a fifth
    share = masks[..., None] / 255
    images = np.rint(share * (200, 100, 0) + (1 - share) * 255).astype(np.uint8)
    photos = Photos(images, masks, ("a", "b"), tmp_path)
    assert data.mean_colour(photos) == pytest.approx((200, 100, 0), abs=0.5)


def test_the_description_counts_both_splits(made):
    lines = data.describe(config_of(made)).splitlines()
    assert lines[2].startswith("| train | 3 | 0.0") and "| 4 |" in lines[2]
    assert lines[3].startswith("| test | 2 | 0.0") and "| 2 |" in lines[3]
    assert lines[-2].startswith("| azimuth | -") and lines[-1].startswith("| elevation")


def test_the_stand_in_is_a_new_folder_and_appears_whole(tmp_path):
    with pytest.raises(UserError, match="exists already"):
        data.make_data(tmp_path)
    with pytest.raises(UserError, match="class"):
        data.make_data(tmp_path / "new", class_name="boat")
    assert not any(tmp_path.iterdir())


def test_photos_of_a_stand_in_are_kept_in_the_cache(monkeypatch):
    monkeypatch.setattr(data, "PHOTOS_TRAIN", 3)
    monkeypatch.setattr(data, "PHOTOS_TEST", 2)
    monkeypatch.setattr(data, "PHOTOS_VERSION", "test")
    config = Config(image_size=32, classes=("table",))
    photos = data.load_photos(config, "test")
    assert len(photos) == 2 and photos.folder.name == "object-photos-test-table-64"
    assert data.stand_in(config) == photos.folder
