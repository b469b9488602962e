"""Networks, losses, evaluation and outputs of the 3D-GAN."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
import trimesh
from checks import assert_every_weight_learns, discriminator_losses
from shapes import boxes, write_boxes

from chapter02_3dgan import classification, evaluation, generation, preparation
from chapter02_3dgan.config import PRESETS, Config
from chapter02_3dgan.networks import build_discriminator, build_generator
from chapter02_3dgan.training import build_model, sample_latents, train
from common.errors import UserError
from common.runs import RunDir
from common.voxel_store import VoxelStore
from common.voxels import find_shapes, read_voxels

TINY = Config(
    width=0.05,
    batch_size=8,
    steps=6,
    precision="float32",
    log_every=2,
    sample_every=3,
    checkpoint_every=3,
    classes=("box",),
)


def parameters(network: keras.Model) -> int:
    return sum(int(np.prod(v.shape)) for v in network.trainable_variables)


def padded(voxels: np.ndarray) -> np.ndarray:
    """Bring 30^3 to 32^3."""
    return np.pad(voxels, ((0, 0), (1, 1), (1, 1), (1, 1)))


def test_parameters_at_the_papers_size():
    generator = build_generator(PRESETS["paper"])
    # 4^3 kernels 200-512-256-128-64-1 and two BatchNorm numbers a filter
    weights = 64 * (200 * 512 + 512 * 256 + 256 * 128 + 128 * 64 + 64)
    assert weights == 17_567_744
    assert parameters(generator) == weights + 2 * (512 + 256 + 128 + 64) == 17_569_664
    discriminator = build_discriminator(PRESETS["paper"])
    # 1-64-128-256-512-1, BatchNorm from the second layer to the fourth
    weights = 64 * (64 + 64 * 128 + 128 * 256 + 256 * 512 + 512)
    assert parameters(discriminator) == weights + 2 * (128 + 256 + 512) == 11_048_704


@pytest.mark.parametrize("size", [32, 64, 128])
def test_shapes_ranges_and_types(size):
    config = Config(size=size, width=0.02)
    generator, discriminator = build_generator(config, 0.1), build_discriminator(config)
    latents = sample_latents(config, 2, seed=0)
    voxels = generator(latents, training=True)
    assert voxels.shape == (2, size, size, size, 1)
    assert voxels.dtype == tf.float32
    assert 0 <= float(tf.reduce_min(voxels)) <= float(tf.reduce_max(voxels)) <= 1
    logits = discriminator(voxels, training=True)
    assert logits.shape == (2, 1) and logits.dtype == tf.float32


def test_output_begins_as_empty_as_the_data():
    """The book's BatchNorm before the sigmoid fills half of all voxels."""
    config = dataclasses.replace(PRESETS["book"], size=32, width=0.05)
    shapes = build_generator(config, occupancy=0.04)(
        sample_latents(config, 8, seed=0), training=True
    )
    assert float(tf.reduce_mean(shapes)) == pytest.approx(0.04, abs=0.02)
    last_norm = [
        layer
        for layer in build_generator(config).layers
        if isinstance(layer, keras.layers.BatchNormalization)
    ][-1]
    assert last_norm.output.shape[1:4] != (32, 32, 32)


@pytest.mark.parametrize("norm", ["none", "batch", "layer"])
def test_a_single_shape_gives_the_discriminator_a_gradient(norm):
    """The book's D has BatchNorm on its one output: at batch 1 it is a constant."""
    discriminator = build_discriminator(Config(width=0.1, d_norm=norm))
    shape = tf.constant(boxes(1)[..., None], tf.float32)
    shape = tf.pad(shape, [[0, 0], [1, 1], [1, 1], [1, 1], [0, 0]])
    with tf.GradientTape() as tape:
        tape.watch(shape)
        logit = discriminator(shape, training=True)
    assert float(tf.reduce_max(tf.abs(tape.gradient(logit, shape)))) > 1e-6


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"d_norm": "batch", "gate_accuracy": 0.8, "r1_gamma": 0.0},
        # A bias adds the same to D(x) and D(G(z)); while no margin is met these
        # losses subtract the one from the other.
        {"d_norm": "layer", "loss": "hinge", "bias": False},
        {
            "loss": "wasserstein",
            "gradient_penalty": 10.0,
            "r1_gamma": 0.0,
            "bias": False,
        },
        {"update_mode": "simultaneous", "loss": "minimax", "real_label": 0.9},
        {"loss": "least_squares", "prior": "uniform01", "average": 0.0},
    ],
)
def test_every_weight_gets_a_finite_gradient(change):
    keras.utils.set_random_seed(0)
    config = dataclasses.replace(TINY, **change)
    model = build_model(config, occupancy=0.1)
    batch = tf.constant(padded(boxes(8))[..., None], tf.float32)
    assert_every_weight_learns(model, batch)


@pytest.mark.parametrize(
    ("precision", "mode"),
    [
        ("float32", "alternating"),
        ("float32", "simultaneous"),
        ("mixed_bfloat16", "simultaneous"),
        ("mixed_float16", "alternating"),
    ],
)
def test_a_compiled_step_moves_everything_and_stays_finite(precision, mode):
    """With the R1 penalty, whose gradient of a gradient is the delicate part."""
    keras.utils.set_random_seed(0)
    keras.mixed_precision.set_global_policy(precision)
    try:
        model = build_model(dataclasses.replace(TINY, update_mode=mode), 0.1)
    finally:
        keras.mixed_precision.set_global_policy("float32")
    batch = tf.constant(padded(boxes(8))[..., None], tf.float32)
    model.prepare(tf.TensorSpec(batch.shape, tf.float32))
    before = [v.numpy().copy() for p in model.phases for v in p.network.variables]
    tf.function(model.train_step)(batch)  # step 0 has the penalty
    after = [v.numpy() for p in model.phases for v in p.network.variables]
    assert all(np.isfinite(values).all() for values in after)
    assert all((a != b).any() for a, b in zip(before, after, strict=True))
    assert {v.dtype for p in model.phases for v in p.network.variables} == {"float32"}


def test_training_and_output_draw_from_the_same_prior():
    """The book trains on N(0, 0.33) and predicts from N(0, 1)."""
    config = PRESETS["book"]
    assert sample_latents(config, 500, 0).std() == pytest.approx(0.33, rel=0.02)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """24 boxes to train and 10 to test."""
    return write_boxes(tmp_path_factory.mktemp("boxes"))


@pytest.fixture(scope="module")
def run(tmp_path_factory, data) -> RunDir:
    """A tiny trained run."""
    run = RunDir(tmp_path_factory.mktemp("run") / "tiny")
    return train(dataclasses.replace(TINY, data=data), run)


def test_discriminator_overfits_one_batch():
    keras.utils.set_random_seed(0)
    model = build_model(dataclasses.replace(TINY, r1_gamma=0.0), occupancy=0.1)
    batch = tf.constant(padded(boxes(8))[..., None], tf.float32)
    losses = discriminator_losses(model, batch, 60)
    assert losses[-1] < 0.05 * losses[0]


def test_generator_fits_one_batch():
    """Plain regression from latents to shapes: the network can say what it should."""
    keras.utils.set_random_seed(0)
    generator = build_generator(dataclasses.replace(TINY, width=0.1), occupancy=0.1)
    shapes = tf.constant(padded(boxes(4))[..., None], tf.float32)
    latents = sample_latents(TINY, 4, seed=0)
    generator.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    history = generator.fit(latents, shapes, epochs=80, verbose=0).history["loss"]
    assert history[-1] < 0.1 * history[0]


def test_metrics_and_baselines(run, data):
    config = run.read_config(Config)
    metrics = evaluation.test(run, config)
    assert json.loads((run.path / "metrics.json").read_text()) == metrics
    names = (
        "cov_iou mmd_iou one_nna_iou pairwise_iou occupancy jsd_occupancy n_samples "
        "n_reference"
    ).split()
    for prefix in ("", "baseline_train_", "baseline_untrained_"):
        for name in names:
            assert np.isfinite(metrics[prefix + name])
    assert metrics["n_samples"] == metrics["n_reference"] == 10
    assert metrics["baseline_train_mmd_iou"] < metrics["baseline_untrained_mmd_iou"]
    for name in ("metrics.md", "samples.png", "neighbours.png"):
        assert (run.path / name).stat().st_size > 0
    with pytest.raises(UserError, match="--samples must be from 2 to the 24"):
        evaluation.test(run, config, samples=25)


def test_generated_files_can_be_read_back(run, tmp_path):
    config = run.read_config(Config)

    def written(format: str) -> list[Path]:
        return generation.generate(run, config, 2, 3, format, tmp_path / format)

    arrays = np.load(written("npy")[1])
    assert arrays.shape == (2, 32, 32, 32) and arrays.dtype == bool
    for format in ("mat", "binvox"):
        for path, voxels in zip(written(format)[1:], arrays, strict=True):
            np.testing.assert_array_equal(read_voxels(path)[0], voxels)
    assert "<canvas" in written("html")[1].read_text()
    assert [p.suffix for p in written("png")] == [".png"] * 3
    with pytest.raises(UserError, match="--count must be from 1"):
        generation.generate(run, config, 0, 3, "png", tmp_path)


def test_meshes_of_a_filled_generator_are_watertight(run, tmp_path, monkeypatch):
    shapes = padded(boxes(2))
    monkeypatch.setattr(generation, "make_shapes", lambda *_, **__: shapes)
    for format in ("stl", "obj", "glb"):
        paths = generation.generate(
            run, run.read_config(Config), 2, 3, format, tmp_path
        )
        for path in paths[1:]:
            mesh = trimesh.load(path, force="mesh")
            assert mesh.is_watertight and mesh.volume > 0


def test_networks_are_loaded_by_a_program_that_has_not_built_them(run):
    program = (
        "import sys; from pathlib import Path\n"
        "from common.fitting import load_network\n"
        "for path in sys.argv[1:]: print(load_network(Path(path)).name)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(run.generator), str(run.discriminator)],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parent.parent,
        timeout=100,
    )
    assert done.stdout.split() == ["generator", "discriminator"], done.stderr


def test_same_seed_same_shapes(run):
    config = run.read_config(Config)
    np.testing.assert_array_equal(
        sample_latents(config, 3, 5), sample_latents(config, 3, 5)
    )
    assert (sample_latents(config, 3, 5) != sample_latents(config, 3, 6)).any()


def test_walks_and_sums_are_drawn(run):
    config = run.read_config(Config)
    for path in (
        generation.interpolate(run, config, 2, 3, seed=0),
        generation.latent_arithmetic(run, config, seed=0),
    ):
        assert path.stat().st_size > 1000
    with pytest.raises(UserError, match="--steps from 2 to 64, found 2 and 1"):
        generation.interpolate(run, config, 2, 1, seed=0)


def test_extents_by_hand():
    shape = np.zeros((1, 8, 8, 8), bool)
    shape[0, 2:4, 1:7, 3:4] = True
    assert generation.MEASURES["wider"](shape) == 6
    assert generation.MEASURES["deeper"](shape) == 2
    assert generation.MEASURES["fuller"](shape) == 12 / 512


def test_features_have_the_papers_length():
    discriminator = build_discriminator(PRESETS["paper"])
    extractor = classification.feature_extractor(discriminator)
    assert extractor.output_shape == (None, 7168)


def test_features_are_the_maxima_of_cells():
    discriminator = build_discriminator(Config(width=0.05))
    extractor = classification.feature_extractor(discriminator)
    store = VoxelStore.from_array(padded(boxes(3)))
    features = classification.extract(extractor, store)
    layer = keras.Model(
        discriminator.input, discriminator.get_layer("features_1").output
    )
    response = layer(store[slice(0, 3)].astype(np.float32)).numpy()
    corner = response[:, :8, :8, :8].max(axis=(1, 2, 3))
    np.testing.assert_allclose(features[:, : corner.shape[1]], corner, rtol=1e-5)


def test_classification_of_a_labelled_file(run, tmp_path):
    rng = np.random.default_rng(0)
    tall, flat = np.zeros((2, 20, 30, 30, 30), np.int32)
    tall[:, 10:20, 10:20, 3:27] = 1
    flat[:, 3:27, 3:27, 10:14] = 1
    voxels = np.concatenate([tall, flat])
    voxels[rng.random(voxels.shape) < 0.01] = 1
    labels = np.repeat([0, 1], 20)
    path = tmp_path / "set.npz"
    np.savez(path, X_train=voxels, y_train=labels, X_test=voxels, y_test=labels)
    config = dataclasses.replace(run.read_config(Config), data=path, classes=())
    text = classification.classify(run, config)
    assert "3D-GAN | | 91.0" in text
    result = json.loads((run.path / "classify.json").read_text())
    assert result["run_accuracy"] == 1.0
    assert result["n_train"] == 40


def test_meshes_become_training_data(tmp_path):
    meshes = tmp_path / "meshes"
    for name in ("chair", "table"):
        for split in ("train", "test"):
            folder = meshes / name / split
            folder.mkdir(parents=True)
            trimesh.creation.box((1, 2, 3)).export(folder / "a.off")
    (meshes / "chair" / "train" / "broken.off").write_text("OFF\n1 1")
    report = preparation.prepare(meshes, tmp_path / "out")
    assert "chair train: 1 shapes" in report and "table test: 1 shapes" in report
    assert "left out: " in report and "broken.off" in report
    files = find_shapes(tmp_path / "out", ("chair",), "train")
    voxels = read_voxels(files[0].path)[0]
    filled = [
        np.flatnonzero(voxels.any(axis=axes)) for axes in ((1, 2), (0, 2), (0, 1))
    ]
    assert [f.max() - f.min() + 1 for f in filled] == pytest.approx([8, 16, 24], abs=1)
    assert voxels.sum() == pytest.approx(8 * 16 * 24, rel=0.15)
    with pytest.raises(UserError, match="exists already"):
        preparation.prepare(meshes, tmp_path / "out")
    with pytest.raises(UserError, match="no such directory"):
        preparation.prepare(tmp_path / "none", tmp_path / "out2")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="no meshes in"):
        preparation.prepare(tmp_path / "empty", tmp_path / "out2")
