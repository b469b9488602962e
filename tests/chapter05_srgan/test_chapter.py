"""Chapter 5: both phases, scores, enlarged files, and what the commands write."""

import dataclasses
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
    assert_each_player_has_its_own_side,
    assert_every_weight_learns,
    discriminator_losses,
)
from command_lines import call
from PIL import Image
from tiny import CHAPTER05 as TINY

from chapter05_srgan import evaluation, generation
from chapter05_srgan.commands import CHAPTER
from chapter05_srgan.config import PRESETS, Config
from chapter05_srgan.data import Crops, load_split
from chapter05_srgan.networks import build_generator
from chapter05_srgan.training import build_srgan_model, build_srresnet_model, train
from common.errors import UserError
from common.training.curves import read_rows
from common.training.network_files import load_network, save_network
from common.training.run_dir import RunDir
from synthetic_data.scenes.write import write_scenes

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """Eight scenes to train on and two held out."""
    folder = tmp_path_factory.mktemp("scenes") / "set"
    write_scenes(folder, train=8, test=2, seed=0, size=64)
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory, data) -> RunDir:
    """A tiny run of both phases."""
    run = RunDir(tmp_path_factory.mktemp("run") / "tiny")
    return train(dataclasses.replace(TINY, data=data), run)


@pytest.fixture(scope="module")
def batch(data) -> tuple[tf.Tensor, tf.Tensor]:
    config = dataclasses.replace(TINY, data=data)
    crops = Crops(load_split(config, "train"), config)
    return tuple(tf.constant(part) for part in crops.fetch(np.arange(4)))


def same(a: Path, b: Path) -> bool:
    pairs = zip(
        load_network(a).get_weights(), load_network(b).get_weights(), strict=True
    )
    return all(np.array_equal(x, y) for x, y in pairs)


@pytest.mark.parametrize(
    "variant", ["light", "srgan", pytest.param("book", marks=pytest.mark.slow)]
)
def test_every_weight_gets_a_finite_gradient(variant, batch):
    config = dataclasses.replace(TINY, variant=variant, content="discriminator")
    keras.utils.set_random_seed(0)
    assert_every_weight_learns(build_srresnet_model(config), batch)
    assert_every_weight_learns(
        build_srgan_model(config, build_generator(config)), batch
    )


def test_a_phase_moves_its_own_network_only(batch):
    model = build_srgan_model(TINY, build_generator(TINY))
    model.build_step(tf.nest.map_structure(tf.TensorSpec.from_tensor, batch))
    for phase, other in (model.phases, model.phases[::-1]):
        before = [np.array(v) for v in other.network.trainable_variables]
        model._train_phase(phase, model._make_step(batch, 0))
        after = other.network.trainable_variables
        assert all(np.array_equal(x, y) for x, y in zip(before, after, strict=True))


def test_the_generator_overfits_one_batch(batch):
    keras.utils.set_random_seed(0)
    model = build_srresnet_model(dataclasses.replace(TINY, filters=16, steps=200))
    model.build_step(tf.nest.map_structure(tf.TensorSpec.from_tensor, batch))
    step = tf.function(lambda: model.train_step(batch)["g_loss"])
    losses = [float(step()) for _ in range(200)]
    assert losses[-1] < 0.6 * losses[0]


def test_each_player_alone_wins_on_one_batch(batch):
    keras.utils.set_random_seed(0)
    weights = {"content_weight": 0.0, "pixel_weight": 0.0, "adversarial_weight": 1.0}
    config = dataclasses.replace(
        TINY, srgan_learning_rate=5e-3, decay=False, r1_gamma=0, **weights
    )
    model = build_srgan_model(config, build_generator(config))
    losses = discriminator_losses(model, batch, 150)
    assert losses[-1] < 0.5 * losses[0]
    low, high = batch
    assert_each_player_has_its_own_side(model, Sides(batch, high, low))


def test_both_players_play_the_same_game(batch):
    """The book's D minimises squares, its G a cross-entropy."""
    for loss, value in (("least_squares", 0.5), ("non_saturating", np.log(2))):
        config = dataclasses.replace(
            TINY, loss=loss, adversarial_weight=1.0, r1_gamma=0.0
        )
        model = build_srgan_model(config, build_generator(config))
        for phase in model.phases:
            if phase.name == "d":
                output = phase.network.layers[-2]
                output.set_weights([0 * w for w in output.get_weights()])
        _, logs = model.phases[1].loss(model._make_step(batch, 0))
        assert float(logs["g_adversarial"]) == pytest.approx(value, rel=1e-5)


def test_each_phase_has_its_own_losses_and_generator(run):
    first, second = run, RunDir(run.path / "srgan")
    assert "g_loss" in read_rows(first.metrics_csv)[-1]
    assert {"d_loss", "g_content", "g_pixels", "g_adversarial"} <= set(
        read_rows(second.metrics_csv)[-1]
    )
    assert not same(first.generator, second.generator)
    for phase in (first, second):
        assert read_rows(phase.metrics_csv)[-1]["step"] == 4
        assert list(phase.tensorboard.glob("events*"))


@pytest.mark.slow
def test_phases_one_by_one_end_as_both_at_once(run, data, tmp_path):
    other = RunDir(tmp_path / "run")
    for phase in ("srresnet", "srgan"):
        train(dataclasses.replace(TINY, data=data, stage=phase), other)
    assert same(run.generator, other.generator)
    assert same(
        run.path / "srgan" / "generator.keras", other.path / "srgan" / "generator.keras"
    )


def test_a_phase_that_was_killed_goes_on(run, tmp_path):
    """The newest checkpoint and what comes after it are lost."""
    shutil.copytree(run.path, tmp_path / "killed")
    killed = RunDir(tmp_path / "killed")
    newest = sorted((killed.path / "srgan" / "checkpoints").iterdir())[-1]
    expected = dict(np.load(newest))
    newest.unlink()
    train(killed.read_config(Config), killed)
    found = dict(np.load(newest))
    assert expected.keys() == found.keys()
    assert all(np.array_equal(expected[name], found[name]) for name in expected)


def test_scores_and_baselines(run, data):
    metrics = evaluation.test(run, run.read_config(Config), realism=False)
    assert json.loads((run.path / "metrics.json").read_text()) == metrics
    assert metrics["scale"] == 4 and metrics["n_images"] == 2
    names = {"psnr_y_srresnet", "ssim_y_srresnet", "psnr_y_srgan", "ssim_y_srgan"}
    names |= {
        f"baseline_{kind}_{score}"
        for kind in ("nearest", "bicubic", "lanczos")
        for score in ("psnr_y", "ssim_y", "spectrum_distance")
    }
    assert names <= set(metrics)
    assert (run.path / "crops.png").stat().st_size > 1000
    told = (run.path / "metrics.md").read_text()
    assert all(f"test/{number:05d}" in told for number in range(2))


def test_all_images_of_a_folder_are_scored(run, data):
    metrics = evaluation.test(run, data=data / "train", realism=False)
    assert metrics["n_images"] == 8


def test_the_published_figures_of_bicubic(run, shared_data):
    """28.42 dB and 0.8104 on Set5 at x4."""
    metrics = evaluation.test(run, data=shared_data / "set5", realism=False)
    assert metrics["n_images"] == 5
    assert metrics["baseline_bicubic_psnr_y"] == pytest.approx(28.42, abs=0.05)
    assert metrics["baseline_bicubic_ssim_y"] == pytest.approx(0.8104, abs=0.003)


def test_crops_are_generated(run, tmp_path):
    paths = generation.generate(run, run.read_config(Config), 3, 1, tmp_path)
    assert len(paths) == 1 + 3 * 4
    assert Image.open(tmp_path / "00002_srgan.png").size == (32, 32)
    assert Image.open(tmp_path / "00002_low_resolution.png").size == (8, 8)


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_are_whole(preset):
    PRESETS[preset].validate()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scale": 3}, "--scale must be one of"),
        ({"crop": 40}, "--crop must be a multiple of 16"),
        ({"adversarial_weight": -1.0}, "--adversarial-weight must be 0 or above"),
        ({"srgan_steps": 0}, "--srgan-steps must be above 0"),
    ],
)
def test_wrong_options(change, message):
    with pytest.raises(UserError, match=message):
        dataclasses.replace(TINY, **change).validate()


def main(*arguments, **options):
    return subprocess.run(
        [sys.executable, str(ROOT / "chapter05_srgan" / "main.py"), *arguments],
        capture_output=True,
        text=True,
        timeout=200,
        **options,
    )


def test_a_picture_is_enlarged(run, tmp_path):
    """By a process of its own; a second time, in this one, it is refused."""
    Image.new("RGB", (30, 20), "red").save(tmp_path / "in.png")
    arguments = ["upscale", "in.png", "out.png", "--run-dir", str(run.path)]
    done = main(*arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert Image.open(tmp_path / "out.png").size == (120, 80)
    done = call(CHAPTER, *arguments, cwd=tmp_path)
    assert done.returncode == 2 and len(done.stderr.strip().splitlines()) == 1


def test_a_model_file_is_known_by_its_scale(run, tmp_path):
    network, scale, name = generation.load_file(run.path / "srgan" / "generator.keras")
    assert scale == 4 and name == "generator"
    other = build_generator(dataclasses.replace(TINY, scale=2))
    save_network(other, tmp_path / "two.keras")
    assert generation.load_file(tmp_path / "two.keras")[1] == 2
    with pytest.raises(UserError, match="holds no generator of this chapter"):
        generation.load_file(run.path / "srgan" / "discriminator.keras")


def test_the_first_phase_stands_in_for_the_second(run, tmp_path):
    config = run.read_config(Config)
    assert generation.load_stage(run, config, "srgan")[1:] == (4, "srgan")
    shutil.copytree(run.path, tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "srgan")
    alone = RunDir(tmp_path / "run")
    assert generation.load_stage(alone, config, "srgan")[1:] == (4, "srresnet")
