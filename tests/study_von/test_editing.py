"""One of viewpoint, shape and texture changes, and nothing else."""

import numpy as np
import pytest
from PIL import Image
from von_boxes import box_networks, write_block
from von_runs import write_run

from common.errors import UserError
from common.images.reading import read_image
from common.training.run_dir import RunDir
from study_von import editing
from study_von.editing import Objects, edit, round_trip, value_labels


@pytest.fixture(scope="module")
def untrained(tmp_path_factory) -> RunDir:
    return write_run(tmp_path_factory.mktemp("runs") / "untrained")


@pytest.fixture
def run(untrained, monkeypatch) -> RunDir:
    """Return a run whose networks make boxes."""
    monkeypatch.setattr(editing, "load_networks", box_networks)
    monkeypatch.setattr(editing, "TURN_FRAMES", 4)
    monkeypatch.setattr(editing, "STATION_FRAMES", 3)
    return untrained


@pytest.fixture
def made(run, tmp_path, monkeypatch) -> dict[str, np.ndarray]:
    """Return the images of the sheets by factor, uint8 (2, 3, 32, 32, 3)."""
    found = {}

    def change_one(config, networks, objects, factor, values):
        images = original(config, networks, objects, factor, values)
        found.setdefault(factor, images)  # the sheet comes before the GIF
        return images

    original = editing.change_one
    monkeypatch.setattr(editing, "change_one", change_one)
    edit(run, steps=3, count=2, out=tmp_path)
    return found


def silhouettes(images: np.ndarray) -> np.ndarray:
    return (images < 250).any(axis=-1)


def middles(images: np.ndarray) -> np.ndarray:
    """Return the colours in the middle, where boxes are; int (..., 3)."""
    return images[..., 16, 16, :].astype(int)


def test_only_the_texture_changes(made):
    outlines = silhouettes(made["texture"])
    assert made["texture"].shape == (2, 3, 32, 32, 3)
    np.testing.assert_array_equal(outlines, outlines[:, :1].repeat(3, axis=1))
    colours = middles(made["texture"])
    assert np.ptp(colours, axis=1).max(axis=-1).min() > 20
    # Columns have the same texture in all rows.
    np.testing.assert_allclose(colours[0], colours[1], atol=1)


@pytest.mark.parametrize("factor", ["viewpoint", "shape"])
def test_only_the_outline_changes(made, factor):
    colours = middles(made[factor])
    np.testing.assert_allclose(colours, colours[:, :1].repeat(3, axis=1), atol=1)
    assert abs(colours[0, 0] - colours[1, 0]).max() > 20
    outlines = silhouettes(made[factor])
    for row in outlines:
        assert len({outline.tobytes() for outline in row}) == 3


def test_all_factors_begin_with_the_same_image(made):
    first = made["viewpoint"][0, 0]
    np.testing.assert_array_equal(made["shape"][0, 0], first)
    np.testing.assert_array_equal(made["texture"][0, 0], first)


def test_files_of_all_factors(run, tmp_path):
    paths = edit(run, steps=2, count=2, out=tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted(paths)
    assert [path.name for path in paths] == [
        "edit.png",
        *(
            f"edit_{factor}.{suffix}"
            for factor in ("viewpoint", "shape", "texture")
            for suffix in ("png", "gif")
        ),
    ]
    one = edit(run, change="texture", steps=2, count=1, out=tmp_path / "one")
    assert [path.name for path in one] == ["edit_texture.png", "edit_texture.gif"]
    # Two tiles of 128 pixels, with gaps of 3 and a line of labels.
    assert read_image(one[0]).shape[1] == 2 * 131 + 3
    with Image.open(paths[2]) as frames:
        assert frames.n_frames == 4


def test_walks_end_where_they_began():
    latents = np.random.default_rng(0).normal(size=(8, 3)).astype(np.float32)
    walk = round_trip(latents)
    assert walk.shape == (60, 3)
    np.testing.assert_allclose(walk[::12], latents[:5], atol=1e-6)
    np.testing.assert_allclose(walk[-1], latents[0], atol=1e-6)


def test_azimuths_are_written_from_minus_179_to_180():
    none = np.zeros((3, 1))
    views = np.array([30.0, 180.0, 270.0]), np.array([20.0, 20.0, 3.0])
    labels = value_labels("viewpoint", Objects(none, *views, none))
    assert labels == ["az. 30°, el. 20°", "az. 180°, el. 20°", "az. -90°, el. 3°"]
    labels = value_labels("shape", Objects(none, *views, none))
    assert labels == ["shape 1", "shape 2", "shape 3"]


def test_a_given_shape_is_kept(run, tmp_path):
    path, _ = write_block(tmp_path)
    names = [p.name for p in edit(run, steps=2, count=1, shape=path, out=tmp_path)]
    assert "edit_texture.png" in names and "edit_shape.png" not in names
    for options, message in [
        ({"change": "shape", "shape": path}, "leave out --shape"),
        ({"change": "light"}, "--change must be all, viewpoint, shape, texture"),
        ({"steps": 1}, "--steps must be from 2 to 16, found 1"),
        ({"shape": tmp_path}, "is a folder; name one file"),
    ]:
        with pytest.raises(UserError, match=message):
            edit(run, out=tmp_path / "new", **options)
    assert not (tmp_path / "new").exists()
