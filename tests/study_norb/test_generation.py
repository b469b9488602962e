"""New toys: their labels, their files, and walks between latents and images."""

import re
from pathlib import Path

import numpy as np
import pytest
from command_lines import call
from norb_runs import make_run
from PIL import Image

from common.errors import UserError
from common.gan.latents import sample_latents
from common.images.pixels import to_bytes
from common.images.reading import read_image
from common.training.network_files import save_network
from common.training.run_dir import RunDir
from study_norb import generation
from study_norb.commands import CHAPTER
from study_norb.config import NAME, Config
from study_norb.generation import generate, interpolate, random_labels, sample
from study_norb.networks import build_generator


def painted_classes(images: np.ndarray, kinds: int = 5) -> list[int]:
    """Return the classes of which `label_painter` was asked for images."""
    return images[:, 0, :kinds, 0].argmax(axis=1).tolist()


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def plain(folder) -> RunDir:
    """Return a run without labels."""
    return make_run(folder / "plain")


@pytest.fixture(scope="module")
def labelled(folder) -> RunDir:
    """Return a run with classes."""
    return make_run(folder / "labelled", labels="class")


@pytest.fixture(scope="module")
def stereo(folder) -> RunDir:
    """Return a run of stereo pairs without labels."""
    return make_run(folder / "stereo", cameras="stereo")


@pytest.fixture(scope="module")
def aegan(folder) -> RunDir:
    """Return a run with an encoder."""
    return make_run(folder / "aegan", model="aegan")


def blocks(levels: list[int]) -> np.ndarray:
    """Return an image of 4 x 4 squares of grey levels, uint8 (48, 48)."""
    return np.kron(np.array(levels).reshape(4, 4), np.ones((12, 12))).astype(np.uint8)


def saved_blocks(path: Path, first: int) -> tuple[Path, np.ndarray]:
    """Write such an image of 16 levels from `first` on."""
    image = blocks(list(range(first, first + 80, 5)))
    Image.fromarray(image).save(path)
    return path, image


def test_samples_are_those_of_the_latents(plain):
    made = sample(plain, 3, seed=5)
    assert made.shape == (3, 48, 48, 1) and made.dtype == np.uint8
    latents = sample_latents(plain.read_config(Config), 3, 5)
    expected = to_bytes(latents).reshape(3, 4, 4)
    np.testing.assert_array_equal(made[:, ::12, ::12, 0], expected)


def test_classes_come_in_turn(labelled):
    assert painted_classes(sample(labelled, 12)) == [0, 1, 2, 3, 4] * 2 + [0, 1]
    assert painted_classes(sample(labelled, 3, class_name="truck")) == [3, 3, 3]


def test_the_number_of_a_class_is_its_place_among_the_classes_of_the_run(tmp_path):
    run = make_run(tmp_path / "run", labels="class", classes=("car", "animal"))
    assert painted_classes(sample(run, 5), 2) == [0, 1, 0, 1, 0]
    assert painted_classes(sample(run, 2, class_name="animal"), 2) == [1, 1]


def test_random_poses_are_those_of_the_data():
    config = Config(labels="pose")
    labels = random_labels(config, 3000, 1)
    assert sorted(set(labels.azimuths)) == list(range(0, 360, 20))
    assert sorted(set(labels.elevations)) == list(range(30, 75, 5))
    assert sorted(set(labels.lightings)) == list(range(6))
    assert np.bincount(labels.classes).tolist() == [600] * 5
    again, other = random_labels(config, 3000, 1), random_labels(config, 3000, 2)
    for part, same, differs in zip(labels, again, other, strict=True):
        np.testing.assert_array_equal(part, same)
        assert part is labels.classes or not np.array_equal(part, differs)


@pytest.mark.parametrize("labels", ["none", "class", "pose"])
def test_the_networks_of_the_study_make_pairs(tmp_path, labels):
    config = Config(filters=2, latent_dim=4, cameras="stereo", labels=labels)
    run = RunDir(tmp_path, NAME)
    run.write_config(config)
    save_network(build_generator(config), run.generator)
    assert sample(run, 6).shape == (6, 48, 48, 2)


def test_each_column_of_the_sheet_has_one_class(labelled, tmp_path):
    """64 toys would make 8 columns; 10 are the next number that 5 divides."""
    picture = read_image(generate(labelled, count=64, out=tmp_path)[0])
    # Images are drawn at twice their size, with gaps of 3 pixels.
    assert picture.shape == (7 * 99 + 3, 10 * 99 + 3, 3)
    one = read_image(generate(labelled, count=64, class_name="car", out=tmp_path)[0])
    assert one.shape == (8 * 99 + 3, 8 * 99 + 3, 3)


def test_files_of_pairs_show_left_and_right_beside_each_other(stereo, tmp_path):
    made = sample(stereo, 3, seed=2)
    sheet, *singles = generate(stereo, count=3, seed=2, out=tmp_path / "png")
    assert len(singles) == 3
    picture = read_image(singles[1])[..., 0]
    assert picture.shape == (3 * 48, 3 * 96)
    np.testing.assert_array_equal(picture[::3, :144:3], made[1, ..., 0])
    np.testing.assert_array_equal(picture[::3, 144::3], made[1, ..., 1])
    np.testing.assert_array_equal(read_image(sheet)[3:99:2, 3:99:2, 0], made[0, ..., 0])
    array = generate(stereo, count=3, seed=2, format="npy", out=tmp_path / "npy")[1]
    np.testing.assert_array_equal(np.load(array), made)


def test_the_same_seed_writes_the_same_files(labelled, tmp_path):
    def written(name: str, seed: int) -> list[bytes]:
        paths = generate(labelled, count=6, seed=seed, out=tmp_path / name)
        return [path.read_bytes() for path in paths]

    assert written("a", 1) == written("b", 1) != written("c", 2)


def test_a_row_of_a_walk_has_one_label(tmp_path, monkeypatch):
    run = make_run(tmp_path / "run", labels="pose")
    drawn = []
    monkeypatch.setattr(generation, "write_walks", lambda *given: drawn.append(given))
    interpolate(run, rows=7, steps=4)
    strip, steps, tours, folder = drawn[0]
    assert steps == 4 and folder == run.path and strip.shape == (28, 48, 48, 1)
    rows = strip.reshape(7, 4, 48, 48)
    assert (rows[:, :, 0] == rows[:, :1, 0]).all()
    assert painted_classes(rows[:, 0, ..., None]) == [0, 1, 2, 3, 4, 0, 1]
    # The first row of pixels is the label, the second one z_0, which changes.
    ends = to_bytes(sample_latents(run.read_config(Config), 14, 1)[:, 0])
    np.testing.assert_array_equal(rows[:, [0, -1], 1, 0].ravel(), ends)
    # The GIF shows a toy of each class, all with the same latent.
    assert tours.shape == (60, 5, 48, 48, 1)
    assert painted_classes(tours[9]) == [0, 1, 2, 3, 4]
    assert (tours[:, :, 0] == tours[:1, :, 0]).all()
    assert (tours[:, :, 1, 0] == tours[:, :1, 1, 0]).all()
    assert tours[:, 0, 1, 0].std() > 1


@pytest.mark.parametrize("walk", ["linear", "spherical"])
def test_walks_are_drawn(stereo, walk):
    picture, animation = interpolate(stereo, rows=2, steps=3, walk=walk)
    assert read_image(picture).shape == (2 * 99 + 3, 3 * 99 + 3, 3)
    with Image.open(animation) as frames:
        # Of 60 frames, the end of a walk and the start of the next are the same.
        assert frames.size == (192, 192) and frames.n_frames == 56


def test_a_walk_between_images_shows_both_as_they_are(aegan, tmp_path):
    first, one = saved_blocks(tmp_path / "a.png", 20)
    last, two = saved_blocks(tmp_path / "b.png", 150)
    picture, animation = interpolate(
        aegan, steps=5, walk="linear", images=(first, last)
    )
    image = read_image(picture)
    # Seven tiles of 96 pixels with gaps of 2, at the bottom.
    tiles = [image[-98:-2:2, 2 + 98 * k : 98 + 98 * k : 2, 0] for k in range(7)]
    np.testing.assert_array_equal(tiles[0], one)
    np.testing.assert_array_equal(tiles[-1], two)
    # The networks invert each other, so a straight walk mixes the grey levels.
    middle = (one.astype(float) + two) / 2
    assert np.abs(tiles[3] - middle).max() <= 0.5
    with Image.open(animation) as frames:
        assert frames.n_frames == 8


@pytest.mark.parametrize(
    ("run", "words", "message"),
    [
        ("plain", "generate --count 0", "--count must be from 1 to 100000, found 0"),
        ("plain", "generate --seed -1", "--seed must be a whole number from 0"),
        ("plain", "generate --class-name car", "--labels class or --labels pose"),
        ("labelled", "generate --class-name cat", "--class-name must be one of animal"),
        ("plain", "interpolate --rows 0", "--rows must be from 1"),
        ("plain", "interpolate --images a.png b.png", "is a dcgan; .*--model aegan"),
        ("aegan", "interpolate --images a.png b.png", "a.png: "),
    ],
)
def test_each_mistake_gives_its_line(request, tmp_path, run, words, message):
    run = request.getfixturevalue(run)
    command, *rest = words.split()
    done = call(CHAPTER, command, "--run-dir", run.path, *rest, cwd=tmp_path)
    assert done.returncode == 2 and len(done.stderr.strip().splitlines()) == 1
    assert re.match(f"error: .*{message}", done.stderr), done.stderr


def test_an_image_at_an_end_is_not_replaced(aegan):
    own, _ = saved_blocks(aegan.path / "interpolation.png", 9)
    with pytest.raises(UserError, match=r"interpolation\.png would be replaced"):
        interpolate(aegan, images=(own, own))
    own.unlink()


def test_the_command_line_generates(labelled, tmp_path):
    words = ["--count", 2, "--class-name", "human", "--out", tmp_path / "made"]
    done = call(CHAPTER, "generate", "--run-dir", labelled.path, *words)
    assert done.returncode == 0, done.stderr
    names = sorted(path.name for path in (tmp_path / "made").iterdir())
    assert names == ["image_00000.png", "image_00001.png", "sheet.png"]
    image = read_image(tmp_path / "made" / names[0])[::3, ::3]
    assert painted_classes(image[None]) == [1]
