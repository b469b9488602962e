"""The files of the stand-in for smallNORB: layout, records and repeatability."""

import struct
from pathlib import Path

import numpy as np
import pytest

from common.errors import UserError
from synthetic_data.drawing import pool
from synthetic_data.toys import write
from synthetic_data.toys.instances import make_toy
from synthetic_data.toys.views import draw_views
from synthetic_data.toys.write import write_small_norb

PREFIXES = {
    "training": "smallnorb-5x46789x9x18x6x2x96x96-training-",
    "testing": "smallnorb-5x01235x9x18x6x2x96x96-testing-",
}


def _read(path: Path) -> np.ndarray:
    """Read a matrix independently of the writer."""
    raw = path.read_bytes()
    magic, axes = struct.unpack_from("<ii", raw)
    sizes = struct.unpack_from(f"<{max(3, axes)}i", raw, 8)
    assert all(size == 1 for size in sizes[axes:])
    dtype = {0x1E3D4C55: np.uint8, 0x1E3D4C54: "<i4"}[magic]
    return np.frombuffer(raw, dtype, offset=8 + 4 * len(sizes)).reshape(sizes[:axes])


def _read_split(folder: Path, split: str) -> list[np.ndarray]:
    """Return images, categories and info of a split."""
    return [
        _read(path)
        for kind in ("dat", "cat", "info")
        for path in folder.glob(f"*-{split}-{kind}.mat")
    ]


@pytest.fixture
def coded(monkeypatch) -> None:
    """Draw pictures of 4 x 4 pixels that hold the codes of what they show."""

    def draw(toy, azimuth, elevations, lightings):
        views = np.zeros((len(elevations), len(lightings), 2, 4, 4), np.uint8)
        views[..., 0, :2] = toy
        views[..., 0, 2] = azimuth // 10
        views[..., 1, 0] = np.array(elevations)[:, None, None]
        views[..., 1, 1] = np.array(lightings)[None, :, None]
        views[..., 1, 2] = [0, 1]
        return views

    write._toy.cache_clear()
    monkeypatch.setattr(
        write, "make_toy", lambda category, instance, _: (category, instance)
    )
    monkeypatch.setattr(write, "draw_views", draw)
    monkeypatch.setattr(write, "SIZE", 4)
    monkeypatch.setattr(pool, "usable_cores", lambda: 1)
    yield
    write._toy.cache_clear()


@pytest.mark.parametrize(
    "full, count, elevations, lightings",
    [(False, 4050, {0, 4, 8}, {0, 2, 5}), (True, 24300, set(range(9)), set(range(6)))],
)
@pytest.mark.parametrize("split", PREFIXES)
def test_records_are_complete_and_belong_to_their_pictures(
    coded, tmp_path, split, full, count, elevations, lightings
):
    write_small_norb(tmp_path / "norb", full=full)
    for kind in ("dat", "cat", "info"):
        assert (tmp_path / "norb" / f"{PREFIXES[split]}{kind}.mat").is_file()
    images, categories, info = _read_split(tmp_path / "norb", split)
    assert images.shape == (count, 2, 4, 4) and images.dtype == np.uint8
    assert categories.shape == (count,) and info.shape == (count, 4)
    instances = {"training": {4, 6, 7, 8, 9}, "testing": {0, 1, 2, 3, 5}}[split]
    codes = [set(column.tolist()) for column in info.T]
    assert codes == [instances, elevations, set(range(0, 36, 2)), lightings]
    # Every combination is there once, and the categories take turns.
    rows = np.column_stack([categories, info])
    assert len(np.unique(rows, axis=0)) == count
    np.testing.assert_array_equal(categories, np.arange(count) % 5)
    for camera in (0, 1):
        shown = images[:, camera]
        np.testing.assert_array_equal(shown[:, 0, 0], categories)
        np.testing.assert_array_equal(shown[:, 0, 1], info[:, 0])
        np.testing.assert_array_equal(shown[:, 0, 2], info[:, 2])
        np.testing.assert_array_equal(shown[:, 1, 0], 30 + 5 * info[:, 1])
        np.testing.assert_array_equal(shown[:, 1, 1], info[:, 3])
        np.testing.assert_array_equal(shown[:, 1, 2], camera)


@pytest.fixture(scope="module")
def few() -> None:
    """Draw one instance of each category, from one side, under one lighting."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(write, "INSTANCES", {"training": (4,), "testing": (0,)})
        patch.setattr(write, "AZIMUTHS", (40,))
        patch.setattr(write, "FEW_ELEVATIONS", (4,))
        patch.setattr(write, "FEW_LIGHTINGS", (2,))
        yield


@pytest.fixture(scope="module")
def folder(few, tmp_path_factory) -> Path:
    """A small written data set, which no test may change."""
    path = tmp_path_factory.mktemp("toys") / "new"
    write_small_norb(path, seed=3)
    return path


@pytest.mark.parametrize("split", PREFIXES)
def test_pictures_are_those_of_the_records(folder, split):
    images, categories, info = _read_split(folder, split)
    assert images.shape == (5, 2, 96, 96)
    for row in (0, 3):
        toy = make_toy(int(categories[row]), int(info[row, 0]), seed=3)
        np.testing.assert_array_equal(images[row], draw_views(toy, 40, [50], [2])[0, 0])


def test_one_process_writes_the_same_bytes_as_two(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(pool, "usable_cores", lambda: 1)
    write_small_norb(tmp_path / "again", seed=3)
    names = sorted(path.name for path in folder.iterdir())
    assert names == sorted(path.name for path in (tmp_path / "again").iterdir())
    for name in names:
        assert (folder / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_a_complete_data_set_is_left_unchanged(folder, monkeypatch):
    monkeypatch.delattr(write, "draw_views")
    monkeypatch.delattr(write, "create_matrix")
    write_small_norb(folder, seed=3)
    with pytest.raises(UserError, match="already holds other files"):
        write_small_norb(folder, seed=4)
    with pytest.raises(UserError, match="already holds other files"):
        write_small_norb(folder, seed=3, full=True)


def test_a_negative_seed_is_refused(tmp_path):
    with pytest.raises(UserError, match="seed: expected a whole number from 0"):
        write_small_norb(tmp_path / "norb", seed=-1)
    assert not any(tmp_path.iterdir())
