"""Toys that turn, and stereo pairs in depth."""

import re
from pathlib import Path

import numpy as np
import pytest
from command_lines import call
from norb_runs import make_run
from PIL import Image, ImageSequence

from common.images.pixels import to_bytes
from common.images.reading import read_image
from common.training.run_dir import RunDir
from study_norb import viewpoints
from study_norb.camera_images import anaglyphs, side_by_side
from study_norb.commands import CHAPTER
from study_norb.generation import sample
from study_norb.viewpoints import draw_turned, stereo, turntable


@pytest.fixture(scope="module")
def posed(tmp_path_factory) -> RunDir:
    """Return a run of stereo pairs with poses."""
    folder = tmp_path_factory.mktemp("runs") / "posed"
    return make_run(folder, labels="pose", cameras="stereo")


def turned(run: RunDir, monkeypatch, **options: object) -> np.ndarray:
    """Return the images that `turntable` draws, uint8 (N, F, S, S)."""
    drawn = []

    def draw(made, azimuths, names):
        drawn.append((made[..., 0], azimuths, names))
        return draw_turned(made, azimuths, names)

    monkeypatch.setattr(viewpoints, "draw_turned", draw)
    turntable(run, **options)
    return drawn[0]


def test_a_toy_turns_and_nothing_else_changes(posed, tmp_path, monkeypatch):
    """The generator paints the label that it gets: 5 classes, 6 numbers, 1, 6."""
    made, azimuths, names = turned(
        posed,
        monkeypatch,
        count=6,
        elevation=60.0,
        lighting=2,
        frames=8,
        out=tmp_path,
    )
    assert made.shape == (6, 8, 48, 48)
    assert azimuths.tolist() == [0, 45, 90, 135, 180, 225, 270, 315]
    assert names == ["animal", "human", "airplane", "truck", "car", "animal"]
    label = made[:, :, 0]
    half = np.sqrt(0.5)
    for column, values in (
        (5, [1, half, 0, -half, -1, -half, 0, half]),  # cosine of the azimuth
        (8, [0, half, 1, half, 0, -half, -1, -half]),  # sine
        (11, [0.5] * 8),  # 60 degrees, of 30 to 70
        (14, [1] * 8),  # lighting 2
        (15, [0] * 8),
    ):
        expected = to_bytes(np.array(values))
        assert np.abs(label[:, :, column].astype(int) - expected).max() <= 1
    assert label[:, :, :5].argmax(axis=2)[:, 0].tolist() == [0, 1, 2, 3, 4, 0]
    constant = np.delete(made.reshape(6, 8, -1), np.s_[5:11], axis=2)
    assert (constant == constant[:, :1]).all()
    # Toys have latents of their own.
    assert len(set(made[:, 0, 1, 0].tolist())) > 3


def test_all_toys_may_be_of_one_class(posed, tmp_path, monkeypatch):
    _, _, names = turned(posed, monkeypatch, count=2, class_name="car", out=tmp_path)
    assert names == ["car", "car"]


@pytest.mark.parametrize(("frames", "views"), [(18, 18), (36, 18), (5, 5)])
def test_the_sheet_shows_a_whole_turn(frames, views):
    made = np.zeros((2, frames, 48, 48, 1), np.uint8)
    made += (7 * np.arange(frames, dtype=np.uint8))[:, None, None, None]
    picture = draw_turned(made, np.arange(frames) * 360 / frames, ["car", "car"])
    tile = picture[-3, -(views * 98) :: 98, 0][:views]
    expected = 7 * np.arange(frames)[:: max(1, frames // 18)]
    np.testing.assert_array_equal(tile, expected)


def test_the_gif_turns_without_a_pause(posed, tmp_path):
    paths = turntable(posed, count=2, frames=6, out=tmp_path)
    assert [path.name for path in paths] == ["turntable.png", "turntable.gif"]
    with Image.open(paths[1]) as gif:
        times = [frame.info["duration"] for frame in ImageSequence.Iterator(gif)]
        assert times == [100] * 6 and gif.info["loop"] == 0
        # Two toys of 288 pixels, with gaps of 10.
        assert gif.size == (2 * 298 + 10, 298 + 10)


def test_anaglyphs_are_red_from_the_left_and_cyan_from_the_right():
    pair = np.array([[[[10, 20], [30, 40]]]], np.uint8)
    expected = [[[[10, 20, 20], [30, 40, 40]]]]
    np.testing.assert_array_equal(anaglyphs(pair), expected)
    np.testing.assert_array_equal(side_by_side(pair)[0, 0, :, 0], [10, 30, 20, 40])


def test_pairs_are_drawn_in_depth(tmp_path):
    run = make_run(tmp_path / "run", cameras="stereo")
    anaglyph, wiggle = stereo(run, count=3, out=tmp_path)
    pairs = sample(run, 3)
    tile = read_image(anaglyph)[10 : 10 + 288 : 6, 10 : 10 + 288 : 6]
    np.testing.assert_array_equal(tile, pairs[0][..., [0, 1, 1]])
    with Image.open(wiggle) as gif:
        frames = [np.array(f.convert("L")) for f in ImageSequence.Iterator(gif)]
        times = [frame.info["duration"] for frame in ImageSequence.Iterator(gif)]
    assert times == [180, 180]
    for camera, frame in enumerate(frames):
        tile = frame[10 : 10 + 288 : 6, 10 : 10 + 288 : 6]
        np.testing.assert_array_equal(tile, pairs[0][..., camera])


def test_the_same_seed_writes_the_same_files(posed, tmp_path):
    def written(name: str, seed: int) -> list[bytes]:
        options = {"count": 2, "seed": seed, "out": tmp_path / name}
        paths = [*turntable(posed, frames=3, **options), *stereo(posed, **options)]
        return [path.read_bytes() for path in paths]

    first, again, other = written("a", 1), written("b", 1), written("c", 2)
    assert first == again
    assert all(one != two for one, two in zip(first, other, strict=True))


@pytest.mark.parametrize(
    ("options", "words", "message"),
    [
        ({}, "turntable", "has --labels none; train one with --labels pose"),
        ({"labels": "class"}, "turntable", "has --labels class; train one with"),
        ({}, "stereo", "has --cameras left; train one with --cameras stereo"),
        (None, "turntable --count 65", "--count must be from 1 to 64, found 65"),
        (None, "turntable --frames 1", "--frames must be from 2 to 60, found 1"),
        (None, "turntable --elevation 20", "--elevation must be from 30 to 70, found"),
        (None, "turntable --elevation nan", "--elevation must be from 30 to 70, found"),
        (None, "turntable --lighting 6", "seen, 0, 1, 2, 3, 4, 5; found 6"),
        (None, "turntable --class-name cat", "--class-name must be one of animal"),
        (None, "stereo --count 0", "--count must be from 1 to 64, found 0"),
    ],
)
def test_each_mistake_gives_its_line(posed, tmp_path, options, words, message):
    run = posed if options is None else make_run(tmp_path / "run", **options)
    command, *rest = words.split()
    done = call(CHAPTER, command, "--run-dir", run.path, *rest)
    assert done.returncode == 2 and len(done.stderr.strip().splitlines()) == 1
    assert re.match(f"error: .*{message}", done.stderr), done.stderr


def test_the_command_line_writes_into_the_folder_of_the_run(posed):
    for command in ("turntable", "stereo"):
        done = call(CHAPTER, command, "--run-dir", posed.path, "--count", 1)
        assert done.returncode == 0, done.stderr
    names = {path.name for path in Path(posed.path).iterdir()}
    assert names >= {"turntable.png", "turntable.gif", "anaglyph.png", "wiggle.gif"}
