"""Pictures of voxel shapes, sheets of them and the offline page."""

import base64
import json
import re
import time

import numpy as np
import pytest
import trimesh

from common.errors import UserError
from common.shapes.rendering import render_grid, render_rows, render_voxels, turntable
from common.shapes.shading import PAPER, draw_surface, place_camera
from common.shapes.surface import covered_pixels, smooth_surface
from common.shapes.viewer import write_viewer


def chair(size: int = 32) -> np.ndarray:
    """Return a chair with legs one voxel thick; it faces -axis 0."""
    shape = np.zeros((32, 32, 32), bool)
    shape[8:24, 8:24, 14:17] = True
    shape[22:24, 8:24, 14:30] = True
    for x in (8, 23):
        for y in (8, 23):
            shape[x, y, 2:14] = True
    return shape.repeat(size // 32, 0).repeat(size // 32, 1).repeat(size // 32, 2)


def painted(picture: np.ndarray) -> np.ndarray:
    """Return the pixels of the shape: blue, while paper and shadow are nearly grey."""
    return picture[..., 2].astype(int) - picture[..., 0] > 40


def test_picture_is_uint8_on_light_paper():
    picture = render_voxels(chair(), image_size=97)
    assert picture.shape == (97, 97, 3) and picture.dtype == np.uint8
    assert tuple(picture[0, 0]) == PAPER
    assert 0.1 < painted(picture).mean() < 0.7


def test_default_view_is_from_the_front_above_and_the_side():
    # The same view with explicit angles; the front is -axis 0, the side -axis 1.
    assert np.array_equal(
        render_voxels(chair()), render_voxels(chair(), azimuth=215, elevation=25)
    )
    right, up, back = place_camera(chair(), 215, 25, 10).axes
    assert back[0] < -0.5 and -0.9 < back[1] < -0.2 and back[2] > 0.3
    assert np.allclose(np.cross(right, up), back)
    assert right[2] == 0 and up[2] > 0.8


@pytest.mark.parametrize("size", [32, 64])
def test_a_column_of_one_voxel_is_one_unbroken_stroke(size):
    shape = np.zeros((size,) * 3, bool)
    shape[size // 2, size // 2, :] = True
    picture = painted(render_voxels(shape, image_size=320, elevation=0))
    rows = np.flatnonzero(picture.any(axis=1))
    assert np.array_equal(rows, np.arange(rows[0], rows[-1] + 1))
    assert len(rows) > 0.8 * 320
    # About one voxel wide: 320 / 1.12 pixels show `size` voxels.
    width = picture.sum() / len(rows) / (320 / 1.12 / size)
    assert 0.5 < width < 1.5


def test_orientation_of_the_picture():
    # One voxel above, one to the viewer's right: seen along -axis 0, axis 1 points
    # to the right.
    shape = np.zeros((16, 16, 16), bool)
    shape[8, 4, 4] = shape[8, 12, 4] = shape[8, 12, 12] = True
    rows, columns = np.nonzero(
        painted(render_voxels(shape, azimuth=0, elevation=0, image_size=120))
    )
    above, right = rows < 60, columns > 60
    assert (above & right).any() and (~above & right).any() and (~above & ~right).any()
    assert not (above & ~right).any()


def test_the_nearest_surface_hides_what_is_behind():
    far = np.zeros((16, 16, 16), bool)
    far[3:6, 5:11, 5:11] = True
    both = far.copy()
    both[12:14, 3:13, 3:13] = True  # a larger plate between it and the viewer
    view = {"azimuth": 0, "elevation": 0, "frame": np.ones_like(far)}
    plate = both & ~far
    assert np.array_equal(render_voxels(both, **view), render_voxels(plate, **view))


def test_lit_side_is_lighter_than_the_other():
    ball = np.linalg.norm(np.indices((32,) * 3) - 15.5, axis=0) < 12
    picture = render_voxels(ball, elevation=0, image_size=100).astype(int).sum(axis=2)
    assert picture[35, 35] > picture[65, 65] + 60  # the lamp is at the upper left


def test_an_empty_shape_gives_the_word_empty():
    picture = render_voxels(np.zeros((8, 8, 8)), image_size=120)
    assert picture.shape == (120, 120, 3)
    ink = (picture != PAPER).any(axis=2)
    assert 50 < ink.sum() < 2000
    assert ink[50:70].sum() == ink.sum()


def test_odd_shapes_do_not_fail():
    rng = np.random.default_rng(0)
    for share in (0.01, 0.5, 1.0):
        noise = rng.random((32, 32, 32)) < share
        assert painted(render_voxels(noise, image_size=64)).any()
    for elevation in (-90, 0, 90):
        assert painted(render_voxels(chair(), image_size=64, elevation=elevation)).any()
    corner = np.zeros((32, 32, 32), bool)
    corner[0, 0, 0] = True
    assert render_voxels(chair(), frame=corner, image_size=64).shape == (64, 64, 3)


def test_threshold_and_bool_agree():
    soft = np.where(chair(), 0.7, 0.3)
    expected = render_voxels(chair(), image_size=64)
    assert np.array_equal(render_voxels(soft, image_size=64), expected)
    lower = render_voxels(soft, image_size=64, threshold=0.2)
    assert not np.array_equal(lower, expected)
    assert (render_voxels(soft, image_size=64, threshold=0.8) == PAPER).mean() > 0.9


@pytest.mark.parametrize("wrong", [{"image_size": 4}, {"elevation": 95.0}])
def test_wrong_options_end_in_one_line(wrong):
    with pytest.raises(UserError, match="expected .* found"):
        render_voxels(chair(), **wrong)


def test_grid_layout_and_common_scale():
    small = np.zeros((32, 32, 32), bool)
    small[14:18, 14:18, 14:18] = True
    sheet = render_grid(np.stack([small, chair(), small]), columns=2, image_size=80)
    assert sheet.shape == (2 + 2 * 82, 2 + 2 * 82, 3)
    assert (sheet[90:, 90:] == 255).all()  # the fourth cell stays empty
    alone = painted(render_voxels(small, image_size=80)).sum()
    assert painted(sheet[:82, :82]).sum() < 0.3 * alone


def test_sheet_text_takes_room_and_is_drawn():
    shapes = np.stack([chair()] * 2)
    plain = render_grid(shapes, columns=2, image_size=64)
    named = render_grid(
        shapes, columns=2, image_size=64, labels=["a", "b"], title="two"
    )
    assert named.shape[0] > plain.shape[0] and named.shape[1] == plain.shape[1]
    assert (named[:20] < 128).any()
    rows = [("sample", shapes), ("nearest", shapes[:1])]
    sheet = render_rows(rows, column_labels=["1", "2"], image_size=64)
    assert sheet.shape[1] > plain.shape[1]
    assert (sheet[30:, :20] < 128).any()
    with pytest.raises(ValueError, match="1 labels for 2 shapes"):
        render_grid(shapes, labels=["a"])


def test_a_turntable_makes_a_full_turn():
    pictures = turntable(chair(), 4, image_size=48, azimuth=10)
    assert len(pictures) == 4
    assert np.array_equal(
        pictures[0], render_voxels(chair(), image_size=48, azimuth=10)
    )
    assert not np.array_equal(pictures[0], pictures[2])


def test_drawing_is_quick_and_repeatable():
    render_voxels(chair(64))
    start = time.process_time()
    pictures = [render_voxels(chair(64)) for _ in range(5)]
    assert (time.process_time() - start) / 5 < 1.0  # goal 0.15; leaves room for CI
    assert np.array_equal(pictures[0], pictures[4])


def test_covered_pixels_by_hand():
    # A right triangle with legs of 4 covers the centres (0.5, 1.5, 2.5, 3.5) with
    # x + y <= 4, including those on the diagonal.
    triangles = np.array([[[0, 0], [4, 0], [0, 4]], [[9, 9], [9, 9], [9, 9]]], float)
    face, x, y, weights = next(covered_pixels(triangles, 5, 5))
    expected = {(i, j) for i in range(4) for j in range(4) if i + j + 1 <= 4}
    assert set(zip(x.tolist(), y.tolist(), strict=True)) == expected
    assert len(x) == len(expected) and not face.any()
    position = weights @ triangles[0]
    assert np.allclose(position, np.stack([x, y], 1) + 0.5)


def test_covered_pixels_chunks_and_clips():
    triangles = np.random.default_rng(1).uniform(-5, 25, (40, 3, 2))
    whole = [
        np.concatenate(a)
        for a in zip(*list(covered_pixels(triangles, 20, 15)), strict=True)
    ]
    parts = list(covered_pixels(triangles, 20, 15, chunk=50))
    assert len(parts) > 5
    for joined, part in zip(whole, zip(*parts, strict=True), strict=True):
        assert np.array_equal(joined, np.concatenate(part))
    assert whole[1].max() < 20 and whole[2].max() < 15 and whole[1].min() >= 0


def test_draw_surface_colours_only_the_shape():
    shape = chair()
    camera = place_camera(shape, 200, 20, 60)
    picture = np.ones((60, 60, 3))
    draw_surface(picture, shape, smooth_surface(shape), camera, (1.0, 0.0, 0.0))
    changed = (picture != 1).any(axis=2)
    assert 0.1 < changed.mean() < 0.7
    assert (picture[changed][:, 0] > picture[changed][:, 1]).all()


def read_page(path) -> tuple[str, list[dict]]:
    """Return a page and the shapes in it."""
    page = path.read_text(encoding="utf-8")
    data = re.search(r'<script id="shapes"[^>]*>(.*?)</script>', page, re.S)
    return page, json.loads(data[1])


def decode(text: str, kind: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), kind)


def test_page_holds_the_geometry(tmp_path):
    path = tmp_path / "chairs.html"
    box = trimesh.creation.box((4, 2, 1))
    write_viewer(path, [chair(), box, np.zeros((8, 8, 8))], labels=["a", "b", "c"])
    _, (first, second, third) = read_page(path)
    surface = smooth_surface(chair())
    assert first["vertices"] == len(surface.vertices)
    points = decode(first["points"], "<u2").reshape(-1, 4)[:, :3]
    scale = np.ptp(surface.vertices, axis=0).max() / 65535
    found = points * scale + surface.vertices.min(axis=0)
    assert np.abs(found - surface.vertices).max() < 1e-3
    assert np.array_equal(
        decode(first["faces"], "<u2").reshape(-1, 3), surface.faces.astype(int)
    )
    normals = decode(first["normals"], "i1").reshape(-1, 4)
    assert np.abs(normals[:, :3] / 127 - surface.normals).max() < 0.01
    assert second["size"] == [1.0, 0.5, 0.25] and second["triangles"] == 12
    assert third["triangles"] == 0
    assert [shape["label"] for shape in (first, second, third)] == ["a", "b", "c"]


def test_sliders_lead_from_a_shape_to_others(tmp_path):
    low, high = np.zeros((2, 8, 8, 8), bool)
    low[2:6, 2:6, 2:4], high[2:6, 2:6, 2:7] = True, True
    walks = [{"height": [low, None, high]}, {}]
    write_viewer(tmp_path / "page.html", [chair(), low], walks=walks)
    _, (first, second) = read_page(tmp_path / "page.html")
    (walk,) = first["walks"]
    assert walk["name"] == "height" and walk["shapes"][1] is None
    assert [walk["shapes"][i]["size"][2] for i in (0, 2)] == [second["size"][2], 1.0]
    assert second["walks"] == []
    with pytest.raises(ValueError, match="odd number of shapes, found 2"):
        write_viewer(tmp_path / "page.html", [low], walks=[{"height": [low, high]}])
    with pytest.raises(ValueError, match="walks of 2 shapes for 1 shapes"):
        write_viewer(tmp_path / "page.html", [low], walks=walks)


def test_page_is_offline_and_escaped(tmp_path):
    path = tmp_path / "page.html"
    name = "</script><script>alert(1)</script>"
    write_viewer(path, [chair()], labels=[name], title="<b>& {{shapes}}")
    page, (shape,) = read_page(path)
    assert shape["label"] == name
    assert name not in page and "<b>" not in page
    assert "&lt;b&gt;&amp; {{shapes}}</title>" in page
    assert not re.search(r"https?:|//[a-z]+\.|@import|\bsrc=\"(?!data:)", page)
    assert "default-src 'none'" in page


def test_wrong_arguments_of_the_page_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"ends in \.html, found page\.htm"):
        write_viewer(tmp_path / "page.htm", [chair()])
    with pytest.raises(UserError, match="at least one shape"):
        write_viewer(tmp_path / "page.html", [])
    assert not list(tmp_path.iterdir())


def test_large_shape_gets_wide_indices(tmp_path):
    noise = np.random.default_rng(0).random((40, 40, 40)) < 0.3
    write_viewer(tmp_path / "noise.html", [noise])
    _, (shape,) = read_page(tmp_path / "noise.html")
    assert shape["wide"] and shape["vertices"] > 65536
    faces = decode(shape["faces"], "<u4")
    assert len(faces) == 3 * shape["triangles"] and faces.max() == shape["vertices"] - 1
