"""Surfaces with colours: those of the images that show them, and their files."""

import dataclasses

import numpy as np
import pytest
import trimesh
from tiny import STUDY_VON

from common.errors import UserError
from common.shapes.meshes import closed_mesh
from common.training.run_dir import RunDir
from study_von.networks import build_texture_generator
from study_von.sketches import POSITION, SILHOUETTE
from study_von.textured_mesh import (
    camera_direction,
    colours_at,
    textured_mesh,
    write_meshes,
)
from study_von.training import Networks

CONFIG = dataclasses.replace(STUDY_VON, texture="field")
TEXTURE = np.zeros(3, np.float32)


def chair() -> np.ndarray:
    """Return a chair that faces the low indices of axis 0: float32 (32, 32, 32, 1)."""
    solid = np.zeros((32, 32, 32, 1), np.float32)
    solid[6:26, 6:26, 14:17] = 1
    solid[23:26, 6:26, 17:28] = 1
    for x, y in ((6, 6), (6, 23), (23, 6), (23, 23)):
        solid[x : x + 3, y : y + 3, 3:14] = 1
    return solid


def paint_positions(inputs, training):
    """Return images whose red, green and blue are the surface's three coordinates."""
    sketch = np.asarray(inputs[0])
    silhouette = sketch[..., SILHOUETTE]
    return silhouette * sketch[..., POSITION] + (1 - silhouette)


NETWORKS = Networks(None, paint_positions, None, "texture")


def test_each_vertex_has_the_colour_of_its_place():
    mesh = textured_mesh(CONFIG, NETWORKS, chair(), TEXTURE)
    assert mesh.is_watertight
    assert mesh.extents.max() == pytest.approx(100)
    # The same vertices in voxels; the cells' centres are at -1 to 1.
    vertices = closed_mesh(chair()[..., 0]).vertices
    expected = (vertices - 0.5) * 2 / 31 - 1
    found = mesh.visual.vertex_colors[:, :3] / 127.5 - 1
    error = np.linalg.norm(found - expected, axis=1)
    voxel = 2 / 31
    assert error.mean() < 0.5 * voxel
    assert np.quantile(error, 0.95) < voxel


def test_hidden_surfaces_do_not_get_the_colours_in_front_of_them():
    # The right half of an image is near and red, the left half far and blue.
    sketch = np.zeros((4, 4, 2), np.float32)
    sketch[..., 0] = 1
    sketch[:, 2:, 1], sketch[:, :2, 1] = 0.5, -0.5  # depths 1.5 and 2.5
    image = np.full((4, 4, 3), -1, np.float32)
    image[:, 2:, 0] = image[:, :2, 2] = 1
    places = np.array([[1, 3, 1.5], [1, 3, 2.5], [1, 0, 2.5], [1, 1.5, 2.5], [9, 9, 2]])
    colours, shares = colours_at(sketch, image, places, 0.1)
    np.testing.assert_allclose(shares, [1, 0, 1, 0.5, 0], atol=1e-6)
    np.testing.assert_allclose(colours[0], [1, -1, -1])
    # Between both, only the pixels of the own depth count.
    np.testing.assert_allclose(colours[2:4], [[-1, -1, 1], [-1, -1, 1]])


def test_the_front_is_seen_from_azimuth_0():
    np.testing.assert_allclose(camera_direction(0, 0), [-1, 0, 0], atol=1e-6)
    np.testing.assert_allclose(camera_direction(0, 90), [0, 0, 1], atol=1e-6)


def test_files_keep_the_colours(tmp_path, caplog):
    volumes = np.stack([chair(), np.zeros_like(chair())])
    textures = np.zeros((2, 3), np.float32)
    for format in ("glb", "ply"):
        paths = write_meshes(
            RunDir(tmp_path), CONFIG, NETWORKS, volumes, textures, format
        )
        assert [path.name for path in paths] == [f"object_0000.{format}"]
        assert "empty" in caplog.text  # the second shape
        unlit = b"KHR_materials_unlit" in paths[0].read_bytes()
        assert unlit == (format == "glb")
        # With a material, trimesh looks for colours in its picture only.
        mesh = trimesh.load_mesh(paths[0], process=False, skip_materials=True)
        assert mesh.is_watertight
        # In GLB, the second axis points up, in metres; its colours are shares of light.
        up = 1 if format == "glb" else 2
        assert mesh.extents.max() == pytest.approx(0.1 if format == "glb" else 100)
        blue = mesh.visual.vertex_colors[:, 2].astype(float)
        top = mesh.vertices[:, up] > np.quantile(mesh.vertices[:, up], 0.95)
        bottom = mesh.vertices[:, up] < np.quantile(mesh.vertices[:, up], 0.05)
        # The top is at 0.73 of [-1, 1], the bottom at -0.81.
        value = {"glb": (0.86**2.2, 0.1**2.2), "ply": (0.86, 0.1)}[format]
        assert blue[top].mean() / 255 == pytest.approx(value[0], abs=0.05)
        assert blue[bottom].mean() / 255 == pytest.approx(value[1], abs=0.05)


def test_a_keras_network_paints_a_surface():
    networks = NETWORKS._replace(texture_generator=build_texture_generator(CONFIG))
    mesh = textured_mesh(CONFIG, networks, chair().astype(np.float16), TEXTURE)
    assert mesh.visual.vertex_colors[:, :3].std(axis=0).min() > 1


def test_an_empty_shape_is_an_error():
    with pytest.raises(UserError, match="empty"):
        textured_mesh(CONFIG, NETWORKS, 0 * chair(), TEXTURE)
