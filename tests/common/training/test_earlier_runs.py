"""Runs and networks that an earlier version of the project wrote still work.

`earlier_runs` was written at version 0.1.0, before the files of `common` were sorted
into folders: a run of chapter 1, a run of chapter 5 with both of its stages, and one
network with every layer of the project. Beside them lie what their networks gave then,
and what the runs' networks gave after two steps more.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from common.chapter import Chapter
from common.cli.main import main
from common.training.network_files import load_network
from common.training.run_dir import RunDir
from synthetic_data.digits.glyphs import write_glyphs
from synthetic_data.scenes.write import write_scenes

EARLIER = Path(__file__).resolve().parent / "earlier_runs"


def chapter(name: str) -> Chapter:
    """Return what the chapter hands over to its command line."""
    return __import__(f"{name}.commands", fromlist=["CHAPTER"]).CHAPTER


def call(name: str, *words: object) -> None:
    """Run a command of a chapter, which must succeed."""
    assert main(chapter(name), [str(word) for word in words]) == 0


@pytest.fixture(params=["chapter01_gan", "chapter05_srgan"])
def earlier(request, tmp_path) -> tuple[str, RunDir]:
    """The chapter, and a copy of its earlier run with the data that it learnt from."""
    name = request.param
    folder = shutil.copytree(EARLIER / name, tmp_path / "run")
    data = tmp_path / "data"
    if name == "chapter01_gan":
        write_glyphs(data, train=64, test=16, seed=0)
    else:
        write_scenes(data, train=8, test=2, seed=0, size=64)
    run = RunDir(folder)
    options = json.loads(run.config.read_text()) | {"data": str(data)}
    run.config.write_text(json.dumps(options))
    return name, run


def assert_gives(name: str, run: RunDir, when: str) -> None:
    """The run's generators give what the earlier version's gave."""
    with np.load(EARLIER / name / "expected.npz") as expected:
        keys = [key for key in expected.files if key.startswith(when)]
        assert keys
        for key in keys:
            network = load_network(run.path / key.removeprefix(f"{when}/"))
            outputs = network(expected["inputs"], training=False)
            np.testing.assert_allclose(outputs, expected[key], atol=1e-4, err_msg=key)


def test_an_earlier_run_opens_and_generates(earlier, tmp_path):
    name, run = earlier
    assert_gives(name, run, "first")
    out = tmp_path / "out"
    call(name, "generate", "--run-dir", run.path, "--count", 2, "--out", out)
    assert list(out.glob("*.png"))


def test_an_earlier_run_resumes_as_it_would_have_then(earlier):
    name, run = earlier
    call(name, "train", "--resume", "--run-dir", run.path, "--steps", 6)
    assert json.loads(run.config.read_text())["steps"] == 6
    assert_gives(name, run, "resumed")


def test_every_layer_of_an_earlier_file_loads_and_gives_the_same():
    with np.load(EARLIER / "all_layers.npz") as expected:
        network = load_network(EARLIER / "all_layers.keras")
        outputs = network(expected["inputs"], training=False)
        np.testing.assert_allclose(outputs, expected["outputs"], atol=1e-4)
