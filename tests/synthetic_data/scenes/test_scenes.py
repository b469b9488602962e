"""Procedural scenes: statistics they share with photos, and their files."""

from pathlib import Path
from unittest.mock import Mock

import numpy as np
import programs
import pytest
from PIL import Image
from scipy import stats

from common.errors import UserError
from synthetic_data.drawing.canvas import SPAN, Canvas
from synthetic_data.scenes import patterns, strokes, write
from synthetic_data.scenes.backdrops import draw_backdrop, paste_face
from synthetic_data.scenes.leaves import (
    SHAPES,
    Palette,
    draw_leaf,
    outline,
    sample_radius,
)
from synthetic_data.scenes.patterns import PATTERNS, Grid, tilted_grid
from synthetic_data.scenes.write import MAX_SCENES, draw_scene, write_scenes


@pytest.fixture(scope="module")
def drawn() -> np.ndarray:
    """Return sixteen scenes, float64 (16, 128, 128, 3)."""
    return np.stack([draw_scene(i, seed=4, size=128) for i in range(16)]).astype(float)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Write a small set, which no test may change."""
    path = tmp_path_factory.mktemp("scenes") / "new"
    write_scenes(path, train=4, test=2, seed=3, size=32)
    return path


def rng(number: int = 0) -> np.random.Generator:
    return np.random.default_rng(number)


def grid(pixels: float, periods: int = 4) -> Grid:
    """Return the grid of a plane without tilt."""
    places = np.arange(0.5, periods * pixels) / pixels
    u, v = np.meshgrid(places, places)
    return Grid(u.astype(np.float32), v.astype(np.float32), pixels)


class White:
    """A palette of one colour."""

    def colour(self, rng: np.random.Generator) -> np.ndarray:
        return np.full(3, 255.0)


def test_a_scene_depends_on_its_number_and_the_seed():
    first = draw_scene(7, seed=1, size=48)
    assert (first.shape, first.dtype) == ((48, 48, 3), np.uint8)
    np.testing.assert_array_equal(first, draw_scene(7, seed=1, size=48))
    for other in (draw_scene(8, seed=1, size=48), draw_scene(7, seed=2, size=48)):
        assert np.abs(first.astype(float) - other).mean() > 10


def test_the_power_spectrum_falls_as_that_of_photos(drawn):
    """The radial power spectrum falls as f^-2 to f^-3 (white noise: f^0)."""
    window = np.outer(np.hanning(128), np.hanning(128))
    grey = drawn.mean(axis=-1)
    grey -= grey.mean(axis=(1, 2), keepdims=True)
    power = (np.abs(np.fft.fft2(grey * window)) ** 2).mean(axis=0)
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(128), np.fft.fftfreq(128)))
    rings = np.arange(2, 26) / 128
    means = [power[np.abs(frequency - ring) < 0.5 / 128].mean() for ring in rings]
    slope = np.polyfit(np.log(rings), np.log(means), 1)[0]
    assert -3.1 < slope < -1.9
    # There are details of all sizes, unlike in images out of focus.
    high = power[np.abs(frequency - 0.4) < 0.05].mean()
    assert high > 3e-5 * means[0]


def test_edges_are_rare_and_run_in_all_directions(drawn):
    grey = drawn.mean(axis=-1)
    across, down = np.diff(grey, axis=2)[:, 1:], np.diff(grey, axis=1)[:, :, 1:]
    assert stats.kurtosis(across.ravel()) > 6  # normal distribution: 0
    assert 0.7 < across.std() / down.std() < 1.4
    edges = np.hypot(across, down) > 40
    angles = np.arctan2(down, across)[edges] % np.pi
    counts = np.histogram(angles, 6, (0, np.pi))[0] / edges.sum()
    assert counts.min() > 0.05


def test_channels_are_correlated_but_not_grey(drawn):
    pixels = drawn.reshape(-1, 3).T
    together = np.corrcoef(pixels)
    assert 0.6 < together[0, 2] < together[0, 1] < 0.99
    assert 30 < drawn.std() < 80 and 80 < drawn.mean() < 160
    assert np.ptp(drawn, axis=-1).mean() > 10


def test_radii_have_no_scale():
    draw = rng(1)
    radii = [sample_radius(0.02, draw) for _ in range(4000)]

    def share_below(x: np.ndarray) -> np.ndarray:
        return (0.02**-2 - x**-2) / (0.02**-2 - 0.5**-2)

    assert stats.kstest(radii, share_below).pvalue > 0.01


@pytest.mark.parametrize("shape", SHAPES)
def test_outlines_have_a_radius_of_about_one(shape):
    outlines = [outline(rng(i), shape) for i in range(40)]
    away = np.array([np.hypot(*points.T).max() for points in outlines])
    assert 0.9 < away.mean() < 1.6 and away.max() < 2.2


@pytest.mark.parametrize("pattern", PATTERNS)
def test_textures_are_about_minus_one_to_one(pattern):
    for pixels in (3.0, 20.0, 200.0):
        field = pattern(grid(pixels), rng(2))
        assert field.shape == grid(pixels).u.shape
        assert np.isfinite(field).all() and field.std() > 0.05
        assert np.abs(field).mean() < 2
        np.testing.assert_array_equal(field, pattern(grid(pixels), rng(2)))


def test_stripes_have_one_band_in_each_period():
    draws = [patterns.stripes(grid(20.0, 6), rng(i)) for i in range(20)]
    straight = [d for d in draws if (d == d[:1]).all()]
    assert 3 < len(straight) < 17
    for row in (d[0] for d in straight):
        assert ((row[:-1] < 0) & (row[1:] >= 0)).sum() in (6, 7)


def test_a_chessboard_has_two_tones_and_a_tartan_three():
    """The middle tone of a tartan, where exactly one stripe is, covers a half."""
    fields = [patterns.checks(grid(40.0), rng(number)) for number in range(12)]
    middle = [(np.abs(field) < 0.5).mean() for field in fields]
    assert {share > 0.25 for share in middle} == {False, True}
    for share in middle:
        assert share < 0.1 or share == pytest.approx(0.5, abs=0.06)


def test_bars_of_a_lattice_cover_the_right_share():
    """Bars that cover a share s in both directions leave (1 - s)^2 free."""
    for number in range(5):
        share = rng(number).uniform(0.06, 0.3)
        field = patterns.lattice(grid(50.0, 20), rng(number))
        assert (field < 0).mean() == pytest.approx((1 - share) ** 2, abs=0.03)


def test_a_plane_without_tilt_is_only_rotated():
    canvas = Canvas(64)
    layer = canvas.mask(SPAN * np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]))
    angles = []
    for number in range(20):
        plane = tilted_grid(canvas, layer, 0.5, rng(number))
        places = plane.pixels * np.stack([plane.u, plane.v])
        right, down = np.diff(places, axis=2)[:, 1:], np.diff(places, axis=1)[..., 1:]
        length = np.hypot(*right)
        if np.ptp(length) > 1e-3:
            # The perspective never flips the plane.
            assert length.max() < 60 * length.min()
            continue
        np.testing.assert_allclose([length, np.hypot(*down)], 1, rtol=1e-3)
        np.testing.assert_allclose((right * down).sum(axis=0), 0, atol=1e-3)
        angles.append(np.arctan2(*right[:, 0, 0]))
    assert 4 < len(angles) < 16 and np.std(angles) > 0.3


def test_scenes_hold_leaves_of_all_depths(monkeypatch):
    calls = {}
    for name in ("draw_leaf", "_defocus", "_draw_thing"):
        calls[name] = Mock(wraps=getattr(write, name))
        monkeypatch.setattr(write, name, calls[name])
    for number in range(20):
        draw_scene(number, size=32)
    leaves, blurs, things = (call.call_count for call in calls.values())
    assert leaves > 200 and 3 < blurs < 20 < things < 60


@pytest.mark.parametrize("stroke", strokes.STROKES)
def test_strokes_have_no_rim_of_another_colour(stroke):
    """White and black strokes leave a white image white, grey or black."""
    for number in range(3):
        white, empty = Canvas(96), Canvas(96)
        white.image += 255
        stroke(white, White(), rng(number))
        assert -1 < white.image.min() and white.image.max() < 256
        if stroke.__name__ in ("draw_curves", "draw_wires", "draw_text"):
            assert white.image.min() > 253
        stroke(empty, White(), rng(number))
        assert 0.002 < (empty.image > 60).mean() < 0.95


def test_backdrops_cover_the_whole_image():
    kinds = set()
    for number in range(12):
        pictures = []
        for start in (0, 200):
            canvas = Canvas(64)
            canvas.image += start
            draw = rng(number)
            kinds.add(draw_backdrop(canvas, Palette(draw), draw))
            pictures.append(canvas.image)
        np.testing.assert_allclose(*pictures, atol=1e-3)
    assert len(kinds) == 3


def test_leaves_and_faces_change_a_part_of_the_image():
    shares = []
    for number in range(12):
        canvas, draw = Canvas(64), rng(number)
        canvas.image += 300
        draw_leaf(canvas, Palette(draw), 0.2, draw)
        shares.append((np.abs(canvas.image - 300) > 1).any(axis=0).mean())
    assert 0.02 < np.mean(shares) < 0.25
    canvas = Canvas(64)
    paste_face(canvas, Palette(rng(1)), rng(1))
    assert 0.03 < (canvas.image > 0).any(axis=0).mean() < 0.9


def test_written_scenes_equal_drawn_scenes(folder):
    for split, first, count in (("train", 0, 4), ("test", MAX_SCENES, 2)):
        files = sorted((folder / split).iterdir())
        assert [f.name for f in files] == [f"{i:05d}.png" for i in range(count)]
        for i, file in enumerate(files):
            scene = draw_scene(first + i, seed=3, size=32)
            np.testing.assert_array_equal(np.asarray(Image.open(file)), scene)
    assert [p.name for p in folder.parent.iterdir()] == ["new"]


def test_a_complete_set_is_kept(folder, monkeypatch):
    before = {p: p.stat().st_mtime_ns for p in folder.rglob("*")}
    monkeypatch.delattr(write, "draw_scene")
    write_scenes(folder, 4, 2, seed=3, size=32)
    assert before == {p: p.stat().st_mtime_ns for p in folder.rglob("*")}


@pytest.mark.parametrize("arguments", [(5, 2, 3), (4, 1, 3), (4, 2, 4)])
def test_other_scenes_are_not_overwritten(folder, arguments):
    with pytest.raises(UserError, match="already holds other files"):
        write_scenes(folder, *arguments, size=32)


def test_other_files_or_an_incomplete_set_are_not_overwritten(tmp_path, folder):
    with pytest.raises(UserError, match="already holds other files"):
        write_scenes(folder / "synthetic.json", 4, 2)
    write_scenes(tmp_path / "new", 1, 1, size=32)
    (tmp_path / "new" / "test" / "00000.png").unlink()
    with pytest.raises(UserError, match="already holds other files"):
        write_scenes(tmp_path / "new", 1, 1, size=32)


def test_a_set_that_another_process_has_written_meanwhile_is_kept(
    tmp_path, monkeypatch
):
    real = write.draw_scene

    def overtaken(*arguments, **options):
        monkeypatch.setattr(write, "draw_scene", real)
        write_scenes(tmp_path / "new", 2, 1, size=32)
        return real(*arguments, **options)

    monkeypatch.setattr(write, "draw_scene", overtaken)
    write_scenes(tmp_path / "new", 2, 1, size=32)
    assert len(list(tmp_path.glob("new/*/*.png"))) == 3
    assert [p.name for p in tmp_path.iterdir()] == ["new"]


def test_several_processes_draw_the_same(tmp_path):
    lines = f"""\
from synthetic_data.scenes.write import write_scenes
write_scenes({str(tmp_path / "new")!r}, 12, 2, size=32)
"""
    status, errors = programs.end(programs.start(tmp_path, lines), timeout=120)
    assert status == 0, errors
    assert len(list(tmp_path.glob("new/train/*.png"))) == 12
    found = np.asarray(Image.open(tmp_path / "new" / "test" / "00001.png"))
    np.testing.assert_array_equal(found, draw_scene(MAX_SCENES + 1, size=32))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"train": 0}, "train: expected 1 to 100,000, found 0"),
        ({"test": 100_001}, "test: expected 1 to 100,000, found 100001"),
        ({"seed": -1}, "seed: expected a whole number from 0, found -1"),
        ({"size": 31}, "size: expected 32 to 512 pixels, found 31"),
        ({"size": 513}, "found 513"),
    ],
)
def test_wrong_arguments(tmp_path, arguments, words):
    with pytest.raises(UserError, match=words):
        write_scenes(tmp_path / "new", **arguments)
    assert not list(tmp_path.iterdir())


def test_a_negative_number_of_a_scene_is_refused():
    with pytest.raises(UserError, match="number: expected a whole number from 0"):
        draw_scene(-1)
