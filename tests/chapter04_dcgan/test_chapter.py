"""Chapter 4: data, training, scores, embedding and what the commands write."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from command_lines import call
from tiny import CHAPTER04 as TINY

from chapter04_dcgan import arithmetic, embedding, evaluation, generation
from chapter04_dcgan.commands import CHAPTER
from chapter04_dcgan.config import Config
from chapter04_dcgan.data import load_split
from chapter04_dcgan.networks import build_discriminator
from chapter04_dcgan.training import train
from common.errors import UserError
from common.images.pixels import to_floats
from common.training.run_dir import RunDir
from synthetic_data.anime_faces.write import make_faces, write_faces

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """Return the folder of a data set of 120 faces to train on and 40 to test on."""
    folder = tmp_path_factory.mktemp("faces") / "set"
    write_faces(folder, train=120, test=40, seed=0, size=32)
    return folder


def main(*arguments, **options):
    return subprocess.run(
        [sys.executable, str(ROOT / "chapter04_dcgan" / "main.py"), *arguments],
        capture_output=True,
        text=True,
        timeout=200,
        **options,
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory, data) -> RunDir:
    """Return a tiny run, trained by a command line in a process of its own."""
    folder = tmp_path_factory.mktemp("run")
    options = (
        "--size 32 --filters 4 --batch-size 8 --steps 4 --sample-every 2 --log-every 1 "
        "--checkpoint-every 2 --precision float32 --augment-shift 1 "
        f"--real-label 0.8 1.0 --data {data} --run-dir tiny"
    )
    done = main("train", *options.split(), cwd=folder)
    assert done.returncode == 0, done.stderr
    return RunDir(folder / "tiny")


def test_splits_are_those_of_the_folders(data):
    config = dataclasses.replace(TINY, data=data)
    train_set, test_set = load_split(config, "train"), load_split(config, "test")
    assert train_set.images.shape == (120, 32, 32, 3)
    assert test_set.images.shape == (40, 32, 32, 3)
    assert all(name.startswith("test/") for name in test_set.names)
    expected = make_faces(1, seed=0, size=32)[0][0]
    np.testing.assert_array_equal(train_set.images[0], expected)


def test_scores_and_baselines(run, monkeypatch):
    monkeypatch.setattr(evaluation, "STEPS", 30)
    config = run.read_config(Config)
    # Any other run can stand for the book's.
    metrics = evaluation.test(run, config, book_run=run.path)
    assert json.loads((run.path / "metrics.json").read_text()) == metrics
    prefixes = ("", "baseline_train_", "baseline_untrained_", "baseline_book_")
    expected = {
        f"{prefix}{metric}"
        for prefix in prefixes
        for metric in (
            *(f"{score}40_local" for score in ("fid", "kid", "precision", "recall")),
            "nearest_training_ratio",
            "nearest_training_share",
        )
    }
    assert set(metrics) == expected
    for metric in ("fid", "kid", "precision", "recall"):
        assert (
            metrics[f"{metric}40_local"] == metrics[f"baseline_book_{metric}40_local"]
        )
    assert metrics["baseline_train_fid40_local"] < metrics["fid40_local"]
    # Training items are what a generator would make that has learnt them by heart.
    assert metrics["baseline_train_nearest_training_ratio"] == 0
    assert metrics["baseline_train_nearest_training_share"] == 1
    assert metrics["nearest_training_ratio"] > 0.5
    for name in ("metrics.md", "samples.png", "neighbours.png"):
        assert (run.path / name).stat().st_size > 0
    with pytest.raises(UserError, match="--samples must be from 10 to the 120"):
        evaluation.test(run, config, samples=121)


def test_generated_files_can_be_read_back(run, tmp_path):
    config = run.read_config(Config)

    def written(format: str) -> list[Path]:
        return generation.generate(run, config, 3, 5, format, tmp_path / format)

    array = np.load(written("npy")[1])
    assert array.shape == (3, 32, 32, 3) and array.dtype == np.uint8
    assert [path.suffix for path in written("png")] == [".png"] * 4
    with pytest.raises(UserError, match="--count must be from 1"):
        generation.generate(run, config, 0, 3, "png", tmp_path)


@pytest.mark.parametrize("walk", ["linear", "spherical"])
def test_interpolations_are_drawn(run, walk):
    paths = generation.interpolate(run, run.read_config(Config), 2, 3, 0, walk)
    assert [path.suffix for path in paths] == [".png", ".gif"]
    assert all(path.stat().st_size > 1000 for path in paths)


def test_arithmetic_is_drawn(run):
    config = run.read_config(Config)
    assert arithmetic.latent_arithmetic(run, config, 1).stat().st_size > 1000
    path = arithmetic.combine(run, config, 1, (0, 1), (2,), (63,))
    assert path.stat().st_size > 1000
    with pytest.raises(UserError, match="--to must be numbers from 0 to 63"):
        arithmetic.combine(run, config, 1, (0,), (2,), (64,))
    with pytest.raises(UserError, match="--minus must be numbers .* found none"):
        arithmetic.combine(run, config, 1, (0,), (), (1,))


def test_measures_are_higher_for_what_they_are_named_after():
    """A face with red hair has a higher "redder hair" than one with blue hair."""
    red, blue = np.full((2, 1, 32, 32, 3), 128.0)
    red[:, :8, :, 0], blue[:, :8, :, 2] = 255, 255
    for name, more in (("redder hair", red), ("bluer hair", blue)):
        less = blue if more is red else red
        assert arithmetic.MEASURES[name](more) > arithmetic.MEASURES[name](less)
    assert arithmetic.MEASURES["brighter"](red + 9) > arithmetic.MEASURES["brighter"](
        red
    )


def test_features_are_pooled_activations(run):
    """Images of 32 x 32 have three maps of 4, 8 and 16 channels, pooled to 4 x 4."""
    discriminator = build_discriminator(TINY)
    network = embedding.feature_network(discriminator)
    batch = to_floats(make_faces(8, seed=0, size=32)[0])
    features = np.asarray(network(batch))
    assert features.shape == (8, 4 * 4 * (4 + 8 + 16))
    first = keras.Model(
        discriminator.input,
        next(
            x.output
            for x in discriminator.layers
            if isinstance(x, keras.layers.LeakyReLU)
        ),
    )
    activations = np.asarray(first(batch)).reshape(8, 4, 4, 4, 4, 4)
    expected = activations.max(axis=(2, 4)).reshape(8, -1)
    np.testing.assert_allclose(features[:, :64], expected, rtol=1e-5)


def test_embedding_is_written(run, tmp_path):
    config = run.read_config(Config)
    with np.load(embedding.embed(run, config, out=tmp_path / "e.npz")) as file:
        assert file["train"].shape == (120, 448) and file["test"].shape == (40, 448)
        assert file["train_names"][0] == "train/00000.png"
    with pytest.raises(UserError, match="must end in .npz"):
        embedding.embed(run, config, out=tmp_path / "e.csv")


def test_probe_reads_attributes(run):
    text = embedding.probe(run, run.read_config(Config))
    assert "hair_colour" in text and "untrained" in text and "most frequent" in text


def test_the_commands_end_to_end(run, monkeypatch):
    """Trained in a separate process, the run is scored in this one."""
    monkeypatch.setattr(evaluation, "STEPS", 30)
    done = call(CHAPTER, "test", "--run-dir", run.path.name, cwd=run.path.parent)
    assert done.returncode == 0, done.stderr
    assert "fid40_local" in done.stdout


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (lambda folder: None, "no images"),
        (lambda folder: (folder / "a.png").write_text("no image"), "a.png"),
    ],
)
def test_folders_without_usable_images_are_refused(tmp_path, prepare, message):
    folder = tmp_path / "images"
    folder.mkdir()
    prepare(folder)
    with pytest.raises(UserError, match=message):
        load_split(dataclasses.replace(TINY, data=folder), "train")


@pytest.mark.slow
def test_real_drawings_train(shared_data, tmp_path):
    config = dataclasses.replace(TINY, data=shared_data / "anime_faces", steps=2)
    held_out = load_split(config, "test").names
    assert len(held_out) == 400 and len(load_split(config, "train").names) == 2000
    assert train(config, RunDir(tmp_path / "run")).generator.is_file()
