"""Run folders, checkpoints and configuration files: written, read again or refused."""

import dataclasses
import errno
import json
import logging
from pathlib import Path

import numpy as np
import pytest
import toy
from keras.ops import convert_to_numpy

from chapter02_3dgan.config import PRESETS, Config
from common.config import differences, from_json, to_json, with_length
from common.config_files import read_config
from common.errors import TrainingError, UserError
from common.files import atomic_path
from common.images.writing import load_image
from common.training import checkpoints
from common.training.curves import draw_curves, is_share, read_rows, write_rows
from common.training.network_files import load_network
from common.training.run_dir import RunDir


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new working folder, because runs are written below it."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("preset", PRESETS)
def test_configuration_survives_json(preset):
    config = dataclasses.replace(PRESETS[preset], data=Path("a/b"), classes=("x", "y"))
    assert from_json(Config, to_json(config), "here") == config


def test_wrong_configuration_files(folder):
    with pytest.raises(UserError, match="f.json is not valid JSON"):
        from_json(Config, "{", "f.json")
    with pytest.raises(UserError, match="unknown option colour; known are .*average"):
        from_json(Config, '{"colour": 1}', "f.json")
    with pytest.raises(UserError, match="one JSON object"):
        from_json(Config, "[]", "f.json")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"batch_size": "8"}', "batch_size must be int, found '8'"),
        ('{"seed": true}', "seed must be int, found True"),
        ('{"seed": 1.0}', "seed must be int, found 1.0"),
        ('{"seed": null}', "seed must be int, found None"),
        ('{"average": NaN}', "is not valid JSON: NaN is no number"),
        ('{"average": -Infinity}', "is not valid JSON: -Infinity is no number"),
        ('{"average": 1e999}', "average must be .*float.*, found inf"),
        ('{"max_minutes": true}', "max_minutes must be .*float.*, found True"),
        ('{"jit": "maybe"}', "jit must be 'auto' or 'on' or 'off', found 'maybe'"),
        ('{"data": 3}', "data must be .*Path.*, found 3"),
        ('{"data": "a\\u0000b"}', "data must be .*Path.*, found "),
        ('{"seed": [[[[[[[[1]]]]]]]]}', "seed must be int, found .{,40}$"),
        ("[" * 200_000, "is nested too deeply"),
        ('{"seed": ' * 100_000, "is nested too deeply"),
    ],
)
def test_configurations_are_checked_like_files_of_options(tmp_path, text, message):
    """A run's config.json is read like --config FILE, with the same messages."""
    path = tmp_path / "f.json"
    path.write_text(text)
    for read in (
        lambda: from_json(Config, text, str(path)),
        lambda: read_config(path, Config()),
    ):
        with pytest.raises(UserError, match=f"f.json:? {message}") as caught:
            read()
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch_size": 0}, "--batch-size must be above 0 and finite, found 0"),
        ({"seed": -1}, "--seed must be a whole number from 0"),
        ({"steps_per_execution": 7}, "--log-every must be a multiple of"),
        ({"gate_accuracy": 1.5}, "--gate-accuracy must be above 0, at most 1"),
        ({"average": 1.0}, "--average must be from 0 to below 1"),
        ({"loss": "wasserstein"}, "--gradient-penalty must be above 0 with --loss"),
    ],
)
def test_wrong_values_name_the_option(change, message):
    with pytest.raises(UserError, match=message):
        dataclasses.replace(PRESETS["quick"], **change).validate()


def test_differences_name_the_options_that_must_not_change():
    new = dataclasses.replace(PRESETS["quick"], seed=3)
    assert differences(PRESETS["quick"], new) == ["seed: 0 -> 3"]
    longer = dataclasses.replace(PRESETS["quick"], steps=9, data=Path("elsewhere"))
    assert differences(PRESETS["quick"], longer) == []


def test_the_length_that_the_user_sets_overrides_the_default():
    quick = PRESETS["quick"]
    asked = with_length(quick, dataclasses.replace(quick, epochs=2))
    assert (asked.steps, asked.epochs, asked.max_minutes) == (None, 2, None)
    asked = with_length(quick, dataclasses.replace(quick, steps=7, epochs=2))
    assert (asked.steps, asked.max_minutes) == (7, None)
    asked = with_length(quick, dataclasses.replace(quick, steps=7, max_minutes=1))
    assert (asked.steps, asked.max_minutes) == (7, 1)
    assert with_length(quick, quick) == quick


def test_default_folder_and_link_to_the_latest(folder):
    run = RunDir.create("chapter", "quick")
    assert run.path.parent == Path("runs/chapter")
    assert run.path.name.endswith("_quick")
    # Another training that begins within the same second has a folder of its own.
    others = {RunDir.create("chapter", "quick").path for _ in range(3)}
    assert len(others | {run.path}) == 4
    with run.recording(PRESETS["quick"]):
        pass
    found = RunDir.find("chapter")
    assert found.path.resolve() == run.path.resolve()
    assert found.read_config(Config) == PRESETS["quick"]
    environment = json.loads(run.environment.read_text())
    assert environment["libraries"]["keras"] and environment["devices"]


def test_folders_without_a_run_are_refused(folder):
    with pytest.raises(UserError, match="no run in runs/chapter yet; train one"):
        RunDir.find("chapter")
    with pytest.raises(UserError, match="no such folder"):
        RunDir.find("chapter", folder / "none")
    (folder / "other").mkdir()
    with pytest.raises(UserError, match="not the folder of a run: it has no config"):
        RunDir.find("chapter", folder / "other")
    (folder / "other" / "thesis.tex").write_text("")
    with pytest.raises(UserError, match="not an empty folder"):
        RunDir.create("chapter", "quick", folder / "other")


def test_a_run_is_not_overwritten_unless_it_was_killed_at_its_start(folder):
    run = RunDir.create("chapter", "quick", folder / "run")
    run.path.mkdir()
    run.log.write_text("")
    RunDir.create("chapter", "quick", folder / "run")
    run.write_config(PRESETS["quick"])
    with pytest.raises(UserError, match="already holds a run; add --resume"):
        RunDir.create("chapter", "quick", folder / "run")
    with pytest.raises(UserError, match="no generator.keras in .* --resume"):
        load_network(run.generator)
    run.generator.write_bytes(b"PK half of it")
    with pytest.raises(UserError, match="generator.keras is damaged"):
        load_network(run.generator)


def restored(folder: Path):
    model = toy.build(seed=9)
    step = checkpoints.restore(folder, model.state())
    return step, toy.weights(model)


def test_checkpoints_restore_everything_and_keep_two(tmp_path):
    model = toy.build()
    for step in (1, 2, 3):
        toy.run(model, 1)
        checkpoints.save(tmp_path, step, model.state())
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["step_00000002.npz", "step_00000003.npz"]
    step, weights = restored(tmp_path)
    assert step == 3
    for name, arrays in toy.weights(model).items():
        for old, new in zip(arrays, weights[name], strict=True):
            np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("damage", ["cut", "flip", "empty"])
def test_a_damaged_checkpoint_is_skipped(tmp_path, damage, caplog):
    model = toy.build()
    checkpoints.save(tmp_path, 1, model.state())
    good = toy.weights(model)
    path = checkpoints.save(tmp_path, 2, toy.run(model, 1).state())
    content = bytearray(path.read_bytes())
    if damage == "flip":
        content[len(content) // 3] ^= 0xFF
    path.write_bytes({"cut": content[:-40], "empty": b""}.get(damage, content))
    step, weights = restored(tmp_path)
    assert step == 1
    assert not toy.moved(good["generator"], weights["generator"])
    assert "is damaged" in caplog.text


def test_an_error_if_all_checkpoints_are_damaged(tmp_path):
    checkpoints.save(tmp_path, 1, toy.build().state()).write_bytes(b"PK")
    with pytest.raises(UserError, match="all checkpoints in .* are damaged"):
        restored(tmp_path)


def test_two_processes_cannot_train_in_one_folder(folder):
    run = RunDir(folder / "run")
    with run.recording(PRESETS["quick"]), pytest.raises(UserError, match="another pro"):
        with RunDir(folder / "run").recording(PRESETS["quick"]):
            pass
    with pytest.raises(UserError, match="another configuration .seed: 0 -> 1"):
        with run.recording(dataclasses.replace(PRESETS["quick"], seed=1)):
            pass
    (run.path / ".writing-x").mkdir()
    # Another command, such as generate, may write while training is resumed.
    with atomic_path(run.path / "x" / "y") as temporary:
        temporary.touch()
        with run.recording(PRESETS["quick"]):
            logging.getLogger("common.test").debug("in detail")
    assert "in detail" in run.log.read_text()
    assert not (run.path / ".writing-x").exists()


def test_no_error_if_there_is_no_checkpoint(tmp_path):
    assert restored(tmp_path / "none")[0] is None


def test_a_checkpoint_of_other_networks_is_refused(tmp_path):
    checkpoints.save(tmp_path, 1, toy.build(d_norm=True).state())
    with pytest.raises(UserError, match="another configuration.*d_optimizer"):
        restored(tmp_path)


def test_weights_that_are_not_finite_are_not_saved(tmp_path):
    model = toy.build()
    checkpoints.save(tmp_path, 1, model.state())
    model.generator.variables[0].assign(np.nan * model.generator.variables[0])
    with pytest.raises(TrainingError, match="generator has values that are not finite"):
        checkpoints.save(tmp_path, 2, model.state())
    assert [path.name for path in tmp_path.iterdir()] == ["step_00000001.npz"]


def test_a_full_disk_keeps_the_earlier_checkpoint(tmp_path, monkeypatch):
    model = toy.build()
    checkpoints.save(tmp_path, 1, model.state())

    def fail(file, **arrays):
        file.write(b"half of it")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez", fail)
    with pytest.raises(UserError, match="cannot write .*step_00000002.npz: No space"):
        checkpoints.save(tmp_path, 2, model.state())
    assert [path.name for path in tmp_path.iterdir()] == ["step_00000001.npz"]
    assert restored(tmp_path)[0] == 1


def test_atomic_path_keeps_the_old_file_when_writing_fails(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(RuntimeError), atomic_path(path) as temporary:
        temporary.write_text("ne")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_metrics_csv_keeps_gaps_and_curves_are_drawn(tmp_path):
    rows = [
        {"step": 1, "seconds": 0.5, "d_loss": 1.25, "d_accuracy": 0.5},
        {"step": 2, "seconds": 1.0, "d_loss": 1.5, "g_loss": 0.25},
    ]
    write_rows(tmp_path / "m.csv", rows)
    assert read_rows(tmp_path / "m.csv") == rows
    assert read_rows(tmp_path / "none.csv") == []
    draw_curves(rows, (1.39, 0.69), tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 10_000


def test_state_covers_every_variable_of_training():
    """A variable that is missing would have another value after a resume."""
    model = toy.build()
    known = {id(v) for variables in model.state().values() for v in variables}
    for phase in model.phases:
        for variable in [*phase.network.variables, *phase.optimizer.variables]:
            assert id(variable) in known
    for variable in model.average_generator.variables:
        assert id(variable) in known
    assert convert_to_numpy(model.state()["progress"][0]) == 0


def test_shares_are_distinguished_from_losses():
    """Values that can be above 1 must not be drawn on an axis from 0 to 1."""
    shares = ("d_real", "d_accuracy", "d_wrong_age", "d_skipped", "g_occupancy")
    losses = ("d_loss", "d_penalty", "g_content", "z_length", "e_latents")
    assert all(map(is_share, shares)) and not any(map(is_share, losses))


def test_stages_without_a_discriminator_have_one_panel(tmp_path):
    rows = [{"step": i, "seconds": i, "z_loss": 2.0 / i} for i in (1, 2)]
    draw_curves(rows, None, tmp_path / "one.png")
    draw_curves([row | {"d_real": 0.5} for row in rows], None, tmp_path / "two.png")
    heights = [load_image(tmp_path / name).shape[0] for name in ("one.png", "two.png")]
    assert heights[1] == pytest.approx(2 * heights[0], abs=2)
    # No rows: the training was interrupted before the first one.
    draw_curves([], None, tmp_path / "none.png")
