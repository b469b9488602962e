"""A notebook or a script: train, sample and show in three lines."""

import dataclasses
import functools
import json
import logging
import sys
import types

import numpy as np
import pytest
from PIL import Image
from tiny import CHAPTER01 as TINY

import chapter01_gan
from chapter01_gan import PRESETS, sample, test, train
from common import notebook, startup
from common.errors import UserError
from common.features import extractors
from common.notebook import Live, show
from common.training.run_dir import RunDir
from synthetic_data.digits.glyphs import write_glyphs


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> RunDir:
    """A run as a user's script makes it: in runs/ of the working folder."""
    folder = tmp_path_factory.mktemp("work")
    write_glyphs(folder / "glyphs", train=64, test=16, seed=0)
    config = dataclasses.replace(TINY, data=folder / "glyphs")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        run = train(config)
        assert RunDir.latest("chapter01_gan").path == run.path.resolve()
        return RunDir(run.path.resolve())


@pytest.fixture
def shown(monkeypatch) -> list:
    """What a notebook has shown: this process passes for one."""
    everything = []

    def display(one, display_id=None):
        everything.append(one)
        return types.SimpleNamespace(update=everything.append)

    fake = types.SimpleNamespace(display=display)
    monkeypatch.setitem(sys.modules, "ipykernel", types.ModuleType("ipykernel"))
    monkeypatch.setitem(sys.modules, "IPython", types.ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", fake)
    return everything


def test_the_lines_of_the_readme(run, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    show(sample(run, 16))
    assert capsys.readouterr().out == "written: samples.png\n"
    assert Image.open("samples.png").size == (4 * 58 + 2, 4 * 58 + 2)


def test_a_run_knows_its_chapter_and_its_options(run, monkeypatch):
    assert run.chapter == "chapter01_gan"
    options = run.read_config()
    assert isinstance(options, chapter01_gan.Config) and options.g_units == (24, 24)
    few = functools.partial(extractors.local, steps=3)
    monkeypatch.setattr(extractors, "local", few)
    assert "fid16_local" in test(run, samples=16)


def test_samples_are_those_of_generate(run, tmp_path):
    chapter01_gan.generate(run, count=3, seed=5, format="npy", out=tmp_path)
    np.testing.assert_array_equal(
        np.load(tmp_path / "images.npy"), sample(run, 3, seed=5)
    )
    assert not np.array_equal(sample(run, 3, seed=5), sample(run, 3, seed=6))


def test_a_run_of_an_earlier_version_needs_its_chapter(run, tmp_path):
    options = json.loads(run.config.read_text())
    del options["chapter"]
    (tmp_path / "config.json").write_text(json.dumps(options))
    with pytest.raises(UserError, match="does not name its chapter"):
        RunDir(tmp_path).read_config()
    assert RunDir(tmp_path, "chapter01_gan").read_config() == run.read_config()


@pytest.mark.parametrize("name", ["os", "chapter01_gan.data", "../x", 3, None])
def test_no_other_package_is_imported(tmp_path, name):
    (tmp_path / "config.json").write_text(json.dumps({"chapter": name}))
    with pytest.raises(UserError, match="does not name its chapter"):
        RunDir(tmp_path).read_config()


def test_another_chapters_run_is_refused(run):
    other = RunDir(run.path, "chapter04_dcgan")
    with pytest.raises(UserError, match="is from chapter01_gan, but this is chapter04"):
        other.read_config()


def test_a_notebook_shows_samples_and_shapes(shown, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    image = show(np.zeros((4, 8, 8, 3), np.uint8))
    shapes = show(np.ones((2, 8, 8, 8), bool), columns=2)
    assert shown == [image, shapes] and shapes.size[0] > shapes.size[1]
    assert not list(tmp_path.iterdir())


def test_a_run_shows_its_newest_samples_and_its_curves(run):
    text = run._repr_html_()
    assert text.count("data:image/png;base64,") == 2
    assert run.newest_samples().name == "step_00000004.png"
    assert RunDir("nowhere", "chapter01_gan")._repr_html_() == "<p>nowhere</p>"


def test_a_training_is_watched_live(run, shown, tmp_path):
    """What is shown changes with the samples, at steps 2 and 4, and at the end."""
    config, watched = run.read_config(), RunDir(tmp_path / "run")
    seen = []
    live = Live(watched)
    live._update = lambda: seen.append(watched.newest_samples())
    train(config, watched, callbacks=[live])
    assert [path.name for path in seen if path][-1] == "step_00000004.png"
    assert len(seen) >= 2
    Live(watched)._update()
    assert shown == [watched] and watched.curves.is_file()


def test_live_does_nothing_in_a_script(run):
    live = Live(run)
    live._update()
    assert live._handle is None


def test_a_notebook_has_moving_bars_and_the_log(shown, monkeypatch):
    assert startup.progress_interval() == 0.5
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    level = root.level
    startup.set_up_notebook()
    try:
        assert root.level == logging.INFO and len(root.handlers) == 1
    finally:
        root.setLevel(level)


def test_a_log_file_has_few_lines_of_bars(monkeypatch):
    monkeypatch.setattr(sys, "stderr", open("/dev/null", "w"))
    with sys.stderr:
        assert startup.progress_interval() == 20.0


def test_options_need_no_tensorflow():
    assert PRESETS["quick"].batch_size == 64
    assert not notebook.in_notebook()
