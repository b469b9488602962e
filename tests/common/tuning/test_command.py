"""The messages of a search: its conclusion, its interruption, and wrong options."""

import os
import signal

import pytest
from searching import is_alive, resume, search, start, wait_for, write
from toychapter.commands import CHAPTER
from toychapter.config import Config

from common.cli import main
from common.config import from_json
from common.errors import UserError
from common.tuning.report import conclusion
from common.tuning.search_folder import SearchFolder
from common.tuning.trial_records import Record


@pytest.mark.parametrize(
    ("losses", "message"),
    [
        (
            [(2.0, "ok"), (1.5, "ok")],
            "trial 1 with loss 1.5, 25.0% below the preset's 2",
        ),
        ([(2.0, "ok"), (2.5, "ok")], "no trial was better than the preset, whose loss"),
        ([(None, "failed"), (2.5, "ok")], "the preset itself failed"),
        ([(-1.0, "ok"), (-1.5, "ok")], "50.0% below the preset's -1"),
        ([(None, "failed")], "no trial ran to its end"),
    ],
)
def test_the_conclusion_compares_the_best_trial_with_the_preset(
    losses, message, tmp_path
):
    records = [
        Record(number, status, loss, {}, 1.0, "trials/0000")
        for number, (loss, status) in enumerate(losses)
    ]
    assert message in conclusion(records, SearchFolder(tmp_path))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_stopping_a_search_kills_its_trial_and_says_how_to_continue(tmp_path, number):
    folder, slow = tmp_path / "new", write(tmp_path / "slow.json", {"pause": 30})
    process = start("--run-dir", folder, "--steps", 8, "--config", slow)
    running = folder / "trials" / "0000" / "pid"
    wait_for(lambda: running.exists() and running.read_text())
    os.killpg(process.pid, number)
    _, messages = process.communicate(timeout=30)
    if number == signal.SIGKILL:
        wait_for(lambda: not is_alive(int(running.read_text())))
    else:
        assert process.returncode == 130
        assert f"continue with tune --resume --run-dir {folder}" in messages
        assert not is_alive(int(running.read_text()))
    assert not (folder / "trials.jsonl").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--preset", "best"],
            "--preset must be one of quick, long, wrong, found best",
        ),
        (["--trials", "0"], "--trials must be above 0"),
        (["--seed", "-1"], "--seed must be 0 or above"),
        (["--steps", "5", "--minutes", "1"], "--steps and --minutes are both"),
        (["--config", "workers.json"], "each trial is trained on one machine"),
        (["--config", "none.json"], "cannot read none.json: No such file"),
        (["--config", "unknown.json"], "unknown.json has the unknown option layer;"),
        (["--space", "empty.json"], "empty.json has no dimension"),
        (["--space", "steps.json"], "the search space has steps, which tune sets"),
        (["--data", "nowhere"], "nowhere: no such file or folder"),
        (["--resume"], "there is no search in runs/toychapter yet"),
        (["--resume", "--run-dir", "."], "is not the folder of a search"),
        (["--run-dir", "."], "is not an empty folder"),
        (["--algorithm", "grid"], "algorithm"),
    ],
)
def test_a_wrong_option_is_an_error_of_one_line(
    tmp_path, monkeypatch, caplog, arguments, message
):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "unknown.json", {"layer": 2})
    write(tmp_path / "empty.json", {})
    write(tmp_path / "workers.json", {"strategy": "multiworker"})
    write(tmp_path / "steps.json", {"steps": {"integer": [1, 2]}})
    before = signal.getsignal(signal.SIGTERM)
    assert main.main(CHAPTER, ["tune", *arguments]) == 2
    signal.signal(signal.SIGTERM, before)
    [line] = caplog.messages
    assert line.startswith("error: ") and message in line
    assert len(list(tmp_path.iterdir())) == 4


def test_a_search_folder_is_locked_for_a_second_process(tmp_path):
    folder = tmp_path / "new"
    search(folder, trials=1)
    with SearchFolder(folder).recording(), pytest.raises(UserError, match="another pr"):
        resume(folder)


def test_the_best_options_can_be_trained_by_the_command_line(tmp_path, monkeypatch):
    """TensorFlow is not imported, because the toy chapter does not need it."""
    monkeypatch.setattr(main, "import_tensorflow", lambda: None)
    best = write(tmp_path / "best.json", {"layers": 5, "steps": 6, "labels": [0.5]})
    before = signal.getsignal(signal.SIGTERM)
    options = ["train", "--config", str(best), "--run-dir", str(tmp_path / "run")]
    assert main.main(CHAPTER, [*options, "--place", "0.4"]) == 0
    found = from_json(Config, (tmp_path / "run" / "config.json").read_text(), "")
    assert (found.layers, found.steps, found.place) == (5, 6, 0.4)
    assert (found.labels, found.batch_size) == ((0.5,), 16)
    assert main.main(CHAPTER, ["train", "--resume", "--config", str(best)]) == 2
    signal.signal(signal.SIGTERM, before)
