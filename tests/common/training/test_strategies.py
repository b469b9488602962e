"""Training on several devices or in several processes equals training on one device.

TensorFlow must know the devices and workers when it starts, so these runs are done in
other processes. Each process does several runs, because starting takes seconds.
"""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import shared_training
from command_lines import call

from common.config import RunConfig
from common.errors import UserError
from common.training import local_workers, workers
from common.training.curves import read_rows
from common.training.local_workers import end_workers, start_workers

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = ROOT / "tests" / "shared_training.py"


def words(*runs: tuple) -> list:
    """Return runs as arguments of shared_training.py.

    Args:
        runs: a folder and options, for each run.
    """
    return [word for run in runs for word in ("then", *run)][1:]


def train_together(*runs: tuple) -> list[tuple[int, str, str]]:
    """Train runs of the toy GAN with two workers.

    Args:
        runs: a folder and options, for each run.

    Returns:
        Exit status, output and messages of both workers, the chief first.
    """
    return end_workers(start_workers([PROGRAM, "multiworker", *words(*runs)]))


def losses(folder: Path) -> np.ndarray:
    """Return metrics.csv without the seconds, (steps, columns)."""
    rows = read_rows(folder / "metrics.csv")
    assert rows
    names = [name for name in rows[0] if name != "seconds"]
    return np.array([[row.get(name, 0.0) for name in names] for row in rows])


def state(folder: Path) -> dict[str, np.ndarray]:
    """Return all variables of the newest checkpoint."""
    newest = max((folder / "checkpoints").glob("step_*.npz"))
    with np.load(newest, allow_pickle=False) as file:
        return dict(file)


@pytest.fixture(scope="module")
def alone(tmp_path_factory) -> Path:
    """A run of the toy GAN on one device."""
    folder = tmp_path_factory.mktemp("alone") / "run"
    assert shared_training.do_run("none", str(folder)) == 0
    return folder


@pytest.fixture(scope="module")
def mirrored(tmp_path_factory) -> Path:
    """The same run on two devices."""
    folder = tmp_path_factory.mktemp("mirrored") / "run"
    train_mirrored(folder)
    return folder


def train_mirrored(*run: object) -> None:
    """Train a run of the toy GAN, a folder and options, on two devices."""
    done = subprocess.run(
        [sys.executable, PROGRAM, "mirrored", *run],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.fixture(scope="module")
def together(tmp_path_factory) -> tuple[Path, list[tuple[int, str, str]]]:
    """Three runs of two workers, the last of which loses a worker.

    The second value is the exit status, output and messages of both workers.
    """
    folder = tmp_path_factory.mktemp("together")
    done = train_together(
        [folder / "norm", "norm"],
        [folder / "ask", "ask", "steps=500"],
        [folder / "fall", "fall"],
    )
    return folder, done


def assert_alike(folder: Path, alone: Path) -> None:
    np.testing.assert_allclose(losses(folder), losses(alone), rtol=1e-5, atol=1e-6)
    found, wanted = state(folder), state(alone)
    assert list(found) == list(wanted)
    for name, value in wanted.items():
        # Adam divides by the root of a mean of squares, which starts near 0 and
        # magnifies rounding errors.
        np.testing.assert_allclose(found[name], value, rtol=1e-3, atol=1e-5)


def test_two_devices_train_like_one(alone, mirrored):
    assert_alike(mirrored, alone)


@pytest.mark.slow
def test_a_lost_worker_ends_the_others_and_the_run_can_be_resumed(alone, together):
    """Resumed on two workers, the run ends like an uninterrupted one on one device."""
    folder, ((status, output, _), (killed, *_)) = together
    assert (status, killed) == (1, -9)
    message = output.splitlines()[-1]
    assert message.startswith("another worker was lost") and "--resume" in message
    run = folder / "fall"
    kept = sorted(p.name for p in (run / "checkpoints").iterdir())
    assert kept == ["step_00000003.npz"]
    assert [done[:2] for done in train_together([run])] == [(0, "ended 6\n")] * 2
    assert_alike(run, alone)


@pytest.mark.slow
def test_all_workers_stop_if_one_is_asked_to(together):
    folder, workers = together
    # Lines 0 and 1 are from the first run; in the third, only the chief writes a line.
    outputs = [output.splitlines() for _, output, _ in workers]
    assert [lines[2] for lines in outputs] == ["interrupted 2"] * 2
    assert [len(lines) for lines in outputs] == [4, 3]
    assert (folder / "ask" / "checkpoints" / "step_00000002.npz").exists()


@pytest.mark.slow
def test_batch_statistics_are_computed_on_each_device(tmp_path, together):
    """D's BatchNorm normalises with the moments of each device's half of the batch."""
    alone, mirrored = tmp_path / "alone", tmp_path / "mirrored"
    assert shared_training.do_run("none", str(alone), "norm") == 0
    train_mirrored(mirrored, "norm")
    one, two = losses(alone), losses(mirrored)
    assert np.abs(one[0, 1:] - two[0, 1:]).max() > 1e-3
    # The moving moments are averaged. They must be the same on all workers, because
    # each continues with its own copy of the networks.
    chief, helper = (output.splitlines() for _, output, _ in together[1])
    assert chief[0].startswith("moments [[") and chief[:2] == helper[:2]
    assert chief[1] == "ended 6"
    for name in ("discriminator/004", "discriminator/005"):
        moments = [state(run)[name] for run in (alone, mirrored)]
        np.testing.assert_allclose(*moments, rtol=0.02, atol=0.02)


@pytest.fixture(scope="module")
def chapters(tmp_path_factory) -> Path:
    """Runs of all chapters, in the folders "none" and "multiworker"."""
    program = ROOT / "tests" / "shared_chapters.py"
    folder = tmp_path_factory.mktemp("chapters")
    write = f"import shared_chapters as s; s.write_data(s.Path({str(folder)!r}))"
    subprocess.run([sys.executable, "-c", write], cwd=program.parent, check=True)
    for done in end_workers(start_workers([program, "multiworker", folder])):
        assert done[0] == 0, done[2][-3000:]
    alone = [sys.executable, program, "none", folder]
    subprocess.run(alone, check=True, capture_output=True)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(
    "run",
    # The generators of the other chapters have BatchNorm here. Chapter 5's second
    # stage divides errors of feature maps by the maps' mean square over the batch.
    ["chapter01_gan", "chapter04_dcgan", "chapter05_srgan", "study_von/texture"],
)
def test_chapters_without_batch_statistics_train_alike(chapters, run):
    found, wanted = (losses(chapters / s / run) for s in ("multiworker", "none"))
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(
    "run",
    [
        "chapter02_3dgan",
        "chapter03_agecgan",
        "chapter03_agecgan/encoder",
        "chapter03_agecgan/identity",
        "chapter05_srgan/srgan",
        "study_norb",
        "study_von",
        "study_von/joint",
    ],
)
def test_all_stages_of_chapters_train_together(chapters, run):
    folder = chapters / "multiworker" / run
    found = losses(folder)
    assert found.shape[0] == 2 and np.isfinite(found).all()
    assert list(folder.glob("*.keras"))


def config(workers: object, kind: object = "worker", index: object = 0) -> dict:
    """Return a TF_CONFIG with the given list of workers and task."""
    return {"cluster": {"worker": workers}, "task": {"type": kind, "index": index}}


@pytest.mark.parametrize(
    ("variable", "message"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "too deeply nested"),
        ("[1]", "the objects cluster and task"),
        ({"cluster": [], "task": {}}, "the objects cluster and task"),
        ({"cluster": {"worker": ["a:1"]}}, "the objects cluster and task"),
        ({"cluster": {}, "task": {"type": "worker", "index": 0}}, "may list only"),
        ({"cluster": {"ps": ["a:1"]}, "task": {}}, "may list only chief and worker"),
        ({"cluster": {"chief": ["a:1", "b:1"]}, "task": {}}, "only one chief"),
        (config([]), "must be a list of addresses"),
        (config("a:1"), "must be a list of addresses"),
        *[
            (config([address]), 'expected an address "host:port"')
            for address in (
                "a",
                ":1",
                "a:",
                "a:0",
                "a:65536",
                "a:1\n",
                "a b:1",
                "::1:2",
            )
        ],
        (config([["a:1"]]), 'expected an address "host:port"'),
        (config(["a:1", "b:1", "a:1"]), "a:1 is there twice"),
        *[
            (config(["a:1", "b:1"], index=index), "expected a whole number as index")
            for index in (True, 0.9, "0", None, [0])
        ],
        (config(["a:1"], index=-1), "has no 'worker' with the index -1"),
        (config(["a:1"], index=1), "has no 'worker' with the index 1"),
        (config(["a:1"], "chief"), "has no 'chief' with the index 0"),
        (config(["a:1"], ["worker"]), "has no ['worker'] with the index 0"),
    ],
)
def test_a_wrong_tf_config_is_refused(variable, message, monkeypatch):
    text = variable if isinstance(variable, str) else json.dumps(variable)
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(UserError) as caught:
        workers.find_place(RunConfig(strategy="multiworker"))
    found = str(caught.value)
    assert found.startswith("TF_CONFIG must be like {") and message in found
    assert "\n" not in found and len(found) < 1000


def test_the_place_in_a_tf_config(monkeypatch):
    two = ["host-1.net:2222", "[fe80::1]:65535"]
    value = config(two, index=1)
    value["cluster"]["chief"] = ["10.0.0.1:1"]
    monkeypatch.setenv("TF_CONFIG", json.dumps(value))
    place = workers.find_place(RunConfig(strategy="multiworker"))
    assert (place.number, place.count) == (2, 3)
    assert workers.find_place(RunConfig()).is_chief


def test_a_missing_tf_config_ends_the_command(tmp_path, monkeypatch, caplog):
    from chapter01_gan.commands import CHAPTER
    from common.cli.main import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert main(CHAPTER, ["train", "--strategy", "multiworker"]) == 2
    message = "--strategy multiworker needs the environment variable TF_CONFIG"
    assert len(caplog.messages) == 1 and message in caplog.text
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_the_command_line_of_two_workers(tmp_path):
    """A run of two workers can be resumed on one device, with more steps."""
    from chapter01_gan.commands import CHAPTER
    from synthetic_data.digits.glyphs import write_glyphs

    write_glyphs(tmp_path / "digits", train=40, test=10, seed=0)
    main, run = ROOT / "chapter01_gan" / "main.py", tmp_path / "run"
    options = ["--batch-size", "8", "--log-every", "1", "--run-dir", run]
    data = ["--data", tmp_path / "digits", "--g-units", "8", "--d-units", "8"]
    shared = ["train", *data, *options, "--steps", "2", "--strategy", "multiworker"]
    chief, helper = end_workers(start_workers([main, *shared], cwd=tmp_path))
    assert (chief[0], helper[0]) == (0, 0), chief[2] + helper[2]
    assert "the run is in" in chief[2] and "the run is in" not in helper[2]
    messages = [line for line in helper[2].splitlines() if line.strip()]
    assert messages, helper[2]
    assert all(line.startswith("worker 1: ") for line in messages), helper[2]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["digits", "run"]
    assert (run / "generator.keras").exists()
    alone = ["train", "--resume", "--run-dir", run, "--strategy", "none"]
    done = call(CHAPTER, *alone, "--steps", "3")
    assert done.returncode == 0, done.stderr
    assert losses(run)[:, 0].tolist() == [1, 2, 3]


def test_local_workers_starts_several_workers_on_one_machine():
    code = (
        "import os, json, socket; names = [name for _, name in socket.if_nameindex()];"
        "index = json.loads(os.environ['TF_CONFIG'])['task']['index'];"
        "print(f\"{index}{'own' if names == ['lo'] else 'all'} \")"
    )
    module = [sys.executable, "-m", "common.training.local_workers"]
    done = subprocess.run(
        [*module, "2", "-c", code], capture_output=True, text=True, cwd=ROOT
    )
    # They may write at the same time.
    network = "all" if "no network namespace is permitted" in done.stderr else "own"
    assert sorted(done.stdout.split()) == [f"0{network}", f"1{network}"], done.stderr
    failed = subprocess.run([*module, "2", "-c", "raise SystemExit(3)"], cwd=ROOT)
    assert failed.returncode == 3
    for count in ("two", "0"):
        wrong = subprocess.run(
            [*module, count, "x"], capture_output=True, text=True, cwd=ROOT
        )
        assert wrong.returncode == 1 and wrong.stderr.startswith("usage: ")


def test_a_worker_that_fails_does_not_leave_the_others_waiting(monkeypatch, capfd):
    monkeypatch.setattr(local_workers, "NOTICE_SECONDS", 0.5)
    handlers = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)]
    index = "json.loads(os.environ['TF_CONFIG'])['task']['index']"
    code = f"import os, json, sys, time; {index} and sys.exit(2); time.sleep(100)"
    began = time.monotonic()
    try:
        assert local_workers.main(2, ["-c", code]) == 9
    finally:
        for number, handler in zip(
            (signal.SIGINT, signal.SIGTERM), handlers, strict=True
        ):
            signal.signal(number, handler)
    assert time.monotonic() - began < 50
    assert "stopping the others" in capfd.readouterr().err


def test_a_batch_that_devices_cannot_share_equally_is_refused(monkeypatch):
    from common.training import devices

    two = SimpleNamespace(num_replicas_in_sync=2)
    monkeypatch.setattr(devices, "_strategy", lambda name: two)
    assert devices.strategy(RunConfig(batch_size=8, strategy="mirrored")) is two
    with pytest.raises(UserError, match="a multiple of 2$"):
        devices.strategy(RunConfig(batch_size=7, strategy="mirrored"))
