"""The real command line: killed, stopped, resumed, and ended by NaN."""

import csv
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from shapes import boxes, write_boxes

from common.voxels import write_mat

ROOT = Path(__file__).resolve().parent.parent
MAIN = ROOT / "chapter02_3dgan" / "main.py"
STEPS = 40
OPTIONS = (
    "--width 0.05 --batch-size 8 --precision float32 --log-every 4 "
    f"--sample-every 20 --checkpoint-every 4 --steps {STEPS}"
).split()


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """24 boxes to train."""
    return write_boxes(tmp_path_factory.mktemp("data"))


def command(run: Path, *arguments: str) -> list[str]:
    return [sys.executable, str(MAIN), "train", "--run-dir", str(run), *arguments]


def start(run: Path, data: Path) -> subprocess.Popen:
    arguments = ["--data", str(data), "--classes", "box", *OPTIONS]
    return subprocess.Popen(
        command(run, *arguments), stderr=subprocess.PIPE, text=True, cwd=run.parent
    )


def train(run: Path, data: Path) -> None:
    process = start(run, data)
    _, told = process.communicate(timeout=200)
    assert process.returncode == 0, told


def resume(run: Path, *arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        command(run, "--resume", *arguments),
        capture_output=True,
        text=True,
        timeout=200,
        cwd=run.parent,
    )


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
    """A run that nobody interrupted."""
    run = tmp_path_factory.mktemp("whole") / "run"
    train(run, data)
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


def test_a_run_leaves_what_it_promises(whole):
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
    """Read back by TensorBoard's own reader."""
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


def test_killed_and_resumed_equals_uninterrupted(tmp_path, data, whole):
    run = tmp_path / "run"
    process = start(run, data)
    wait_for_checkpoint(run, process)
    process.kill()
    process.communicate()
    newest = sorted((run / "checkpoints").glob("*.npz"))[-1]
    assert newest.name != f"step_{STEPS:08d}.npz", "it had ended before the kill"
    # The machine may have died while the newest was being written, too.
    newest.write_bytes(newest.read_bytes()[:-100])
    done = resume(run)
    assert done.returncode == 0, done.stderr
    assert "is torn" in done.stderr
    assert_same(run, whole)
    assert rows(run) == rows(whole)


def test_sigterm_saves_and_ends_cleanly(tmp_path, data, whole):
    run = tmp_path / "run"
    process = start(run, data)
    wait_for_checkpoint(run, process)
    process.send_signal(signal.SIGTERM)
    _, told = process.communicate(timeout=100)
    assert process.returncode == 0, told
    assert "stopped by SIGTERM after step" in told
    assert (run / "generator.keras").exists()
    done = resume(run)
    assert done.returncode == 0, done.stderr
    assert_same(run, whole)


def test_resuming_with_other_data_is_refused(whole, tmp_path):
    folder = tmp_path / "volumetric_data" / "box" / "30" / "train"
    folder.mkdir(parents=True)
    for number, voxels in enumerate(boxes(9), start=1):
        write_mat(folder / f"box_{number:09d}_1.mat", voxels)
    done = resume(whole, "--data", str(tmp_path))
    assert done.returncode == 2
    assert "began with 24 training items, and there are 9 now" in done.stderr


def test_resuming_with_other_options_is_refused(whole):
    done = resume(whole, "--batch-size", "4")
    assert done.returncode == 2
    assert "from another configuration (batch_size: 8 -> 4)" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_loss_that_is_not_finite_stops_the_run(tmp_path, data):
    run = tmp_path / "run"
    arguments = ["--data", str(data), "--classes", "box", *OPTIONS]
    arguments += ["--g-learning-rate", "2e9", "--d-learning-rate", "2e9"]
    done = subprocess.run(
        command(run, *arguments), capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 1, done.stderr
    assert "training failed: the loss of phase" in done.stderr
    assert "Traceback" not in done.stderr
    for path in (run / "checkpoints").glob("*.npz"):
        with np.load(path) as file:
            assert all(np.isfinite(file[name]).all() for name in file.files)


def test_ctrl_c_while_the_data_are_read_ends_quietly(tmp_path, data):
    process = start(tmp_path / "run", data)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=100)
    assert process.returncode in (130, 0), told
    assert "Traceback" not in told


def test_a_longer_training_goes_on_where_it_ended(tmp_path, data):
    """8 steps and then 8 more are 16, also with two steps an execution."""
    runs = []
    for lengths in (["16"], ["7", "16"]):
        run = tmp_path / f"run{len(lengths)}"
        arguments = ["--data", str(data), "--classes", "box", *OPTIONS]
        arguments += ["--steps-per-execution", "2"]
        for steps in lengths:
            done = subprocess.run(
                command(run, *arguments, "--steps", steps),
                capture_output=True,
                text=True,
                timeout=200,
            )
            assert done.returncode == 0, done.stderr
            arguments = ["--resume"]
        runs.append(run)
    states = [final_state(run, 16) for run in runs]
    for name, value in states[0].items():
        if not name.startswith("progress"):
            np.testing.assert_array_equal(states[1][name], value, err_msg=name)
