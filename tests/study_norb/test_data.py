"""The study's data: cameras, sizes, classes, caches, the table and the export."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from norb_files import write_split, write_tiny_norb
from PIL import Image

from chapter04_dcgan import config as chapter04_config
from chapter04_dcgan import data as chapter04
from common.errors import UserError
from common.images.reading import read_image
from study_norb import data
from study_norb.config import Config
from study_norb.data import describe, load_split
from study_norb.data_sets import picture_cache
from study_norb.data_sets.picture_cache import shrink
from study_norb.export import _chosen, export

LABELS = ("classes", "instances", "azimuths", "elevations", "lightings")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    return write_tiny_norb(tmp_path_factory.mktemp("data") / "tiny", per_class=6)


@pytest.fixture
def coil(tmp_path) -> Path:
    """Seven views of a red and of a blue object."""
    folder = tmp_path / "coil"
    folder.mkdir()
    for angle in range(0, 70, 10):
        Image.new("RGB", (128, 128), (255, 0, 0)).save(folder / f"obj1__{angle}.png")
        Image.new("RGB", (128, 128), (0, 0, 250)).save(folder / f"obj3__{angle}.png")
    return folder


@pytest.fixture
def always_cached(monkeypatch):
    """Cache even small sets, and work on one record at a time."""
    monkeypatch.setattr(picture_cache, "_SMALL", 0)
    monkeypatch.setattr(picture_cache, "_CHUNK", 1)


def ours(folder: Path, **options) -> Config:
    return replace(Config(data=folder, size=96), **options)


def stored(folder: Path) -> np.ndarray:
    """Return the training pictures, uint8 (30, 2, 96, 96), read by hand."""
    path = folder / "smallnorb-5x46789x9x18x6x2x96x96-training-dat.mat"
    return np.fromfile(path, np.uint8, offset=24).reshape(30, 2, 96, 96)


def message(config: Config, split: str = "train") -> str:
    """Return the error message for a wrong configuration; it must be one line."""
    with pytest.raises(UserError) as caught:
        load_split(config, split)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# --- cameras and sizes


def test_left_is_the_first_camera(tiny):
    toys = load_split(ours(tiny), "train")
    np.testing.assert_array_equal(toys.images[..., 0], stored(tiny)[:, 0])
    assert toys.images.max() > 127
    assert len(toys) == 30


def test_both_cameras_are_neighbours(tiny):
    left, both = (load_split(ours(tiny, cameras=c), "train") for c in ("left", "both"))
    assert both.images.shape == (60, 96, 96, 1)
    np.testing.assert_array_equal(both.images[0::2, ..., 0], stored(tiny)[:, 0])
    np.testing.assert_array_equal(both.images[1::2, ..., 0], stored(tiny)[:, 1])
    for name in LABELS:
        for camera in (0, 1):
            found = getattr(both, name)[camera::2]
            np.testing.assert_array_equal(found, getattr(left, name))


def test_pairs_are_channels(tiny):
    toys = load_split(ours(tiny, cameras="stereo"), "train")
    assert toys.images.shape == (30, 96, 96, 2)
    for camera in (0, 1):
        np.testing.assert_array_equal(toys.images[..., camera], stored(tiny)[:, camera])


def test_half_the_size_is_the_mean_of_four_pixels(tmp_path):
    """(1 + 2 + 3 + 4) / 4 = 2.5 is rounded upwards, (0 + 0 + 0 + 1) / 4 to 0."""
    pictures = np.zeros((1, 2, 96, 96), np.uint8)
    pictures[0, 0, :2, :2] = [[1, 2], [3, 4]]
    pictures[0, 0, :2, 2:4] = [[255, 255], [255, 254]]
    pictures[0, 0, 94:, 94:] = [[0, 0], [0, 1]]
    pictures[0, 0, 2:4, :2] = [[200, 200], [100, 101]]
    write_split(tmp_path, "train", pictures, [0], [[4, 0, 0, 0]])
    image = load_split(ours(tmp_path, size=48), "train").images[0, :, :, 0]
    assert image.shape == (48, 48)
    assert image[0, :3].tolist() == [3, 255, 0]
    assert image[1, 0] == 150
    assert image[47, 47] == 0


def test_other_sizes_are_resized():
    """A plane stays a plane, and a step is blurred, not aliased."""
    plane = np.full((2, 3, 64, 64), 77, np.uint8)
    for size in (48, 96):
        assert (shrink(plane, size) == 77).all()
        assert shrink(plane, size).shape == (2, 3, size, size)
    stripes = np.tile(np.array([0, 255], np.uint8), (64, 32))
    assert np.ptp(shrink(stripes, 48)[:, 8:40].astype(int)) < 128


@pytest.mark.parametrize("cameras", ["left", "both", "stereo"])
def test_both_sizes_show_the_same(tiny, cameras):
    large, small = (
        load_split(ours(tiny, size=s, cameras=cameras), "test") for s in (96, 48)
    )
    blocks = large.images.reshape(len(large), 48, 2, 48, 2, -1).mean(axis=(2, 4))
    assert np.abs(blocks - small.images).max() <= 0.5


# --- classes


def test_classes_filter_labels_as_well_as_images(tiny):
    """The third record of each five is an airplane, the second a human."""
    toys = load_split(ours(tiny, classes=("airplane", "human")), "train")
    assert toys.class_names == ("airplane", "human")
    # Records stay in their order, and labels count the wanted classes.
    assert toys.classes.tolist() == 6 * [1, 0]
    expected = stored(tiny)[:, 0].reshape(6, 5, 96, 96)[:, 1:3].reshape(12, 96, 96)
    np.testing.assert_array_equal(toys.images[..., 0], expected)
    everything = load_split(ours(tiny), "train")
    rows = np.flatnonzero(np.isin(everything.classes, (1, 2)))
    for name in LABELS[1:]:
        found = getattr(toys, name)
        np.testing.assert_array_equal(found, getattr(everything, name)[rows])


def test_classes_alternate(tiny):
    toys = load_split(ours(tiny), "train")
    assert toys.classes[:7].tolist() == [0, 1, 2, 3, 4, 0, 1]
    assert toys.class_names == ("animal", "human", "airplane", "truck", "car")


def test_splits_show_different_toys(tiny):
    found = [set(load_split(ours(tiny), s).instances.tolist()) for s in data.PREFIXES]
    assert found == [{4, 6, 7, 8, 9}, {0, 1, 2, 3, 5}]


def test_unknown_classes(tiny):
    line = message(ours(tiny, classes=("car", "dog")))
    assert "unknown dog; expected some of animal, human, airplane, truck, car" in line


def test_a_class_without_pictures(tmp_path):
    pictures = np.zeros((1, 2, 8, 8), np.uint8)
    write_split(tmp_path, "train", pictures, [0], [[4, 0, 0, 0]])
    line = message(ours(tmp_path, classes=("car",)))
    assert "no pictures of car in this split" in line


# --- memory and caches


def test_large_sets_stay_on_the_disk(tiny):
    """A tenth of a MB of memory is too little for 30 pictures."""
    for cameras in ("left", "both", "stereo"):
        mapped = load_split(ours(tiny, cameras=cameras, cache_mb=0.1), "train")
        loaded = load_split(ours(tiny, cameras=cameras), "train")
        assert isinstance(mapped.images, np.memmap)
        assert not isinstance(loaded.images, np.memmap)
        np.testing.assert_array_equal(mapped.images, loaded.images)
        for images in (mapped.images, loaded.images):
            with pytest.raises(ValueError, match="read-only"):
                images[0] = 0


@pytest.mark.parametrize("cameras", ["left", "both", "stereo"])
@pytest.mark.parametrize("cache_mb", [0.01, 100])
def test_cached_pictures_are_the_same(tiny, cameras, cache_mb, monkeypatch):
    config = ours(tiny, size=48, cameras=cameras, classes=("truck", "car"))
    direct = load_split(config, "train").images
    monkeypatch.setattr(picture_cache, "_SMALL", 0)
    monkeypatch.setattr(picture_cache, "_CHUNK", 1)
    cached = load_split(replace(config, cache_mb=cache_mb), "train").images
    assert isinstance(cached, np.memmap) == (cache_mb < 1)
    np.testing.assert_array_equal(cached, direct)


def test_a_class_of_a_large_set_is_mapped(tiny):
    config = ours(tiny, classes=("truck",), cache_mb=0.01)
    images = load_split(config, "train").images
    assert isinstance(images, np.memmap)
    np.testing.assert_array_equal(images[..., 0], stored(tiny)[3::5, 0])


def test_the_cache_is_used_again(tiny, always_cached, monkeypatch):
    config = ours(tiny, size=48)
    first = load_split(config, "train").images
    monkeypatch.setattr(picture_cache, "_chunks", None)
    np.testing.assert_array_equal(load_split(config, "train").images, first)


def test_a_changed_file_is_resized_again(tmp_path, always_cached):
    for value in (10, 20):
        pictures = np.full((1, 2, 96, 96), value, np.uint8)
        write_split(tmp_path, "train", pictures, [0], [[4, 0, 0, 0]])
        images = load_split(ours(tmp_path, size=48), "train").images
        assert (images == value).all()


# --- turning objects, and other folders


def test_turning_objects_are_grey(coil):
    """Red has the grey 0.299 * 255 = 76, blue 0.114 * 250 = 28.5."""
    toys = load_split(ours(coil, size=48), "train")
    assert toys.images.shape == (12, 48, 48, 1)
    assert toys.class_names == ("obj1", "obj3")
    assert toys.classes.tolist() == 6 * [0] + 6 * [1]
    assert toys.azimuths[:6].tolist() == [0, 10, 20, 30, 40, 60]
    for number, grey in enumerate((76, 29)):
        assert (toys.images[toys.classes == number] == grey).all()
    test = load_split(ours(coil, size=48, classes=("obj3",)), "test")
    assert test.azimuths.tolist() == [50]
    assert test.classes.tolist() == [0]
    assert (test.images == 29).all()


@pytest.mark.parametrize("cameras", ["both", "stereo"])
def test_turning_objects_have_one_camera(coil, cameras):
    line = message(ours(coil, cameras=cameras))
    assert f"--cameras {cameras}: expected left" in line


def test_other_folders(tmp_path):
    assert "no such directory" in message(ours(tmp_path / "none"))
    line = message(ours(tmp_path))
    assert "neither smallNORB's files" in line
    assert "obj1__355.png" in line


def test_without_data_the_stand_in_is_drawn(monkeypatch, tmp_path):
    calls = []

    def write(folder: Path, seed: int, full: bool) -> None:
        calls.append((folder, seed, full))
        write_tiny_norb(folder, per_class=1)

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(data, "write_small_norb", write)
    assert load_split(ours(None), "test").classes.tolist() == [0, 1, 2, 3, 4]
    name = f"toys-{data.STAND_IN_VERSION}"
    assert calls == [(tmp_path / "gan-projects-in-keras" / name, 0, False)]
    assert "the procedural stand-in" in describe(ours(None))


# --- the table


def test_table(tiny):
    lines = describe(ours(tiny)).splitlines()
    images = stored(tiny)[:, 0].reshape(6, 5, -1)
    assert len(lines) == 2 + 10 + 1 + 6
    assert f"| train | truck | 6 | 5 | 6 | 6 | 6 | {images[:, 3].mean():.1f} |" in lines
    assert sum("not the published one" in line for line in lines) == 6


def test_table_of_some_classes_and_both_cameras(tiny):
    config = ours(tiny, classes=("car",), cameras="both", size=48)
    rows = [line for line in describe(config).splitlines() if "| car |" in line]
    assert [row.split(" | ")[2] for row in rows] == ["12", "12"]


def test_table_of_turning_objects(coil):
    table = describe(ours(coil))
    assert "| test | obj3 | 1 | 1 | 1 | 1 | 1 | 29.0 |" in table
    assert table.endswith("- test: every 6th angle of each object")


# --- export


def test_export_for_chapter_4(tiny, tmp_path):
    out = tmp_path / "out"
    export(out, tiny, cameras="both", classes=("car", "human"))
    files = sorted(path.relative_to(out).as_posix() for path in out.rglob("*.png"))
    assert len(files) == 2 * 2 * 6 * 2
    # The first human is record 0 of these classes, and its azimuth 20 (norb_files).
    name = "00000_instance4_elevation30_azimuth20_lighting0_right.png"
    assert f"train/human/{name}" in files
    image = read_image(out / "train" / "human" / name)
    np.testing.assert_array_equal(image, np.repeat(stored(tiny)[1, 1, ..., None], 3, 2))
    assert Image.open(out / files[0]).mode == "L"
    faces = chapter04.load_split(chapter04_config.Config(data=out, size=64), "test")
    assert len(faces.images) == 24
    assert all(name.startswith("test/") for name in faces.names)


def test_export_of_some_records(tiny, tmp_path):
    """Each class has 6 records; a fifth of them is rounded upwards to 2."""
    export(tmp_path / "out", tiny, size=48, every=5)
    for split in data.PREFIXES:
        for name in ("animal", "human", "airplane", "truck", "car"):
            files = list((tmp_path / "out" / split / name).iterdir())
            assert len(files) == 2
            assert Image.open(files[0]).size == (48, 48)


def test_export_of_turning_objects(coil, tmp_path):
    export(tmp_path / "out", coil)
    (path,) = (tmp_path / "out" / "test" / "obj3").iterdir()
    assert re.fullmatch(
        r"\d{5}_instance0_elevation0_azimuth50_lighting0_left.png", path.name
    )


def test_some_records_have_all_lightings():
    """At equal steps of 3, records that take turns would all have one lighting."""
    classes = np.tile([0, 1], 90).repeat(2)  # two views of each record
    rows = _chosen(classes, 2, 3)
    assert np.bincount(classes[rows]).tolist() == [60, 60]
    records = rows[::2] // 2
    np.testing.assert_array_equal(rows[1::2], rows[::2] + 1)
    assert set((records // 2 % 3).tolist()) == {0, 1, 2}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"cameras": "stereo"}, "stereo: expected left or both"),
        ({"every": 0}, "--every 0: expected at least 1"),
        ({"size": 50}, "size"),
        ({"classes": ("dog",)}, "unknown dog"),
    ],
)
def test_wrong_exports_write_nothing(tiny, tmp_path, options, words):
    with pytest.raises(UserError, match=words):
        export(tmp_path / "out", tiny, **options)
    assert not (tmp_path / "out").exists()


def test_export_keeps_a_folder_that_exists(tiny, tmp_path):
    (tmp_path / "mine.txt").write_text("kept")
    with pytest.raises(UserError, match="exists already"):
        export(tmp_path, tiny)
    assert (tmp_path / "mine.txt").read_text() == "kept"


def test_a_name_that_is_too_long_is_an_error(tiny, tmp_path):
    with pytest.raises(UserError, match="cannot write"):
        export(out=tmp_path / ("a" * 300), data=tiny)
