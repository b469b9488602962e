"""Folders with the names of COIL-100: labels from names, and every sixth angle."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from common.errors import UserError
from study_norb.data_sets.turning_objects import is_turning_objects, load_records


def save(folder: Path, name: str, value: int = 0) -> None:
    """Write a picture of 16 x 16 pixels whose red is `value`."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (16, 16), (value, 0, 0)).save(path)


def load(folder: Path, split: str = "train"):
    return load_records(folder, split, 16, 100)


def message(folder: Path) -> str:
    """Return the error message for a wrong folder; it must be one line."""
    with pytest.raises(UserError) as caught:
        load(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_labels_come_from_names(tmp_path):
    """Objects and angles are sorted as numbers; red tells which picture it is."""
    for angle in range(0, 60, 5):
        save(tmp_path, f"obj10__{angle}.png", 100 + angle)
        save(tmp_path, f"sub/OBJ2_{angle}.bmp", angle)
    train, test = load(tmp_path), load(tmp_path, "test")
    assert train.class_names == test.class_names == ("obj2", "obj10")
    # The sixth and the twelfth of 0, 5, ..., 55.
    assert test.azimuths.tolist() == [25, 55, 25, 55]
    assert test.classes.tolist() == [0, 0, 1, 1]
    assert train.azimuths.tolist() == 2 * [0, 5, 10, 15, 20, 30, 35, 40, 45, 50]
    for records, first in ((train, 0), (test, 25)):
        red = records.pictures[records.rows][:, 0, 8, 8, 0]
        np.testing.assert_array_equal(red, records.azimuths + 100 * records.classes)
        assert red[0] == first
        assert records.pictures.shape[1:] == (1, 16, 16, 3)
    for label in (test.instances, test.elevations, test.lightings):
        assert label.tolist() == [0, 0, 0, 0]


def test_angles_may_have_fractions(tmp_path):
    for number in range(6):
        save(tmp_path, f"obj1__{number * 2.5}.png")
    assert load(tmp_path, "test").azimuths.tolist() == [12.5]


def test_coil_20_numbers_its_views(tmp_path):
    """0 to 71 are steps of 5 degrees there."""
    for number in range(72):
        save(tmp_path, f"obj1__{number}.png")
    assert load(tmp_path, "test").azimuths.tolist() == list(range(25, 360, 30))


def test_images_with_other_names_are_left_out(tmp_path, caplog):
    for angle in range(6):
        save(tmp_path, f"obj1__{angle}.png")
    save(tmp_path, "cover.png")
    assert is_turning_objects(tmp_path)
    assert load(tmp_path).azimuths.tolist() == [0, 1, 2, 3, 4]
    assert "1 of 7 images are left out" in caplog.text
    assert "(cover.png, for example)" in caplog.text


@pytest.mark.parametrize("name", ["object1__5.png", "obj1-5.png", "obj__5.png"])
def test_other_names_are_not_taken_for_it(tmp_path, name):
    save(tmp_path, name)
    assert not is_turning_objects(tmp_path)
    assert "is named obj<number>__<angle>, such as obj1__355.png" in message(tmp_path)


def test_angles_are_below_a_full_turn(tmp_path):
    for angle in range(0, 420, 60):
        save(tmp_path, f"obj1__{angle}.png")
    assert "below 360 degrees in the names, found obj1__360.png" in message(tmp_path)


def test_an_angle_that_occurs_twice(tmp_path):
    for angle in range(6):
        save(tmp_path, f"obj1__{angle}.png")
    save(tmp_path, "obj1_3.png")
    line = message(tmp_path)
    assert "obj1_3.png" in line
    assert "obj1__3.png" in line
    assert "show one object at one angle; remove one" in line


def test_an_object_of_few_angles(tmp_path):
    for angle in range(6):
        save(tmp_path, f"obj1__{angle}.png")
    save(tmp_path, "obj2__0.png")
    assert "at least 6 angles of each object" in message(tmp_path)
    assert "found 1 of obj2; add some" in message(tmp_path)
