"""Parallel trials on Spark: they equal serial ones, and errors are handled."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from conftest import ROOT
from toychapter.config import PRESETS, SPACE, Config

from common.errors import UserError
from common.tuning import spark
from common.tuning.search import Plan, run_serially
from common.tuning.space import Space
from common.tuning.spark_session import open_session
from common.tuning.trial_records import Record, read_records

PROGRAM = str(ROOT / "tests" / "toychapter" / "main.py")
PRESET = Record(0, "ok", 5.0, {}, 1.0, "trials/0000")


def _plan(folder: Path, **others) -> Plan:
    space = others.pop("space", SPACE)
    others = {"chapter": "toychapter", "trials": 5, "steps": 5} | others
    return Plan(
        config=PRESETS["quick"],
        space=Space(space, Config),
        folder=folder,
        minutes=None,
        algorithm="random",
        median_rule=False,
        **others,
    )


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    """A Spark session for all tests here, because it takes seconds to start."""
    try:
        spark.require_spark()
    except UserError as error:
        # pyspark is an extra: `make test-slow` installs it.
        if os.environ.get("SPARK_TESTS"):
            pytest.fail(str(error))
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("spark")
    with open_session(_plan(folder, chapter="deadlychapter"), 2) as session:
        yield session


def _run(plan: Plan, records: list[Record]) -> list[Record]:
    """Return the records of the trials that Spark runs."""
    found = []
    spark.run_on_spark(plan, records, 2, found.append)
    return found


def _essence(record: Record) -> tuple:
    return record.number, record.status, record.parameters, record.draws, record.loss


@pytest.fixture(scope="module")
def serial(tmp_path_factory) -> list[Record]:
    """The records of trials that are run one after the other."""
    records = []
    run_serially(_plan(tmp_path_factory.mktemp("serial")), [], records.append, range(5))
    return records


def test_parallel_trials_equal_serial_ones(session, serial, tmp_path):
    parallel = _run(_plan(tmp_path), serial[:1])
    assert sorted(map(_essence, parallel)) == list(map(_essence, serial[1:]))


def test_trials_continue_after_those_that_are_done(session, serial, tmp_path):
    [last] = _run(_plan(tmp_path), serial[:4])
    assert _essence(last) == _essence(serial[4])


def test_a_killed_process_costs_one_trial(session, tmp_path):
    # "exit" kills the trial's own process, "kill" the worker that runs it.
    space = {"trouble": {"choice": ["none", "exit", "kill"]}}
    plan = _plan(tmp_path, space=space, chapter="deadlychapter", trials=4, seed=2)
    records = sorted(_run(plan, [PRESET]), key=lambda record: record.number)
    found = [(r.number, r.parameters["trouble"], r.status) for r in records]
    assert found == [(1, "exit", "failed"), (2, "kill", "failed"), (3, "none", "ok")]
    assert records[0].message == "killed by SIGKILL"
    assert "its Spark worker died" in records[1].message


def test_an_interrupt_ends_the_trials_that_run_at_the_same_time(session, tmp_path):
    plan = _plan(tmp_path, trials=4, steps=600)
    plan = dataclasses.replace(plan, config=dataclasses.replace(plan.config, pause=0.1))
    # Each takes a minute, so that both run before either ends.
    begun = [tmp_path / "trials" / name / "config.json" for name in ("0001", "0002")]
    seen = []
    thread = threading.Thread(target=_interrupt, args=(begun, seen))
    thread.start()
    found = []
    with pytest.raises(KeyboardInterrupt):
        spark.run_on_spark(plan, [PRESET], 2, found.append)
    thread.join()
    assert not found
    assert len(seen) == 2
    _wait_until(lambda: not _processes_of(tmp_path))


def _interrupt(begun: list[Path], seen: list[str]) -> None:
    """Press Ctrl-C once the trials are under way; note their processes."""
    _wait_until(lambda: all(path.exists() for path in begun))
    seen += _processes_of(begun[0].parents[2])
    os.kill(os.getpid(), signal.SIGINT)


def _wait_until(condition, seconds: float = 40) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


def _processes_of(folder: Path) -> list[str]:
    """Return the command lines of processes that name a folder."""
    done = subprocess.run(
        ["ps", "-wweo", "args"], capture_output=True, text=True, check=True
    )
    return [line for line in done.stdout.splitlines() if f"{folder}/trials" in line]


def test_records_with_a_gap_are_refused(tmp_path):
    gap = [PRESET, dataclasses.replace(PRESET, number=2)]
    with pytest.raises(ValueError, match="missing between"):
        spark.run_on_spark(_plan(tmp_path), gap, 2, print)


def _tune(folder: Path, *options: str, **variables: str) -> subprocess.Popen:
    """Start `tune` of the toy chapter."""
    command = [sys.executable, PROGRAM, "tune", "--run-dir", str(folder), *options]
    return subprocess.Popen(
        command, env=os.environ | variables, stderr=subprocess.PIPE, text=True
    )


def test_kill_minus_nine_loses_no_finished_trial(session, tmp_path):
    slow = tmp_path / "slow.json"
    slow.write_text(json.dumps({"pause": 0.2}))
    folder = tmp_path / "search"
    options = ("--trials", "5", "--steps", "5", "--algorithm", "random")
    process = _tune(folder, *options, "--config", str(slow), "--parallel", "spark:2")
    with process:
        results = folder / "trials.jsonl"
        _wait_until(lambda: results.exists() and len(read_records(results)) > 1, 90)
        process.kill()
    done = {record.number: record for record in read_records(results)}
    assert 1 < len(done) < 5
    _wait_until(lambda: not _processes_of(folder))
    with _tune(folder, "--resume") as process:
        process.communicate(timeout=60)
    assert process.returncode == 0
    after = {record.number: record for record in read_records(results)}
    assert sorted(after) == [0, 1, 2, 3, 4]
    assert {number: after[number] for number in done} == done


@pytest.mark.parametrize("text", ["spark:1", "spark:2", "spark:128"])
def test_parallel_is_read(text):
    assert spark.parse_parallel(text) == int(text.partition(":")[2])


@pytest.mark.parametrize(
    "text", ["spark", "spark:", "spark:0", "spark:-1", "spark:129", "mongo:2", "2", ""]
)
def test_another_parallel_is_refused(text):
    with pytest.raises(UserError, match="--parallel must be spark:N"):
        spark.parse_parallel(text)


def _error_of(folder: Path, **variables: str) -> str:
    """Return the one line with which `tune` on Spark ends."""
    with _tune(folder, "--parallel", "spark:2", **variables) as process:
        _, messages = process.communicate(timeout=60)
    assert process.returncode == 2
    [line] = messages.splitlines()
    assert not folder.exists()
    return line


def test_missing_pyspark_is_an_error_before_the_search(tmp_path):
    (tmp_path / "pyspark.py").write_text("raise ImportError('not there')")
    line = _error_of(tmp_path / "search", PYTHONPATH=str(tmp_path))
    assert "needs pyspark" in line and "requirements-spark.txt" in line


def test_missing_java_is_an_error_before_the_search(session, tmp_path):
    line = _error_of(tmp_path / "search", PATH=str(tmp_path), JAVA_HOME="")
    assert "needs Java 17 or later, found none" in line


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("exit 1", "does not start"),
        ("echo 'openjdk version \"1.8.0_292\"' >&2", "is version 1"),
        ("echo 'openjdk version \"11.0.2\" 2019-01-15' >&2", "is version 11"),
    ],
    ids=["broken", "8", "11"],
)
def test_an_unsuitable_java_is_an_error(
    script, message, session, tmp_path, monkeypatch
):
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text(f"#!/bin/sh\n{script}\n")
    java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(UserError, match=message):
        spark.require_spark()
