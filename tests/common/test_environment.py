"""What the user's machine may be like."""

import io
import json
import logging
import os
import sys
from pathlib import Path

import keras
import pytest

from chapter01_gan.commands import CHAPTER
from common import startup
from common.cli import main as cli
from common.config_files import read_object
from common.errors import PrintableFormatter, UserError, printable
from common.files import default_cache_dir
from common.startup import import_tensorflow


def test_the_settings_of_a_users_keras_json_do_not_count(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "")
    keras.config.set_image_data_format("channels_first")
    keras.config.set_floatx("float16")
    keras.config.set_epsilon(1e-3)
    keras.config.set_max_epochs(1)
    keras.config.set_max_steps_per_epoch(1)
    import_tensorflow()
    assert keras.config.image_data_format() == "channels_last"
    assert keras.config.floatx() == "float32"
    assert keras.config.epsilon() == 1e-7
    assert keras.config.max_epochs() is None
    assert keras.config.max_steps_per_epoch() is None
    assert os.environ["KERAS_BACKEND"] == "tensorflow"
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    with pytest.raises(UserError, match="must be tensorflow, found jax; unset it"):
        import_tensorflow()


def test_a_damaged_keras_json_is_named(monkeypatch, tmp_path):
    def fail() -> None:
        raise AssertionError  # TensorFlow checks the settings so

    monkeypatch.setattr(startup, "_import_quietly", fail)
    monkeypatch.delitem(sys.modules, "tensorflow")
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with pytest.raises(UserError, match=f"keras.json in {tmp_path} is damaged: mend"):
        import_tensorflow()


@pytest.mark.parametrize("columns", ["1", "0", "-5", "x", "1000000000"])
def test_help_ends_at_any_width_of_the_terminal(monkeypatch, capsys, columns):
    monkeypatch.setenv("COLUMNS", columns)
    with pytest.raises(SystemExit) as end:
        cli.main(CHAPTER, ["train", "--help"])
    assert not end.value.code
    lines = capsys.readouterr().out.splitlines()
    assert "--batch-size" in "".join(lines)
    assert max(map(len, lines)) <= cli.MOST_COLUMNS
    assert os.environ["COLUMNS"] == columns


def test_closed_streams_and_a_full_disk_behind_the_output(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", None)
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    assert cli.main(CHAPTER, []) == 0
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    with full.open("w") as stream, pytest.raises(UserError, match="No space left"):
        monkeypatch.setattr(sys, "stdout", stream)
        cli.say("text")


def test_an_output_that_knows_ascii_only(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), "ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    cli.main(CHAPTER, [])
    cli.say("größer \udcff")
    assert stream.buffer.getvalue().endswith(rb"gr\xf6\xdfer \udcff")


def test_names_reach_the_terminal_without_escapes():
    name = "a\x1b[31m\udcfe\u202e\x9b\tb\nß 年"
    assert printable(name) == "a\\x1b[31m\\udcfe\\u202e\\x9b\tb\nß 年"
    record = logging.LogRecord("x", logging.INFO, "", 0, "%s left", (name,), None)
    text = PrintableFormatter("%(message)s").format(record)
    assert text == "a\\x1b[31m\\udcfe\\u202e\\x9b\tb\\nß 年 left"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_configurations_may_begin_with_a_byte_order_mark(tmp_path, encoding):
    path = tmp_path / "options.json"
    path.write_text(json.dumps({"seed": 3}), encoding)
    assert read_object(path) == {"seed": 3}


def test_the_cache_without_a_home(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    name = "gan-projects-in-keras"
    assert default_cache_dir() == tmp_path / ".cache" / name
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    for home in ("/nowhere/home", "relative"):
        monkeypatch.setenv("HOME", home)
        assert default_cache_dir() == tmp_path / f"{name}-{os.getuid()}"
