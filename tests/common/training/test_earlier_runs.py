"""Runs and networks that an earlier version of the project wrote still work.

Version 0.1.0 wrote `earlier_runs`, before the files of `common` were sorted into
folders: a run of chapter 1, a run of chapter 5 with both of its stages, and one network
with every layer of the project. It also recorded the outputs of their networks, and the
outputs of the runs' networks after two more steps.
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
    """Return the chapter's description for its command line."""
    return __import__(f"{name}.commands", fromlist=["CHAPTER"]).CHAPTER


def call(name: str, *words: object) -> None:
    """Run a command of a chapter, which must succeed."""
    assert main(chapter(name), [str(word) for word in words]) == 0


@pytest.fixture(params=["chapter01_gan", "chapter05_srgan"])
def earlier(request, tmp_path) -> tuple[str, RunDir]:
    """The chapter's name, and a copy of its earlier run with its training data."""
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


def assert_same_outputs(name: str, run: RunDir, when: str) -> None:
    """Check that the run's networks have the outputs that were recorded.

    Args:
        name: name of the chapter.
        run: folder of the run.
        when: "first" for the run as it was, "resumed" for two more steps.
    """
    with np.load(EARLIER / name / "expected.npz") as expected:
        keys = [key for key in expected.files if key.startswith(when)]
        assert keys
        for key in keys:
            network = load_network(run.path / key.removeprefix(f"{when}/"))
            outputs = network(expected["inputs"], training=False)
            np.testing.assert_allclose(outputs, expected[key], atol=1e-4, err_msg=key)


def test_an_earlier_run_opens_and_generates(earlier, tmp_path):
    name, run = earlier
    assert_same_outputs(name, run, "first")
    out = tmp_path / "out"
    call(name, "generate", "--run-dir", run.path, "--count", 2, "--out", out)
    assert list(out.glob("*.png"))


def test_an_earlier_run_resumes_with_the_recorded_result(earlier):
    name, run = earlier
    call(name, "train", "--resume", "--run-dir", run.path, "--steps", 6)
    assert json.loads(run.config.read_text())["steps"] == 6
    assert_same_outputs(name, run, "resumed")


def test_every_layer_of_an_earlier_file_has_the_recorded_outputs():
    with np.load(EARLIER / "all_layers.npz") as expected:
        network = load_network(EARLIER / "all_layers.keras")
        outputs = network(expected["inputs"], training=False)
        np.testing.assert_allclose(outputs, expected["outputs"], atol=1e-4)
