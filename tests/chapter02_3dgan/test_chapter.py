"""Chapter 2: scores, outputs, classification and the preparation of data."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import trimesh
from shapes import boxes, padded, write_boxes
from tiny import CHAPTER02 as TINY

from chapter02_3dgan import classification, evaluation, generation, preparation
from chapter02_3dgan.config import PRESETS, Config
from chapter02_3dgan.networks import build_discriminator
from chapter02_3dgan.training import train
from common.errors import UserError
from common.gan.latents import sample_latents
from common.shapes.store import VoxelStore
from common.shapes.voxels import find_shapes, read_voxels
from common.training.run_dir import RunDir


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """Return the folder of a data set of 24 boxes to train on and 10 to test on."""
    return write_boxes(tmp_path_factory.mktemp("boxes"))


@pytest.fixture(scope="module")
def run(tmp_path_factory, data) -> RunDir:
    """Return a tiny trained run."""
    run = RunDir(tmp_path_factory.mktemp("run") / "tiny")
    return train(dataclasses.replace(TINY, data=data), run)


def test_metrics_and_baselines(run, data, monkeypatch):
    # Training shapes are compared in blocks of seven.
    monkeypatch.setattr(evaluation, "BLOCK_VOXELS", 7 * 32**3)
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
    # Training items are what a generator would make that has learnt them by heart.
    assert metrics["baseline_train_nearest_training_ratio"] == 0
    assert metrics["baseline_train_nearest_training_share"] == 1
    assert metrics["nearest_training_ratio"] > 0.5
    for name in ("metrics.md", "samples.png", "neighbours.png"):
        assert (run.path / name).stat().st_size > 0
    with pytest.raises(UserError, match="--samples must be from 2 to the 24"):
        evaluation.test(run, config, samples=25)
    monkeypatch.setattr(evaluation, "load_split", lambda *_: [None])
    with pytest.raises(UserError, match="at least 2 held-out shapes .*, found 1; add"):
        evaluation.test(run, config)


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
        "from common.training.network_files import load_network\n"
        "for path in sys.argv[1:]: print(load_network(Path(path)).name)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(run.generator), str(run.discriminator)],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        timeout=100,
    )
    assert done.stdout.split() == ["generator", "discriminator"], done.stderr


def test_same_seed_same_shapes(run):
    config = run.read_config(Config)
    np.testing.assert_array_equal(
        sample_latents(config, 3, 5), sample_latents(config, 3, 5)
    )
    assert (sample_latents(config, 3, 5) != sample_latents(config, 3, 6)).any()


def test_interpolations_and_arithmetic_are_drawn(run):
    config = run.read_config(Config)
    for path in (
        generation.interpolate(run, config, 2, 3, seed=0),
        generation.latent_arithmetic(run, config, seed=0),
    ):
        assert path.stat().st_size > 1000
    with pytest.raises(UserError, match="--steps from 2 to 64, found 2 and 1"):
        generation.interpolate(run, config, 2, 1, seed=0)


def test_measures_of_a_shape_by_hand():
    shape = np.zeros((1, 8, 8, 8), bool)
    shape[0, 2:4, 1:7, 3:4] = True
    assert generation.MEASURES["wider"](shape) == 6
    assert generation.MEASURES["deeper"](shape) == 2
    assert generation.MEASURES["fuller"](shape) == 12 / 512


def test_features_have_the_papers_length():
    discriminator = build_discriminator(PRESETS["paper"])
    extractor = classification.feature_extractor(discriminator)
    assert extractor.output_shape == (None, 7168)


def test_features_are_the_maxima_over_cells():
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
    text = classification.classify(run, data=path)
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
