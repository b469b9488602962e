"""Training from the command line: killed, stopped, resumed, and ended by NaN.

The training that is killed runs in a process of its own, the others in this one. Those
that do not need a chapter's networks train the toy GAN.
"""

import csv
import os
import shutil
import signal
import subprocess
import sys
import time
import types
from pathlib import Path

import keras
import numpy as np
import pytest
import toy
from command_lines import Ended, call
from shapes import boxes, write_boxes

from chapter02_3dgan import training
from chapter02_3dgan.commands import CHAPTER
from chapter02_3dgan.data import load_split
from common.chapter import Chapter
from common.config import RunConfig
from common.data.batches import TrainingData
from common.images import writing
from common.shapes.voxels import write_mat
from common.training import devices
from common.training import fit as fit_module
from common.training.fit import Gallery, fit_run
from common.training.run_dir import RunDir

ROOT = Path(__file__).resolve().parents[3]
MAIN = ROOT / "chapter02_3dgan" / "main.py"
STEPS = 40
OPTIONS = (
    "--width 0.05 --batch-size 8 --precision float32 --log-every 4 "
    f"--sample-every 20 --checkpoint-every 4 --steps {STEPS}"
).split()


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """A data set of 24 boxes to train on."""
    return write_boxes(tmp_path_factory.mktemp("data"))


def options(run: Path, data: Path) -> list:
    """Return the command line of a new run."""
    return ["train", "--run-dir", run, "--data", data, "--classes", "box", *OPTIONS]


def start(run: Path, data: Path) -> subprocess.Popen:
    """Start a training in a process of its own."""
    return subprocess.Popen(
        [sys.executable, MAIN, *options(run, data)],
        stderr=subprocess.PIPE,
        text=True,
        cwd=run.parent,
    )


def train(run: Path, data: Path, *more: str) -> Ended:
    return call(CHAPTER, *options(run, data), *more, cwd=run.parent)


def resume(run: Path, *arguments: object, chapter: Chapter = CHAPTER) -> Ended:
    resumed = ["train", "--run-dir", run, "--resume", *arguments]
    return call(chapter, *resumed, cwd=run.parent)


def points(*callbacks: keras.callbacks.Callback) -> Chapter:
    """Return a chapter that trains the toy GAN with these callbacks."""

    def fit(config: RunConfig, run: RunDir) -> None:
        run.write_config(config)
        with run.recording(config):
            devices.set_up(config, bfloat16_keeps_quality=False)
            latents = np.zeros((2, 3), np.float32)
            gallery = Gallery(latents, lambda items: np.zeros((4, 4, 3), np.uint8))
            data = TrainingData(lambda rows: toy.POINTS[rows], toy.COUNT)
            model = toy.build(d_norm=True, g_every=2)
            fit_run(model, data, gallery, config, run, callbacks)

    preset = RunConfig(
        batch_size=toy.BATCH,
        steps=STEPS,
        log_every=4,
        checkpoint_every=4,
        sample_every=20,
        precision="float32",
    )
    package = types.ModuleType("points")
    package.train = fit
    sys.modules["points"] = package
    return Chapter("points", {"quick": preset}, has_tuning=False)


def train_points(run: Path, *more: str) -> None:
    done = call(points(), "train", "--run-dir", run, *more, cwd=run.parent)
    assert done.returncode == 0, done.stderr


def wait_for_checkpoint(run: Path, process: subprocess.Popen) -> None:
    """Wait until there are two checkpoints."""
    for _ in range(4000):
        if len(list((run / "checkpoints").glob("step_*.npz"))) >= 2:
            return
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.02)
    pytest.fail("no checkpoints after 80 seconds")


def final_state(run: Path, steps: int = STEPS) -> dict[str, np.ndarray]:
    path = run / "checkpoints" / f"step_{steps:08d}.npz"
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


@pytest.fixture(scope="module")
def whole(tmp_path_factory, data) -> Path:
    """An uninterrupted run."""
    run = tmp_path_factory.mktemp("whole") / "run"
    done = train(run, data)
    assert done.returncode == 0, done.stderr
    return run


def assert_same(run: Path, whole: Path) -> None:
    ours, theirs = final_state(run), final_state(whole)
    assert set(ours) == set(theirs)
    for name, value in theirs.items():
        np.testing.assert_array_equal(ours[name], value, err_msg=name)


def rows(run: Path) -> list[dict[str, str]]:
    with (run / "metrics.csv").open(newline="") as file:
        return [
            {name: value for name, value in row.items() if name != "seconds"}
            for row in csv.DictReader(file)
        ]


def test_a_run_writes_all_files_that_it_should(whole):
    for name in (
        "config.json environment.json log.txt metrics.csv reals.png curves.png "
        "training.gif generator.keras discriminator.keras samples/step_00000000.png "
        f"samples/step_{STEPS:08d}.png"
    ).split():
        assert (whole / name).stat().st_size > 0, name
    assert [row["step"] for row in rows(whole)] == [
        str(step) for step in range(4, STEPS + 1, 4)
    ]


def test_tensorboard_has_scalars_pictures_hyperparameters_and_both_graphs(whole):
    """The events are read back with TensorBoard's own reader."""
    from tensorboard.backend.event_processing.event_multiplexer import EventMultiplexer

    events = EventMultiplexer()
    events.AddRunsFromDirectory(str(whole / "tensorboard"))
    events.Reload()
    runs = events.Runs()
    for name in ("generator", "discriminator"):
        graph = events.Graph(f"graph_{name}")
        operations = {node.op for node in graph.node}
        operations |= {n.op for f in graph.library.function for n in f.node_def}
        assert "Conv3D" in operations or "Conv3DBackpropInputV2" in operations
    names = {tag for run in runs.values() for tag in run["tensors"]}
    expected = {"d_loss", "g_loss", "d_real", "d_fake", "d_accuracy", "d_penalty"}
    assert expected | {"samples", "reals", "hyperparameters"} <= names


@pytest.mark.slow
def test_killed_and_resumed_equals_uninterrupted(tmp_path, data, whole):
    run = tmp_path / "run"
    process = start(run, data)
    wait_for_checkpoint(run, process)
    process.kill()
    process.communicate()
    newest = sorted((run / "checkpoints").glob("*.npz"))[-1]
    assert newest.name != f"step_{STEPS:08d}.npz", (
        "the training ended before it was killed"
    )
    # Also damage the newest one, as if the machine had lost power while writing it.
    newest.write_bytes(newest.read_bytes()[:-100])
    done = resume(run)
    assert done.returncode == 0, done.stderr
    assert "is damaged" in done.stderr
    assert_same(run, whole)
    assert rows(run) == rows(whole)


class Terminate(keras.callbacks.Callback):
    """Sends SIGTERM to its own process after step 10."""

    def on_train_batch_end(self, batch, logs=None):
        if int(self.model.step.numpy()) == 10:
            os.kill(os.getpid(), signal.SIGTERM)


def test_sigterm_saves_and_stops_cleanly(tmp_path):
    run, whole = tmp_path / "run", tmp_path / "whole"
    train_points(whole)
    done = call(points(Terminate()), "train", "--run-dir", run, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "stopped by SIGTERM after step 10 of" in done.stderr
    assert (run / "checkpoints" / "step_00000010.npz").exists()
    assert (run / "generator.keras").exists()
    done = resume(run, chapter=points())
    assert done.returncode == 0, done.stderr
    assert_same(run, whole)


def test_resuming_with_other_data_is_refused(whole, tmp_path):
    folder = tmp_path / "volumetric_data" / "box" / "30" / "train"
    folder.mkdir(parents=True)
    for number, voxels in enumerate(boxes(9), start=1):
        write_mat(folder / f"box_{number:09d}_1.mat", voxels)
    before = (whole / "config.json").read_bytes()
    done = resume(whole, "--data", tmp_path)
    assert done.returncode == 2
    assert "began with another data set: expected " in done.stderr
    assert (whole / "config.json").read_bytes() == before


def test_resuming_with_other_options_is_refused(whole):
    done = resume(whole, "--batch-size", "4")
    assert done.returncode == 2
    assert "from another configuration (batch_size: 8 -> 4)" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_loss_that_is_not_finite_stops_the_run(tmp_path, data):
    """The earlier checkpoints are kept, and none of them contains NaN."""
    run = tmp_path / "run"
    rates = ["--g-learning-rate", "2e9", "--d-learning-rate", "2e9"]
    done = train(run, data, *rates, "--checkpoint-every", "1")
    assert done.returncode == 1, done.stderr
    assert "training failed: the loss of phase" in done.stderr
    assert "Traceback" not in done.stderr
    kept = sorted((run / "checkpoints").glob("*.npz"))
    assert kept
    for path in kept:
        with np.load(path) as file:
            assert all(np.isfinite(file[name]).all() for name in file.files)


def test_ctrl_c_while_the_data_are_read_is_reported_in_one_word(
    tmp_path, data, monkeypatch
):
    read = load_split

    def interrupted(*arguments):
        os.kill(os.getpid(), signal.SIGINT)
        return read(*arguments)

    monkeypatch.setattr(training, "load_split", interrupted)
    done = train(tmp_path / "run", data)
    assert (done.returncode, done.stderr) == (130, "interrupted\n")


def test_a_finished_training_can_be_continued_to_more_steps(tmp_path):
    """7 steps and then 9 more equal 16 steps, also with two steps per execution."""
    runs = [tmp_path / "at once", tmp_path / "in two"]
    two = ["--steps-per-execution", "2", "--steps"]
    train_points(runs[0], *two, "16")
    train_points(runs[1], *two, "7")
    done = resume(runs[1], "--steps", "16", chapter=points())
    assert done.returncode == 0, done.stderr
    states = [final_state(run, 16) for run in runs]
    for name, value in states[0].items():
        if not name.startswith("progress"):
            np.testing.assert_array_equal(states[1][name], value, err_msg=name)


def test_a_network_without_its_checkpoints_is_never_overwritten(tmp_path, monkeypatch):
    """Otherwise a resumed run would start at step 0 and replace the network."""
    run = tmp_path / "run"
    with monkeypatch.context() as patch:
        # The networks are written also if the pictures of the end cannot be drawn.
        patch.setattr(fit_module, "draw_curves", lambda *_: 1 / 0)
        patch.setattr(writing, "save_gif", lambda *_: 1 / 0)
        train_points(run, "--steps", "4")
    shutil.rmtree(run / "checkpoints")
    before = {path: path.read_bytes() for path in run.glob("*.keras")}
    assert len(before) == 2
    done = resume(run, "--steps", "8", chapter=points())
    assert done.returncode == 2
    lines = done.stderr.strip().splitlines()
    assert lines[-1].startswith("error: ")
    assert "there is no checkpoint to continue from" in lines[-1]
    assert {path: path.read_bytes() for path in run.glob("*.keras")} == before
