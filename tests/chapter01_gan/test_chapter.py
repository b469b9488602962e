"""Chapter 1: networks, tricks, training, scores and what the commands write."""

import dataclasses
import functools
import json
import shutil
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from checks import (
    Sides,
    assert_d_sees_both_kinds_changed,
    assert_each_player_has_its_own_side,
    assert_every_weight_learns,
    assert_own_learning_rates,
    assert_r1_of_the_real_for_d_alone,
    assert_the_label_is_that_of_the_real,
    discriminator_losses,
)
from command_lines import call
from tiny import CHAPTER01 as TINY

from chapter01_gan import evaluation, generation
from chapter01_gan.commands import CHAPTER
from chapter01_gan.config import PRESETS, Config
from chapter01_gan.data import load_split
from chapter01_gan.networks import build_discriminator, build_generator
from chapter01_gan.stabilising.techniques import TECHNIQUES, configure
from chapter01_gan.training import build_model, train
from common.errors import UserError
from common.features import extractors
from common.gan.latents import sample_latents
from common.images.idx import read_images
from common.images.pixels import to_floats
from common.training.run_dir import RunDir
from synthetic_data.digits.glyphs import make_glyphs, write_glyphs

ROOT = Path(__file__).resolve().parents[2]
BATCH = to_floats(make_glyphs(8, seed=0)[0])


def make_model(config: Config):
    keras.utils.set_random_seed(0)
    return build_model(config, build_generator(config), build_discriminator(config))


SIDES = Sides(tf.constant(BATCH), tf.constant(BATCH), sample_latents(TINY, 8, 0))


def altered(**changes):
    """Return a model of the same weights without any technique but those named."""
    return make_model(dataclasses.replace(TINY, **changes))


def test_the_books_networks():
    """The tables of the book's chapter: 100-500-500-784 and 784-500-500-1."""
    config = PRESETS["book"]
    generator, discriminator = build_generator(config), build_discriminator(config)
    assert generator.count_params() == 101 * 500 + 501 * 500 + 501 * 784
    assert discriminator.count_params() == 785 * 500 + 501 * 500 + 501
    images = generator(sample_latents(config, 3, 0))
    assert images.shape == (3, 28, 28) and images.dtype == tf.float32
    assert float(tf.reduce_max(tf.abs(images))) <= 1
    assert discriminator(images).shape == (3, 1)


def test_the_papers_discriminator_has_maxout_units():
    config = dataclasses.replace(PRESETS["paper"], dropout=0.0)
    discriminator = build_discriminator(config)
    first = next(x for x in discriminator.layers if isinstance(x, keras.layers.Dense))
    product = np.asarray(first(BATCH.reshape(8, -1)))
    expected = product.reshape(8, 240, 5).max(axis=2)
    pooled = next(x for x in discriminator.layers if "max_pooling" in x.name)
    part = keras.Model(discriminator.input, pooled.output)
    np.testing.assert_allclose(part(BATCH), expected, rtol=1e-5)


@pytest.mark.parametrize("technique", TECHNIQUES)
def test_every_weight_gets_a_finite_gradient(technique):
    config = configure(technique, TINY, digits=True)
    assert_every_weight_learns(make_model(config), tf.constant(BATCH))


@pytest.mark.parametrize("preset", PRESETS)
def test_every_weight_gets_a_finite_gradient_in_each_preset(preset):
    small = {"g_units": (24, 24), "d_units": (24, 24), "dropout": 0.0}
    config = dataclasses.replace(PRESETS[preset], **small)
    assert_every_weight_learns(make_model(config), tf.constant(BATCH))


def moved(before, after) -> list[bool]:
    return [not np.array_equal(a, b) for a, b in zip(before, after, strict=True)]


@pytest.mark.parametrize("technique", ["plain", "feature_matching", "spectral_norm"])
def test_a_phase_moves_its_own_network_only(technique):
    """Statistics such as spectral normalisation's u aside, which D's passes move."""
    model = make_model(configure(technique, TINY, digits=True))
    batch = tf.constant(BATCH)
    model.build_step(tf.TensorSpec(batch.shape, tf.float32))
    for phase, other in (model.phases, model.phases[::-1]):
        watched = [*other.network.trainable_variables]
        own = [*phase.network.trainable_variables]
        before = [[np.array(v) for v in part] for part in (watched, own)]
        model._train_phase(phase, model._make_step(batch, 0))
        assert not any(moved(before[0], watched))
        assert all(moved(before[1], own))


def test_each_player_alone_wins_on_one_batch():
    model = altered(g_learning_rate=1e-2)
    losses = discriminator_losses(model, SIDES.batch, 300)
    assert losses[-1] < 0.1 * losses[0]
    assert_each_player_has_its_own_side(model, SIDES)


def test_the_penalty_is_r1_of_real_items_for_d_alone():
    def build(r1_gamma, r1_every):
        return altered(r1_gamma=r1_gamma, r1_every=r1_every)

    assert_r1_of_the_real_for_d_alone(build, SIDES)


def test_the_label_is_that_of_the_real():
    smoothed = altered(real_label=(0.9,))
    assert_the_label_is_that_of_the_real(altered(), smoothed, SIDES, 0.9)


def test_d_sees_both_kinds_changed():
    assert_d_sees_both_kinds_changed(altered(), altered(instance_noise=0.5), SIDES)


def test_each_network_has_its_own_learning_rate():
    model = altered(d_learning_rate=0.1, g_learning_rate=0.2)
    assert_own_learning_rates(model, 0.1, 0.2)


def test_feature_matching_trains_the_generator_on_means():
    """G's loss falls to nearly nothing when D stands still."""
    config = configure("feature_matching", TINY, digits=True)
    model = make_model(dataclasses.replace(config, g_learning_rate=1e-2))
    batch, phase = tf.constant(BATCH), model.phases[1]
    model.build_step(tf.TensorSpec(batch.shape, tf.float32))
    update = tf.function(
        lambda: model._train_phase(phase, model._make_step(batch, 1))["g_loss"][0]
    )
    losses = [float(update()) for _ in range(200)]
    assert losses[-1] < 0.1 * losses[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"real_label": ()}, "--real-label must be one or two numbers"),
        ({"real_label": (0.9, 1.1)}, "--real-label must be one or two numbers"),
        ({"g_units": ()}, "--g-units must be one number or more"),
        ({"d_units": (500, 0)}, "--d-units must be one number or more"),
        ({"average": 1.0}, "--average must be from 0 to below 1"),
        ({"instance_noise": float("nan")}, "--instance-noise must be 0 or above"),
        ({"minibatch_kernels": -1}, "--minibatch-kernels must be from 0"),
        ({"loss": "wasserstein"}, "--loss must be used with --spectral-norm"),
    ],
)
def test_wrong_options(change, message):
    with pytest.raises(UserError, match=message):
        dataclasses.replace(TINY, **change).validate()


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """300 glyphs to train and 60 to test."""
    folder = tmp_path_factory.mktemp("glyphs") / "set"
    write_glyphs(folder, train=300, test=60, seed=0)
    return folder


def main(*arguments, **options):
    return subprocess.run(
        [sys.executable, str(ROOT / "chapter01_gan" / "main.py"), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=200,
        **options,
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory, data) -> RunDir:
    """A tiny run with every trick at once, trained in a process of its own."""
    folder = tmp_path_factory.mktemp("run")
    options = (
        "--g-units 24 24 --d-units 24 24 --batch-size 8 --steps 4 --log-every 1 "
        "--sample-every 2 --checkpoint-every 2 --minibatch-kernels 2 "
        "--historical-averaging 0.01 --real-label 0.8 1.0 --g-norm batch "
        "--d-norm instance --spectral-norm --instance-noise 0.1 --r1-gamma 0.5 "
        f"--average 0.9 --data {data} --run-dir tiny"
    )
    done = main("train", *options.split(), cwd=folder)
    assert done.returncode == 0, done.stderr
    return RunDir(folder / "tiny")


@pytest.fixture
def short(monkeypatch):
    """Train the local extractor for fewer steps, enough to tell digits from noise."""
    monkeypatch.setattr(
        extractors, "local", functools.partial(extractors.local, steps=30)
    )


def test_scores_and_baselines(run, data, short):
    config = run.read_config(Config)
    metrics = evaluation.test(run, config)
    assert json.loads((run.path / "metrics.json").read_text()) == metrics
    for metric in ("fid", "kid", "is", "mode_score", "precision", "recall"):
        for prefix in ("", "baseline_train_", "baseline_untrained_"):
            assert np.isfinite(metrics[f"{prefix}{metric}60_local"])
    known = ("fid", "kid", "is", "mode_score", "label_kl", "precision", "recall")
    known += ("nearest_training",)
    own = [name for name in metrics if not name.startswith("baseline_")]
    assert all(name.startswith(known) for name in own)
    assert metrics["baseline_train_fid60_local"] < metrics["fid60_local"]
    # Training items are what a generator would make that has learnt them by heart.
    assert metrics["baseline_train_nearest_training_ratio"] == 0
    assert metrics["baseline_train_nearest_training_share"] == 1
    assert metrics["nearest_training_ratio"] > 0.5
    for name in ("metrics.md", "samples.png", "neighbours.png", "classes.png"):
        assert (run.path / name).stat().st_size > 0
    with pytest.raises(UserError, match="--samples must be from 10 to the 300"):
        evaluation.test(run, config, samples=301)


def test_generated_files_can_be_read_back(run, tmp_path):
    config = run.read_config(Config)

    def written(format: str) -> list[Path]:
        return generation.generate(run, config, 3, 5, format, tmp_path / format)

    array = np.load(written("npy")[1])
    assert array.shape == (3, 28, 28) and array.dtype == np.uint8
    np.testing.assert_array_equal(read_images(written("idx")[1]), array)
    assert [path.suffix for path in written("png")] == [".png"] * 4
    with pytest.raises(UserError, match="--count must be from 1"):
        generation.generate(run, config, 0, 3, "png", tmp_path)


def test_walks_are_drawn(run):
    path = generation.interpolate(run, run.read_config(Config), 2, 3, seed=0)
    assert path.stat().st_size > 1000


def test_the_command_line_from_train_to_test(run, tmp_path, short):
    """Trained in a process of its own; resume, test and generate in this one."""
    shutil.copytree(run.path, tmp_path / "r")
    done = call(
        CHAPTER, "train", "--resume", "--run-dir", "r", "--steps", 6, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert "training steps 4 to 6" in done.stderr
    done = call(CHAPTER, "test", "--run-dir", "r", "--samples", 40, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "fid40_local" in done.stdout
    done = call(CHAPTER, "generate", "--run-dir", "r", "--count", 2, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "r" / "generated").iterdir())) == 3


def test_a_damaged_file_ends_in_one_line(tmp_path):
    images, labels = make_glyphs(30, 0)
    header = b"".join(n.to_bytes(4, "big") for n in (2051, 30, 28, 28))
    cut = (header + images.tobytes())[:-40]
    (tmp_path / "train-images-idx3-ubyte").write_bytes(cut)
    header = b"".join(n.to_bytes(4, "big") for n in (2049, 30))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(header + labels.tobytes())
    done = call(CHAPTER, "train", "--data", tmp_path, "--run-dir", tmp_path / "run")
    assert done.returncode == 2
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("error: "), done.stderr
    assert "train-images-idx3-ubyte" in lines[0]
    assert not (tmp_path / "run").exists()


def test_images_of_another_size_are_refused(tmp_path):
    from common.images.idx import write_images

    write_images(tmp_path / "train-images-idx3-ubyte", np.zeros((30, 20, 20), np.uint8))
    with pytest.raises(UserError, match="28 x 28 pixels, found 20 x 20"):
        load_split(Config(data=tmp_path), "train")


@pytest.mark.parametrize("command", ["divergences", "nash"])
def test_pages_are_written(tmp_path, command):
    done = call(CHAPTER, command, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / f"{command}.png").stat().st_size > 10_000
    assert "|" in done.stdout


def test_real_mnist_trains(shared_data, tmp_path):
    config = dataclasses.replace(TINY, data=shared_data / "mnist", steps=2)
    assert train(config, RunDir(tmp_path / "run")).generator.is_file()
