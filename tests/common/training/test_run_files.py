"""What users and crashes leave in a run's folder, and long runs write into it."""

import dataclasses
import errno
import fcntl
import json
import os
import signal
import stat
from pathlib import Path
from unittest.mock import MagicMock

import numpy as np
import pytest

from chapter03_agecgan.config import Config as AgeConfig
from common.config import RunConfig, differences, with_absolute_paths
from common.data.fingerprint import fingerprint
from common.errors import UserError
from common.files import atomic_path, cannot_write
from common.images import writing
from common.training import (
    callbacks,
    checkpoints,
    environment,
    fit,
    step_files,
    stopping,
)
from common.training.callbacks import Logs
from common.training.curves import RowFile, draw_curves, read_rows
from common.training.folders import new_folder, own_folder
from common.training.run_dir import RunDir
from common.training.step_files import (
    MOST_PICTURES,
    find_step_files,
    is_kept,
    step_file,
)
from common.training.stopping import stop_on_signals

# --- files named by steps


def test_only_exact_names_count_and_steps_are_sorted_as_numbers(tmp_path):
    names = ("step_00000010.png", "step_00000002.png", "step_100000000.png")
    others = ("step_00000000 (copy).png", "step_best.png", "step_00000003.npz", "x.png")
    for name in (*names, *others):
        (tmp_path / name).touch()
    (tmp_path / "step_00000004.png").mkdir()
    found = find_step_files(tmp_path, ".png")
    assert list(found) == [2, 10, 100_000_000]
    assert found[10] == step_file(tmp_path, 10, ".png") == tmp_path / names[0]
    assert find_step_files(tmp_path / "none", ".png") == {}
    run = RunDir(tmp_path)
    run.samples = tmp_path
    assert run.newest_samples() == tmp_path / names[2]


def test_checkpoints_that_the_user_named_stay_and_break_nothing(tmp_path):
    state = {"d": [np.zeros(2, np.float32)]}
    users = {tmp_path / "step_best.npz", tmp_path / "step_00000010_keep.npz"}
    for path in users:
        path.write_bytes(b"the user's")
    for step in (10, 20, 30):
        checkpoints.save(tmp_path, step, state)
    assert set(tmp_path.iterdir()) == users | {
        tmp_path / "step_00000020.npz",
        tmp_path / "step_00000030.npz",
    }


def thinned(numbers: range, kept: set[int]) -> set[int]:
    """Do what the callback does after each picture."""
    for newest in numbers:
        kept = {number for number in kept | {newest} if is_kept(number, newest)}
        assert len(kept) <= MOST_PICTURES + 1
    return kept


def test_pictures_of_a_long_run_are_thinned_evenly_also_after_a_resume():
    kept = thinned(range(3000), set())
    assert kept == {*range(0, 3000, 16), 2999}
    # Killed after picture 1,999, resumed from a checkpoint after picture 1,900.
    earlier = {number for number in thinned(range(2000), set()) if number <= 1900}
    assert thinned(range(1901, 3000), earlier) == kept
    assert thinned(range(256), set()) == set(range(256))


# --- metrics.csv


def test_rows_are_appended_and_a_resume_removes_later_ones(tmp_path):
    path = tmp_path / "metrics.csv"
    rows = RowFile(path, 0)
    rows.append({"step": 1, "d_loss": 0.5})
    number = path.stat().st_ino
    rows.append({"step": 2, "d_loss": 0.25})
    assert path.stat().st_ino == number  # appended, not written again
    rows.append({"step": 3, "d_loss": 0.125, "g_loss": 1.0})
    expected = [
        {"step": 1, "d_loss": 0.5},
        {"step": 2, "d_loss": 0.25},
        {"step": 3, "d_loss": 0.125, "g_loss": 1.0},
    ]
    assert read_rows(path) == expected == [*expected[:2], rows.last]
    resumed = RowFile(path, 2)
    assert read_rows(path) == expected[:2] and resumed.last == expected[1]
    assert path.read_text().splitlines()[0] == "step,d_loss"


def test_a_torn_last_row_is_left_out_although_it_looks_whole(tmp_path):
    path = tmp_path / "metrics.csv"
    path.write_text("step,d_loss\n1,0.5\n2,0.2")  # of 0.25
    assert read_rows(path) == [{"step": 1, "d_loss": 0.5}]
    RowFile(path, 9).append({"step": 2, "d_loss": 0.25})
    assert read_rows(path) == [{"step": 1, "d_loss": 0.5}, {"step": 2, "d_loss": 0.25}]


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        (b"", 0),
        (b"\xff\x00\x01" * 99, 0),
        (b"a,b\n1,2\n", 0),
        (b"step,d_loss\n1,0.5\nx,y\n,\n3,0.5,7,8\n4,\x000\n5,1\n", 2),
        (b'step,d_loss\r\n1,0.5\r\n2,"0.5\r\n3,' + b"x" * 200_000 + b"\r\n", 1),
    ],
)
def test_damaged_rows_do_not_stop_a_run(tmp_path, content, rows):
    path = tmp_path / "metrics.csv"
    path.write_bytes(content)
    assert len(read_rows(path)) == rows
    RowFile(path, 99).append({"step": 100, "d_loss": 2.0})
    assert read_rows(path)[-1] == {"step": 100, "d_loss": 2.0}
    kept = path.with_name("metrics.csv.damaged")
    assert not kept.exists() or kept.read_bytes() == content
    assert kept.exists() == (content.count(b"\n") > rows + 1)


def test_a_full_disk_while_a_row_is_written_is_named(tmp_path):
    rows = RowFile(tmp_path / "metrics.csv", 0)
    rows.append({"step": 1})
    rows.path = Path("/dev/full")
    if not rows.path.exists():
        pytest.skip("this system has no /dev/full")
    with pytest.raises(UserError, match="cannot write /dev/full: No space left"):
        rows.append({"step": 2})


# --- the end of a run


def test_pictures_that_cannot_be_drawn_end_nothing(tmp_path, monkeypatch, caplog):
    run = RunDir(tmp_path)
    picture = np.zeros((8, 8, 3), np.uint8)
    first = step_file(run.samples, 0, ".png")
    writing.save_image(picture, first)
    for step in range(1, 200):
        step_file(run.samples, step, ".png").write_bytes(first.read_bytes())
    step_file(run.samples, 199, ".png").write_bytes(first.read_bytes()[:-40])
    loaded = []
    load = writing.load_image
    monkeypatch.setattr(
        writing, "load_image", lambda path: loaded.append(path) or load(path)
    )
    monkeypatch.setattr(fit, "draw_curves", lambda *_: 1 / 0)
    gallery = fit.Gallery(np.zeros((1, 1)), lambda items: picture)
    fit._draw_history(run, gallery)
    assert len(loaded) == writing.GIF_FRAMES and run.gif.stat().st_size > 0
    assert "the curves were not drawn: division by zero" in caplog.text
    assert "step_00000199.png is left out of training.gif" in caplog.text
    monkeypatch.setattr(fit, "draw_curves", draw_curves)
    monkeypatch.setattr(writing, "save_gif", lambda *_: open("/nowhere/x"))
    fit._draw_history(run, gallery)
    assert run.curves.stat().st_size > 0
    assert "the animation was not written: [Errno 2]" in caplog.text


def test_pictures_that_are_too_many_are_removed_and_not_given_to_tensorboard(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(step_files, "MOST_PICTURES", 4)
    shown = []
    monkeypatch.setattr(
        callbacks.tf.summary, "image", lambda name, picture, step: shown.append(step)
    )
    run = RunDir(tmp_path)
    samples = callbacks.Samples(
        run,
        every=10,
        done=0,
        latents=np.zeros((1, 2)),
        draw=lambda items: np.zeros((8, 8, 3), np.uint8),
        writer=MagicMock(),
    )
    samples.set_model(lambda latents, training: latents)
    for step in range(0, 100, 10):
        samples.act(step)
    assert list(find_step_files(run.samples, ".png")) == [0, 40, 80, 90]
    assert shown == [0, 10, 20, 40, 60, 80]


def test_a_failure_says_truly_which_checkpoint_is_kept(tmp_path):
    logs = Logs(RunDir(tmp_path), 10, 0, None)
    assert logs._kept() == "there is no checkpoint yet"
    checkpoints.save(tmp_path / "checkpoints", 20, {})
    assert logs._kept() == "the checkpoint of step 20 is kept"


def test_finished_files_and_their_names_are_flushed(tmp_path, monkeypatch):
    flushed = []
    flush = os.fsync

    def fsync(descriptor: int) -> None:
        flushed.append(stat.S_ISDIR(os.fstat(descriptor).st_mode))
        flush(descriptor)
        if flushed[-1]:
            raise OSError(errno.EINVAL, "some file systems cannot flush folders")

    monkeypatch.setattr(os, "fsync", fsync)
    with atomic_path(tmp_path / "note") as temporary:
        temporary.write_text("")
    assert flushed == [False, True]


# --- which data set, which machine


def folder_of(path, sizes):
    for name, size in sizes.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(bytes(size))
    return path


def test_another_data_set_of_equal_size_is_noticed(tmp_path):
    first = folder_of(tmp_path / "a", {"x.png": 3, "in/y.png": 5})
    run = RunDir(tmp_path / "run")
    run.check_data(first)  # nothing is recorded yet
    run.record_data(first, 2)
    # Moved, and with notes beside the images.
    moved = folder_of(
        tmp_path / "b", {"x.png": 3, "in/y.png": 5, "notes.txt": 1, ".DS_Store": 9}
    )
    run.record_data(moved, 2)
    run.check_data(moved)
    others = [{"x.png": 3, "in/z.png": 5}, {"x.png": 4, "in/y.png": 4}, {"x.png": 8}]
    for number, sizes in enumerate(others):
        other = folder_of(tmp_path / str(number), sizes)
        with pytest.raises(UserError, match="another data set: expected 2 files of 8 "):
            run.record_data(other, 2)
    for number, first_byte in enumerate(b"ab"):
        other = folder_of(tmp_path / f"same {number}", {"x.png": 3, "in/y.png": 5})
        (other / "x.png").write_bytes(bytes([first_byte, 0, 0]))
        with pytest.raises(UserError, match="found 2 files of 8 bytes"):
            run.record_data(other, 2)
    with pytest.raises(UserError, match="found the stand-in; pass"):
        run.check_data(None)
    with pytest.raises(UserError, match="began with 2 training items, but there are 3"):
        run.record_data(first, 3)
    with pytest.raises(UserError, match="no such file or folder: .*nowhere"):
        run.check_data(tmp_path / "nowhere")


def test_a_single_file_is_a_data_set_too(tmp_path):
    folder_of(tmp_path, {"a.npz": 3, "sub/a.npz": 3, "sub/b.npz": 4})
    assert fingerprint(tmp_path / "a.npz") == fingerprint(tmp_path / "sub" / "a.npz")
    assert fingerprint(tmp_path / "a.npz") != fingerprint(tmp_path / "sub" / "b.npz")
    # A table names photos in its folder, which may change although it does not.
    folder = folder_of(tmp_path / "faces", {"labels.csv": 9, "x/1.jpg": 5})
    before = fingerprint(folder / "labels.csv")
    assert before == fingerprint(folder)
    folder_of(folder, {"x/1.jpg": 6})
    assert fingerprint(folder / "labels.csv") != before


def test_runs_of_earlier_versions_and_damaged_notes(tmp_path):
    run = RunDir(tmp_path)
    data = folder_of(tmp_path / "a", {"x.png": 3})
    run.data.write_text("24\n")
    run.record_data(data, 24)
    with pytest.raises(UserError, match="24 training items, but there are 9"):
        run.record_data(data, 9)
    for text in ("", "{", "[1]", '{"files": 3}', "[" * 99_999, "\udcff"):
        run.data.write_text(text, errors="surrogateescape")
        with pytest.raises(UserError, match="data.json is damaged; remove it to go on"):
            run.record_data(data, 24)


def test_test_refuses_changed_data_unless_others_are_asked_for(tmp_path):
    data = folder_of(tmp_path / "a", {"x.png": 3})
    run = RunDir(tmp_path / "run")
    run.record_data(data, 1)
    config = RunConfig(data=data)
    assert run.configuration_with_data(config) == config
    folder_of(data, {"x.png": 4})
    with pytest.raises(UserError, match="another data set"):
        run.configuration_with_data(config)
    other = run.configuration_with_data(config, tmp_path / "b")
    assert other == dataclasses.replace(config, data=tmp_path / "b")


def test_paths_do_not_depend_on_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    typed = RunConfig(data=Path("in/../photos"), seed=3)
    config = with_absolute_paths(typed)
    assert config == RunConfig(data=tmp_path / "photos", seed=3)
    assert differences(typed, config) == []
    for name, expected in (
        ("local", "local"),
        ("in/x.onnx", str(tmp_path / "in/x.onnx")),
    ):
        config = with_absolute_paths(AgeConfig(recognition=name))
        assert config.recognition == expected


def test_a_resume_on_other_cores_says_so(tmp_path, monkeypatch, caplog):
    path = tmp_path / "environment.json"
    monkeypatch.setattr(environment, "describe_environment", lambda: {"cores": 7})
    environment.write_environment(path)
    assert "cores" not in caplog.text
    monkeypatch.setattr(environment, "usable_cores", lambda: 2)
    environment.write_environment(path)
    assert "has used 7 CPU cores and goes on with 2" in caplog.text
    assert json.loads(path.read_text()) == {"cores": 7}


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
def test_a_file_system_without_locks_is_no_other_process(
    tmp_path, monkeypatch, caplog, number
):
    def flock(*_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", flock)
    with own_folder(tmp_path / "log.txt"):
        pass
    assert "cannot be locked" in caplog.text and "no other process" in caplog.text


@pytest.mark.parametrize(
    ("number", "begun", "status"),
    [(errno.EACCES, False, 2), (errno.ENOSPC, False, 1), (errno.EACCES, True, 1)],
)
def test_a_full_disk_is_no_wrong_path(number, begun, status):
    error = OSError(number, os.strerror(number))
    assert cannot_write(Path("x"), error, begun).status == status


def test_a_missing_disk_behind_the_folder_of_runs_is_told(tmp_path):
    (tmp_path / "runs").symlink_to(tmp_path / "not mounted")
    with pytest.raises(UserError, match="cannot create a folder in .*--run-dir"):
        new_folder(tmp_path / "runs", "{time}_quick")


# --- signals


def test_a_closed_terminal_is_not_written_to_any_more(tmp_path):
    with (tmp_path / "terminal").open("wb", buffering=0) as terminal:
        stopping._leave([terminal.fileno()])
        terminal.write(b"lost")
    assert (tmp_path / "terminal").read_bytes() == b""


def test_a_closed_terminal_saves_unless_nohup_ignores_it():
    before = signal.getsignal(signal.SIGHUP)
    try:
        with stop_on_signals() as stop:
            os.kill(os.getpid(), signal.SIGHUP)
            assert stop.requested() and stop.interrupted and stop.reason == "SIGHUP"
        assert signal.getsignal(signal.SIGHUP) == before
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        with stop_on_signals() as stop:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not stop.requested()
    finally:
        signal.signal(signal.SIGHUP, before)
