"""The exit status of a command, by what its function returns or raises."""

import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest
from command_lines import call

from common.chapter import Chapter, Command
from common.errors import (
    PathsLeftOut,
    TextLeftOut,
    TrainingError,
    UserError,
    WritingError,
)


@dataclass(frozen=True)
class NoOptions:
    """Work."""


@pytest.mark.parametrize(
    ("result", "status", "told"),
    [
        ([Path("a.png")], 0, "written: a.png"),
        ("a report", 0, "a report"),
        (PathsLeftOut([Path("a.png")]), 3, "written: a.png"),
        (TextLeftOut("a report"), 3, "a report"),
        (UserError("wrong"), 2, "error: wrong"),
        (WritingError("cannot write"), 1, "error: cannot write"),
        (TrainingError("not finite"), 1, "training failed: not finite"),
    ],
)
def test_exit_status(monkeypatch, result, status, told):
    def work():
        if isinstance(result, Exception):
            raise result
        return result

    monkeypatch.setitem(sys.modules, "stub", SimpleNamespace(work=work))
    commands = {"work": Command(NoOptions, "work", uses_tensorflow=False)}
    ended = call(Chapter("stub", {}, commands, has_tuning=False), "work")
    assert ended.returncode == status
    assert told in ended.stdout + ended.stderr


@dataclass(frozen=True)
class CountOptions:
    """Count."""

    count: int
    """How many."""

    size: float = 1.0
    """How large."""

    most: int | None = None
    """How many at most."""

    pair: tuple[int, int] | None = None
    """Two numbers."""


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--count", "1", "--cuont", "1"], "Unrecognized options: --cuont, 1. See"),
        (["--count", "3.5"], "--count: expected INT, found '3.5'. See"),
        (["--count", "1", "--size", "x"], "--size: expected FLOAT, found 'x'. See"),
        (["--count", "1", "--most", "x"], "--most: expected INT, found 'x'. See"),
        (["--count", "1", "--pair", "7"], "--pair: expected INT INT, found '7'. See"),
        ([], "Missing from toy do: --count INT How many. (required). See"),
    ],
)
def test_a_wrong_option_is_told_without_the_parser_s_frame(words, told):
    done = call(Chapter("toy", {}, {"do": Command(CountOptions, "do")}), "do", *words)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {told}")
    assert done.stderr.endswith("See toy do --help\n") and "---" not in done.stderr
