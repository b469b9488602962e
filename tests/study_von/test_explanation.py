"""The figure that explains the projection."""

import numpy as np
import pytest
from PIL import Image

from common.errors import UserError
from study_von.explanation import choose_ray, explain, load_shape


def test_the_figure_of_a_file(tmp_path):
    voxels = np.zeros((32, 32, 32), bool)
    voxels[10:20, 10:20, 10:20] = True
    np.save(tmp_path / "cube.npy", voxels)
    explain(tmp_path / "cube.png", tmp_path / "cube.npy", azimuth=20, elevation=0)
    with Image.open(tmp_path / "cube.png") as picture:
        assert picture.size == (1350, 828)


def test_the_chosen_ray_grazes_one_part_and_hits_another():
    occupied = np.zeros((8, 1, 4))
    occupied[2] = [[0.9, 0.5, 0.5, 0.0]]
    occupied[5] = [[1.0, 0.0, 1.0, 1.0]]
    ray = choose_ray(occupied)
    assert (ray.row, ray.column) == (0, 2)
    np.testing.assert_allclose(ray.stops[[2, 5]], [0.5, 0.5], atol=1e-3)
    np.testing.assert_allclose(ray.passing[[1, 2, 7]], [1, 0.5, 0], atol=1e-3)


def test_the_default_is_a_chair_at_the_size():
    assert load_shape(None, 64).shape == (64, 64, 64)


@pytest.mark.parametrize(
    "wrong",
    [{"elevation": 91}, {"azimuth": float("nan")}, {"out": "picture.svg"}, {}],
)
def test_what_cannot_be_drawn_writes_nothing(tmp_path, wrong):
    np.save(tmp_path / "empty.npy", np.zeros((32, 32, 32), bool))
    options = {"shape": tmp_path / "empty.npy"} | wrong
    out = tmp_path / options.pop("out", "picture.png")
    with pytest.raises(UserError):
        explain(out, **options)
    assert [path.name for path in tmp_path.iterdir()] == ["empty.npy"]
