"""Pictures through an encoder and back."""

import re
from pathlib import Path

import numpy as np
import pytest
from command_lines import call
from norb_runs import make_run
from pictures import noise, saved

from common.errors import PathsLeftOut
from common.images.pixels import to_floats
from common.images.reading import read_image
from common.training.run_dir import RunDir
from study_norb.camera_images import read_picture
from study_norb.commands import CHAPTER
from study_norb.config import Config
from study_norb.reconstruction import absolute_errors, reconstruct


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> RunDir:
    """Return a run whose networks turn images into squares of their mean grey."""
    return make_run(tmp_path_factory.mktemp("runs") / "run", model="aegan")


def levels(seed: int) -> np.ndarray:
    """Return random grey levels of 4 x 4 squares, uint8 (4, 4)."""
    return np.random.default_rng(seed).integers(20, 236, (4, 4), np.uint8)


def enlarged(small: np.ndarray, times: int = 12) -> np.ndarray:
    return small.repeat(times, axis=0).repeat(times, axis=1)


def test_errors_are_means_of_absolute_differences():
    images = np.full((2, 2, 2, 1), 100, np.uint8)
    again = images.copy()
    again[0, 0, 0], again[1, 0] = 104, 90
    np.testing.assert_allclose(absolute_errors(images, again), [1, 5])


def test_latents_and_reconstructions(run, tmp_path):
    squares = levels(0)
    # The second picture has a border of 6 in each square, which averages out.
    uneven = enlarged(squares).astype(int)
    uneven[::2] += 6
    uneven[1::2] -= 6
    paths = [
        saved(enlarged(squares), tmp_path / "in" / "a.png"),
        saved(uneven.astype(np.uint8), tmp_path / "in" / "b.png"),
    ]
    files = reconstruct(run, images=paths, out=tmp_path / "out")
    names = ["reconstruction.png", "latents.npy", "a.png", "b.png"]
    assert [path.name for path in files] == names
    latents = np.load(files[1])
    assert latents.dtype == np.float32
    expected = to_floats(squares).ravel()
    np.testing.assert_allclose(latents, [expected, expected], atol=1e-5)
    for path in files[2:]:
        again = read_image(path)[..., 0]
        np.testing.assert_array_equal(again, enlarged(squares, 36))


def test_the_sheet_shows_images_above_reconstructions(run, tmp_path):
    paths = [
        saved(enlarged(levels(n)), tmp_path / "in" / f"{n:02}.png") for n in range(12)
    ]
    picture = read_image(reconstruct(run, images=paths, out=tmp_path / "out")[0])
    # Two rows of ten and two of two; tiles of 144 pixels, gaps of 3, captions of 22.
    step = 144 + 3 + 22
    assert (picture.shape[0] - 3) == 4 * step
    left = picture.shape[1] - 10 * 147
    for number in (0, 9, 11):
        x = left + number % 10 * 147
        for row in (0, 1):
            y = 3 + (number // 10 * 2 + row) * step
            tile = picture[y : y + 144 : 3, x : x + 144 : 3, 0]
            np.testing.assert_array_equal(tile, enlarged(levels(number)))


def test_the_mean_error_is_reported(run, tmp_path, caplog):
    """Rows of 0 and 100 become 50."""
    picture = np.zeros((48, 48), np.uint8)
    picture[::2] = 100
    path = saved(picture, tmp_path / "in" / "a.png")
    with caplog.at_level("INFO"):
        reconstruct(run, images=[path], out=tmp_path / "out")
    assert "mean absolute error of 1 reconstructions: 50.0 of 255" in caplog.text


def test_pictures_become_grey_and_square(tmp_path):
    config = Config()
    colours = np.zeros((96, 200, 3), np.uint8)
    colours[:, 52:148] = (10, 20, 60)  # the largest square in the middle
    image = read_picture(saved(colours, tmp_path / "a.png"), config)
    assert image.shape == (48, 48, 1) and image.dtype == np.uint8
    assert (image[:, 1:-1] == 30).all()


def test_pairs_are_read_from_pictures_twice_as_wide_as_high(tmp_path):
    config = Config(cameras="stereo")
    both = np.zeros((48, 96), np.uint8)
    both[:, 48:] = 200
    image = read_picture(saved(both, tmp_path / "pair.png"), config)
    assert image.shape == (48, 48, 2)
    assert (image[..., 0] == 0).all() and (image[..., 1] == 200).all()
    one = read_picture(saved(both[:, :48], tmp_path / "one.png"), config)
    assert one.shape == (48, 48, 2) and (one == 0).all()


def test_stereo_runs_write_pairs(tmp_path):
    run = make_run(tmp_path / "run", model="aegan", cameras="stereo")
    pair = np.concatenate([enlarged(levels(1)), enlarged(levels(2))], axis=1)
    files = reconstruct(run, images=[saved(pair, tmp_path / "in" / "pair.png")])
    assert files[0].parent == run.path / "reconstructed"
    np.testing.assert_array_equal(read_image(files[2])[::3, ::3, 0], pair)


def test_folders_are_read_and_damaged_files_left_out(run, tmp_path, caplog):
    folder = tmp_path / "in"
    for name in ("a.png", "b.jpg"):
        saved(noise(0, 60, 50), folder / name)
    (folder / "c.png").write_text("no image")
    files = reconstruct(run, images=[folder], out=tmp_path / "out")
    assert isinstance(files, PathsLeftOut)
    assert [path.name for path in files[2:]] == ["a.png", "b.png"]
    assert "left out: " in caplog.text and "1 of 3 images were left out" in caplog.text
    assert len(np.load(files[1])) == 2


@pytest.mark.parametrize(
    ("options", "words", "message"),
    [
        ({}, "a.png", "the run in .* is a dcgan; train one with --model aegan"),
        ({"model": "capsgan"}, "a.png", "is a capsgan; train one with --model aegan"),
        ({"model": "aegan", "terms": "gan"}, "a.png", "--terms gan, which trains none"),
        ({"model": "aegan"}, "nowhere.png", "nowhere.png: "),
        ({"model": "aegan"}, "empty", "no images"),
        ({"model": "aegan"}, "a.png --out .", "a.png would be replaced .*--out"),
    ],
)
def test_each_mistake_gives_its_line(tmp_path, options, words, message):
    run = make_run(tmp_path / "run", **options)
    saved(noise(0, 60, 50), tmp_path / "a.png")
    (tmp_path / "empty").mkdir()
    words = ["reconstruct", "--run-dir", run.path, *words.split()]
    done = call(CHAPTER, *words, cwd=tmp_path)
    assert done.returncode == 2 and len(done.stderr.strip().splitlines()) == 1
    assert re.match(f"error: .*{message}", done.stderr), done.stderr


def test_the_command_line_takes_several_pictures(run, tmp_path):
    names = ["a.png", "b.png"]
    for seed, name in enumerate(names):
        saved(noise(seed, 60, 50), tmp_path / name)
    words = ["reconstruct", "--run-dir", run.path, "--out", tmp_path / "out", *names]
    done = call(CHAPTER, *words, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "mean absolute error of 2 reconstructions" in done.stderr
    assert {path.name for path in Path(tmp_path / "out").iterdir()} >= set(names)
