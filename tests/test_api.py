"""The project used from Python: train, sample and show in a script or a notebook."""

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
    """A run that a user's script trained, in runs/ below the working folder."""
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
    """Pretend to be a notebook, and return the list of all that it displays."""
    everything = []

    def display(content, display_id=None):
        everything.append(content)
        return types.SimpleNamespace(update=everything.append)

    fake = types.SimpleNamespace(display=display)
    monkeypatch.setitem(sys.modules, "ipykernel", types.ModuleType("ipykernel"))
    monkeypatch.setitem(sys.modules, "IPython", types.ModuleType("IPython"))
    monkeypatch.setitem(sys.modules, "IPython.display", fake)
    return everything


def test_sample_and_show_as_in_the_readme(run, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    show(sample(run, 16))
    assert capsys.readouterr().out == "written: samples.png\n"
    assert Image.open("samples.png").size == (4 * 58 + 2, 4 * 58 + 2)


def test_a_run_gives_its_chapter_and_its_options(run, monkeypatch):
    assert run.chapter == "chapter01_gan"
    options = run.read_config()
    assert isinstance(options, chapter01_gan.Config) and options.g_units == (24, 24)
    few = functools.partial(extractors.local, steps=3)
    monkeypatch.setattr(extractors, "local", few)
    assert "fid16_local" in test(run, samples=16)


def test_sample_returns_the_images_that_generate_writes(run, tmp_path):
    chapter01_gan.generate(run, count=3, seed=5, format="npy", out=tmp_path)
    np.testing.assert_array_equal(
        np.load(tmp_path / "images.npy"), sample(run, 3, seed=5)
    )
    assert not np.array_equal(sample(run, 3, seed=5), sample(run, 3, seed=6))


def test_a_run_of_an_earlier_version_needs_the_name_of_its_chapter(run, tmp_path):
    options = json.loads(run.config.read_text())
    del options["chapter"]
    (tmp_path / "config.json").write_text(json.dumps(options))
    with pytest.raises(UserError, match="does not name its chapter"):
        RunDir(tmp_path).read_config()
    assert RunDir(tmp_path, "chapter01_gan").read_config() == run.read_config()


@pytest.mark.parametrize("name", ["os", "chapter01_gan.data", "../x", 3, None])
def test_config_json_cannot_make_other_packages_be_imported(tmp_path, name):
    (tmp_path / "config.json").write_text(json.dumps({"chapter": name}))
    with pytest.raises(UserError, match="does not name its chapter"):
        RunDir(tmp_path).read_config()


def test_a_run_of_another_chapter_is_refused(run):
    other = RunDir(run.path, "chapter04_dcgan")
    with pytest.raises(UserError, match="is from chapter01_gan, but this is chapter04"):
        other.read_config()


def test_a_notebook_displays_images_and_shapes_and_writes_no_file(
    shown, tmp_path, monkeypatch
):
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


def test_live_updates_the_display_during_training(run, shown, tmp_path):
    """It updates with new samples, at steps 2 and 4, and at the end."""
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


def test_a_notebook_has_progress_bars_and_log_messages(shown, monkeypatch):
    assert startup.progress_interval() == 0.5
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    level = root.level
    startup.set_up_notebook()
    try:
        assert root.level == logging.INFO and len(root.handlers) == 1
    finally:
        root.setLevel(level)


def test_a_progress_bar_adds_few_lines_to_a_log_file(monkeypatch):
    monkeypatch.setattr(sys, "stderr", open("/dev/null", "w"))
    with sys.stderr:
        assert startup.progress_interval() == 20.0


def test_presets_are_available_outside_of_a_notebook():
    assert PRESETS["quick"].batch_size == 64
    assert not notebook.in_notebook()
