"""The three stages: what learns, the terms of the losses, and how stages go on."""

import dataclasses
import math
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf
from checks import (
    Sides,
    assert_every_weight_learns,
    assert_r1_of_the_real_for_d_alone,
    discriminator_losses,
    phase_of,
    step_of,
)
from shapes import write_boxes
from tiny import STUDY_VON as TINY
from von_boxes import box_volumes
from von_runs import write_photos

from common.data.batches import TrainingData
from common.errors import UserError
from common.gan.adversarial_model import AdversarialModel
from common.gan.step import Step
from common.training.curves import read_rows
from common.training.network_files import load_network
from common.training.run_dir import RunDir
from study_von import training
from study_von.config import Config
from study_von.networks import build_discriminator, build_generator
from study_von.sketches import DEPTH, SILHOUETTE, make_sketches
from study_von.stages import joint, texture

ROOT = Path(__file__).resolve().parents[2]
FIELD = dataclasses.replace(TINY, texture="field")
both_textures = pytest.mark.parametrize("config", [TINY, FIELD])
RNG = np.random.default_rng(0)
PHOTOS = RNG.uniform(-1, 1, (4, 32, 32, 3)).astype(np.float32)
MASKS = np.ones((4, 32, 32, 1), np.float32)
ANGLES = np.array([0, 30, 90, 200], np.float32), np.array([0, 20, 40, 5], np.float32)
BOXES = box_volumes(RNG.normal(size=(4, 3)))


def texture_model(config: Config) -> tuple[AdversarialModel, texture.TextureNetworks]:
    """Return the model of the stage texture, always with the same weights."""
    keras.utils.set_random_seed(0)
    networks = texture.build_networks(config)
    return texture.build_model(config, networks), networks


def texture_batch(config: Config) -> tuple[tf.Tensor, ...]:
    """Return photos, masks, and sketches of boxes."""
    sketches = make_sketches(config, BOXES, *ANGLES)
    return tuple(map(tf.convert_to_tensor, (PHOTOS, MASKS, sketches)))


def joint_model(config: Config) -> AdversarialModel:
    """Return the model of the joint stage; its shapes are half transparent."""
    keras.utils.set_random_seed(0)
    return joint.build_model(
        config,
        build_generator(dataclasses.replace(config, bias_from_data=True), 0.3),
        build_discriminator(config),
        texture.build_networks(config),
    )


JOINT_BATCH = tuple(map(tf.convert_to_tensor, (PHOTOS, MASKS, *ANGLES, BOXES)))


# --- what learns


@both_textures
def test_every_weight_of_the_stage_texture_gets_a_finite_gradient(config):
    assert_every_weight_learns(texture_model(config)[0], texture_batch(config))


@both_textures
def test_every_weight_of_the_joint_stage_gets_a_finite_gradient(config):
    """Also those of the shape generator, from the loss of the images alone."""
    config = dataclasses.replace(config, joint_shape_weight=0.0)
    model = joint_model(config)
    of_shapes = [phase for phase in model.phases if phase.name == "d_shape"]
    model.phases = [phase for phase in model.phases if phase not in of_shapes]
    assert [phase.name for phase in model.phases][-2:] == ["g", "g_shape"]
    assert_every_weight_learns(model, JOINT_BATCH)


def test_the_discriminator_of_shapes_learns_with_its_small_weight():
    losses = []
    for weight in (0.05, 0.1):
        model = joint_model(dataclasses.replace(FIELD, joint_shape_weight=weight))
        model.phases = [phase_of(model, "d_shape")]
        losses.append(float(model.phases[0].loss(step_of(model, JOINT_BATCH))[0]))
    assert losses[1] == pytest.approx(2 * losses[0], rel=1e-4)
    assert_every_weight_learns(model, JOINT_BATCH)


def test_each_phase_of_the_joint_stage_moves_its_own_network_only():
    model = joint_model(FIELD)
    for phase in model.phases:
        before = [[np.array(v) for v in p.network.variables] for p in model.phases]
        model._train_phase(phase, model._make_step(JOINT_BATCH, 0))
        for other, old in zip(model.phases, before, strict=True):
            trained = {id(v) for v in other.network.trainable_variables}
            pairs = zip(old, other.network.variables, strict=True)
            moved = [not np.array_equal(a, b) for a, b in pairs if id(b) in trained]
            assert any(moved) == (other is phase), (phase.name, other.name)


def test_each_player_alone_wins_on_one_batch():
    """D first, and then G against this D."""
    config = dataclasses.replace(
        FIELD, texture_decay=False, texture_learning_rate=5e-3, texture_r1_gamma=0.0
    )
    model, _ = texture_model(config)
    batch = texture_batch(config)
    losses = discriminator_losses(model, batch, 40)
    assert losses[-1] < 0.3 * losses[0]
    update = tf.function(
        lambda: model._train_phase(phase_of(model, "g"), model._make_step(batch, 0))[
            "g_adversarial"
        ][0]
    )
    losses = [float(update()) for _ in range(40)]
    assert losses[-1] < 0.5 * losses[0]


def test_the_penalty_is_r1_of_the_photos():
    config = dataclasses.replace(FIELD, hue_jitter=0.0, photo_shift=0)
    batch = texture_batch(config)

    def build(r1_gamma: float, r1_every: int) -> AdversarialModel:
        changes = {"texture_r1_gamma": r1_gamma, "r1_every": r1_every}
        return texture_model(dataclasses.replace(config, **changes))[0]

    assert_r1_of_the_real_for_d_alone(build, Sides(batch, batch[0], batch[2]))


# --- the terms of the losses


def step_with(batch: tuple, seed: int = 3) -> Step:
    """Return a step; two with the same seed draw the same numbers."""
    return Step(batch, tf.constant(0, tf.int64), tf.constant([seed, 7]))


def test_the_terms_by_hand():
    """Networks that are no networks: G copies the depth, F halves the red of a photo.

    E's Gaussians have the mean 1 and the variance 4 for photos, and are exactly 0.25
    for images.
    """

    def images_of(inputs: list, training: bool) -> tf.Tensor:
        return tf.repeat(inputs[0][..., DEPTH], 3, axis=-1)

    def encode(images: tf.Tensor, training: bool) -> tuple[tf.Tensor, tf.Tensor]:
        one = tf.ones((len(images), 3))
        if float(images[0, 0, 0, 0]) == pytest.approx(0.8):
            return one, one * math.log(4)
        return 0.25 * one, -200 * one

    networks = texture.TextureNetworks(
        images_of,
        encode,
        lambda images, training: [tf.fill((4, 2, 2, 1), 3.0), tf.fill((4, 1), 2.0)],
        lambda images, training: images[..., :1] / 2,
        lambda depth, training: [tf.fill((4, 2, 2, 1), -1.0)],
    )
    photos = tf.fill((4, 32, 32, 3), 0.8)
    sketches = tf.fill((4, 32, 32, 2), -0.6)
    config = dataclasses.replace(TINY, hue_jitter=0.0, texture_loss="least_squares")
    batch = (photos, tf.constant(MASKS), sketches)
    passed = texture.pass_forward(config, networks, step_with(batch), *batch)
    # (mean^2 + variance - 1 - log variance) / 2 for 4 photos and 3 numbers each.
    divergence = 12 * (1 + 4 - 1 - math.log(4)) / 2
    z = step_with(batch).latents(3)
    terms = {
        # A least-squares G: (logit - 1)^2 / 2, summed over both scales.
        "g_adversarial": 2 + 0.5,
        "g_depth": 2,
        "g_kl": 0.001 * divergence,
        "g_latent_cycle": np.abs(0.25 - z).mean(),
        "g_image_cycle": 25 * abs(0.4 - 0.8),
        "g_sketch_cycle": 10 * abs(-0.3 + 0.6),
        "g_mask": 2.5 * abs(0.4 - 1),
    }
    loss, logs = texture.generator_loss(config, passed)
    assert logs.keys() == terms.keys()
    for name, value in terms.items():
        assert float(logs[name]) == pytest.approx(value, rel=1e-4), name
    assert float(loss) == pytest.approx(sum(terms.values()), rel=1e-4)


def test_a_third_of_the_circle_turns_red_to_green():
    """White and greys stay; the share of the circle is that of the largest draw."""
    colours = tf.constant([[1, -1, -1], [-1, 1, -1], [1, 1, 1], [0.2, 0.2, 0.2]])
    images = tf.reshape(tf.cast(colours, tf.float32), (1, 2, 2, 3))
    for draw, expected in ((1.0, [-1, 1, -1]), (0.0, [-1, -1, 1]), (0.5, [1, -1, -1])):
        step = SimpleNamespace(uniform=lambda shape, draw=draw: tf.fill(shape, draw))
        turned = texture.change_hue(images, step, 1 / 3).numpy().reshape(4, 3)
        np.testing.assert_allclose(turned[0], expected, atol=1e-5)
        np.testing.assert_allclose(turned[2:], colours[2:], atol=1e-5)
    assert texture.change_hue(images, None, 0.0) is images


def test_hues_differ_from_photo_to_photo():
    images = tf.reshape(tf.constant([1.0, -1, -1] * 4), (4, 1, 1, 3))
    turned = texture.change_hue(images, step_with((images,)), 0.1).numpy()
    assert len(np.unique(turned[:, 0, 0, 1])) > 1
    assert -1 <= turned.min() and turned.max() <= 1


def test_the_learning_rate_is_constant_and_then_a_line():
    rate = texture.ConstantThenLine(2.0, 10, 20)
    found = [float(rate(step)) for step in (0, 10, 15, 20, 25)]
    assert found == pytest.approx([2, 2, 1, 0, 0])
    again = texture.ConstantThenLine(**rate.get_config())
    assert float(again(15)) == pytest.approx(1)
    config = dataclasses.replace(TINY, texture_steps=8, texture_learning_rate=3.0)
    assert float(texture.learning_rate(config)(6)) == pytest.approx(1.5)
    config = dataclasses.replace(config, texture_decay=False)
    assert texture.learning_rate(config) == 3.0


# --- runs


@pytest.fixture(scope="module")
def config(tmp_path_factory) -> Config:
    """Options of a tiny run of the colour field, with boxes and photos."""
    folder = tmp_path_factory.mktemp("data")
    write_photos(folder / "photos")
    boxes = write_boxes(folder / "boxes")
    return dataclasses.replace(FIELD, data=boxes, photos=folder / "photos")


@pytest.fixture(scope="module")
def run(tmp_path_factory, config) -> RunDir:
    """A tiny run of all stages."""
    return training.train(config, RunDir(tmp_path_factory.mktemp("run") / "tiny"))


def copy_of(run: RunDir, folder: Path) -> RunDir:
    shutil.copytree(run.path, folder)
    return RunDir(folder)


def folder_of(run: RunDir, stage: str) -> RunDir:
    return run if stage == "shape" else RunDir(run.path / stage)


def test_each_stage_has_its_own_losses_and_networks(run):
    for stage, steps, losses, files in (
        ("shape", 4, {"d_loss", "g_loss"}, {"generator", "discriminator"}),
        (
            "texture",
            4,
            {"d_loss", "d_penalty", "g_loss", "g_kl", "g_latent_cycle"},
            {"texture_generator", "texture_encoder", "image_discriminator"},
        ),
        (
            "joint",
            2,
            {"d_loss", "d_shape_real", "g_loss", "g_shape_loss", "g_shape_occupancy"},
            {"shape_generator", "texture_generator", "texture_encoder"},
        ),
    ):
        folder = folder_of(run, stage)
        row = read_rows(folder.metrics_csv)[-1]
        assert row["step"] == steps, stage
        assert all(math.isfinite(row[name]) for name in losses), stage
        assert files <= {path.stem for path in folder.path.glob("*.keras")}
        assert folder.reals.is_file() and folder.curves.is_file()
    networks = training.load_networks(run)
    assert networks.stage == "joint"
    assert networks.shape_generator.input_shape == (None, 6)


def test_the_newest_stage_that_has_ended_is_loaded(run, tmp_path):
    other = copy_of(run, tmp_path / "run")
    shutil.rmtree(other.path / "joint")
    assert training.load_networks(other).stage == "texture"
    shutil.rmtree(other.path / "texture")
    with pytest.raises(UserError, match="no texture network in .*--resume"):
        training.load_networks(other)


@pytest.mark.parametrize(
    "stage",
    ["texture", *(pytest.param(s, marks=pytest.mark.slow) for s in ("shape", "joint"))],
)
def test_a_stage_that_was_killed_goes_on(run, tmp_path, stage):
    """The newest checkpoint and what comes after it are lost."""
    killed = copy_of(run, tmp_path / "killed")
    folder = folder_of(killed, stage)
    newest = sorted(folder.checkpoints.iterdir())[-1]
    expected = dict(np.load(newest))
    newest.unlink()
    for network in folder.path.glob("*.keras"):
        network.unlink()
    config = dataclasses.replace(killed.read_config(Config), stage=stage)
    training.train(config, killed)
    found = dict(np.load(newest))
    assert expected.keys() == found.keys()
    assert all(np.array_equal(expected[name], found[name]) for name in expected)


@pytest.fixture
def trained(monkeypatch) -> list[tuple[RunDir, TrainingData]]:
    """The stages that would be trained: their folders and data."""
    found = []

    def fit(model, data, gallery, config, stage, callbacks, steps, results) -> bool:
        found.append((stage, data))
        return False

    monkeypatch.setattr(training, "fit_stage", fit)
    return found


@pytest.mark.parametrize(
    ("change", "kept"),
    [({"joint_steps": 9, "stage": "texture"}, True), ({"kl_weight": 0.5}, False)],
)
def test_the_stage_texture_starts_again_if_its_own_options_change(
    run, tmp_path, trained, change, kept
):
    again = copy_of(run, tmp_path / "again")
    config = dataclasses.replace(run.read_config(Config), **change)
    training.train(dataclasses.replace(config, stage="texture"), again)
    assert (again.path / "texture" / "checkpoints").is_dir() == kept
    # Networks of earlier options would be taken for the newest.
    assert (again.path / "joint").is_dir() == kept
    assert len(trained) == 1


def test_the_joint_stage_starts_again_if_the_stage_before_has_changed(
    run, tmp_path, trained
):
    again = copy_of(run, tmp_path / "again")
    config = dataclasses.replace(run.read_config(Config), stage="joint")
    training.train(config, again)
    assert (again.path / "joint" / "checkpoints").is_dir()
    other = again.path / "joint" / "texture_generator.keras"
    shutil.copy(other, again.path / "texture" / "texture_generator.keras")
    training.train(config, again)
    assert not (again.path / "joint" / "checkpoints").exists()


def test_textures_can_learn_from_generated_shapes(
    config, tmp_path, trained, monkeypatch
):
    config = dataclasses.replace(config, stage="texture", texture_shapes="generated")
    run = RunDir(tmp_path / "run")
    with pytest.raises(UserError, match="texture needs .*generator.keras"):
        training.train(config, run)
    latents = []

    def generator(z: np.ndarray, training: bool) -> np.ndarray:
        latents.append(z)
        return box_volumes(z)

    monkeypatch.setattr(training, "load_network", lambda path: generator)
    monkeypatch.setattr(training, "begin_stage", lambda run, *_: run)
    training.train(config, run)
    items = trained[0][1]
    assert sum(map(len, latents)) == items.count == 24
    shown = items.fetch(np.arange(24))[2]
    empty = (shown[..., SILHOUETTE].max(axis=(1, 2, 3)) < 0.5).sum()
    assert empty == (np.concatenate(latents)[:, 0] > 1.9).sum()


def test_a_joint_stage_needs_the_stage_texture(config, tmp_path):
    config = dataclasses.replace(config, stage="joint")
    with pytest.raises(UserError, match="joint needs .*generator.keras"):
        training.train(config, RunDir(tmp_path / "run"))


# --- long ones


@pytest.mark.slow
def test_the_published_texture_trains_in_all_stages(config, tmp_path):
    config = dataclasses.replace(config, texture="published", average=0.9, views=0)
    run = training.train(config, RunDir(tmp_path / "run"))
    row = read_rows(run.path / "joint" / "metrics.csv")[-1]
    assert row["step"] == 2
    terms = {"g_image_cycle", "g_sketch_cycle", "g_mask", "d_sketch_real"}
    assert all(math.isfinite(row[name]) for name in terms)
    names = {path.stem for path in (run.path / "joint").glob("*.keras")}
    assert {"sketch_estimator", "sketch_discriminator"} <= names
    before = load_network(run.path / "texture" / "sketch_estimator.keras")
    after = load_network(run.path / "joint" / "sketch_estimator.keras")
    pairs = zip(before.get_weights(), after.get_weights(), strict=True)
    assert not all(np.array_equal(a, b) for a, b in pairs)


@pytest.mark.slow
def test_the_command_line_trains_and_generates(config, tmp_path):
    """In processes of their own."""
    options = []
    for field in dataclasses.fields(Config):
        value = getattr(config, field.name)
        if value != getattr(Config(), field.name):
            name = "--" + field.name.replace("_", "-")
            options += [name, *(value if isinstance(value, tuple) else [str(value)])]
    main, run = ROOT / "study_von" / "main.py", ["--run-dir", str(tmp_path / "run")]
    for words in (["train", *options], ["generate"]):
        done = subprocess.run(
            [sys.executable, main, *words, *run], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
    assert training.load_networks(RunDir(tmp_path / "run")).stage == "joint"
    assert list((tmp_path / "run").rglob("*.png"))
