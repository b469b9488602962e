"""Pools of viewpoints are read from files or drawn from the class's formula."""

from pathlib import Path

import numpy as np
import pytest

from common.errors import UserError
from study_von.config import Config
from study_von.viewpoints import Viewpoints, frequent, open_pool, read_pool


def pool_of(azimuths: list[float], elevations: list[float]) -> Viewpoints:
    """Return a pool."""
    return Viewpoints(np.float32(azimuths), np.float32(elevations))


@pytest.mark.parametrize("names", [("azs", "eles"), ("azimuths", "elevations")])
def test_a_npz_file_of_either_names(tmp_path, names):
    path = tmp_path / "pose.npz"
    np.savez(path, **{names[0]: [-130, 180, 350], names[1]: [[5], [90], [-90]]})
    pool = open_pool(Config(viewpoints=path))
    assert pool.azimuths.tolist() == [-130, 180, -10]
    assert pool.elevations.tolist() == [5, 90, -90]
    assert pool.azimuths.dtype == pool.elevations.dtype == np.float32


def test_a_csv_file_with_other_columns_and_a_mark_of_utf_8(tmp_path):
    path = tmp_path / "views.csv"
    text = "file,Elevation, azimuth\ntrain/0.png,10.5,-20\n\ntrain/1.png,0,270\n"
    path.write_text(text, "utf-8-sig")
    pool = read_pool(path)
    assert pool.azimuths.tolist() == [-20, -90]
    assert pool.elevations.tolist() == [10.5, 0]


def test_draws_keep_pairs_together_and_repeat_with_the_seed():
    pool = pool_of([0, 10, 20, 30], [0, 1, 2, 3])
    azimuths, elevations = pool.draw(400, np.random.default_rng(3))
    assert (azimuths == 10 * elevations).all()
    assert (np.bincount(elevations.astype(int)) > 60).all()
    again, _ = pool.draw(400, np.random.default_rng(3))
    assert np.array_equal(azimuths, again)


def test_the_pool_without_a_file_is_that_of_the_first_class():
    chairs, cars = open_pool(Config()), open_pool(Config(classes=("car", "chair")))
    assert len(chairs) == len(cars) == 2000
    assert 25 < np.median(chairs.elevations) < 31
    assert np.median(cars.elevations) < 8
    assert np.array_equal(chairs.azimuths, open_pool(Config()).azimuths)


def test_the_most_frequent_viewpoints():
    # 8, 11 and 12 are nearest to 10; their elevations to 30, 30 and 33.
    pool = pool_of([8, 11, 12, -90, -89, 180, -179, 60], [31, 29, 33, 0, 1, 12, 12, 9])
    assert frequent(pool, 3) == [(10, 30), (-90, 0), (180, 12)]
    assert frequent(pool, 9) == [(10, 30), (-90, 0), (180, 12), (60, 9)]


def npz(path: Path, **arrays: object) -> Path:
    """Write a .npz file and return its path."""
    np.savez(path, **arrays)
    return path


@pytest.mark.parametrize(
    "arrays, message",
    [
        ({"azs": [1]}, "expected the arrays azs and eles, .* found azs;"),
        ({"azs": [1, 2], "eles": [1]}, "found 2 and 1$"),
        ({"azs": [], "eles": []}, "has no viewpoints"),
        ({"azs": [0, np.nan], "eles": [0, 0]}, "number 2: .* azimuth .* found nan"),
        ({"azs": [-181], "eles": [0]}, "azimuth from -180 to 360 degrees, found -181"),
        ({"azs": [0, 1], "eles": [0, 91]}, "number 2: .* elevation .* found 91"),
        ({"azs": ["a"], "eles": ["b"]}, "expected numbers"),
        ({"azs": np.ones((2, 2)), "eles": np.ones((2, 2))}, r"found float64 \(2, 2\)"),
        ({"azs": np.array([{}]), "eles": [1]}, "pickled"),
    ],
)
def test_wrong_npz_files(tmp_path, arrays, message):
    path = npz(tmp_path / "pool.npz", **arrays)
    with pytest.raises(UserError, match=message) as caught:
        read_pool(path)
    assert "pool.npz" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text, message",
    [
        ("file,azimuth\na,1\n", "columns azimuth and elevation .* found file, azimuth"),
        ("\n", "found nothing"),
        ("azimuth,elevation\n", "has no viewpoints"),
        ("azimuth,elevation\n1,2\n3,x\n", "row 2: expected two numbers"),
        ("azimuth,elevation\n1\n", "row 1: expected two numbers"),
        ("azimuth,elevation\n1,2\n1,-90.5\n", "row 2: .* found -90.5"),
        ("azimuth,elevation\n1e999,2\n", "row 1: .* found inf"),
        ("azimuth,elevation\n\udcff,2\n", "not a table in UTF-8"),
    ],
)
def test_wrong_csv_files(tmp_path, text, message):
    path = tmp_path / "pool.csv"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(UserError, match=message) as caught:
        read_pool(path)
    assert "pool.csv" in str(caught.value) and "\n" not in str(caught.value)


def test_other_files(tmp_path):
    damaged = tmp_path / "pool.npz"
    damaged.write_bytes(b"PK\x03\x04 and no more")
    for path, message in (
        (tmp_path / "none.npz", "no such file"),
        (damaged, "damaged"),
        (tmp_path / "pool.json", "a .npz or .csv file, found .json"),
    ):
        with pytest.raises(UserError, match=message):
            read_pool(path)
