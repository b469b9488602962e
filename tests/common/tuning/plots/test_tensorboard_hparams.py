"""TensorBoard's HPARAMS page, read back with TensorBoard's own modules."""

import dataclasses
import subprocess
import sys

import pytest
from conftest import ROOT
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata

from common.tuning.plots.tensorboard_hparams import write_hparams
from common.tuning.trial_records import Record

TRIAL = Record(
    number=3,
    status="ok",
    loss=0.5,
    parameters={
        "batch_size": 16,
        "rate": 1e-3,
        "augment": True,
        "kind": "adam",
        "widths": [64, 32],
        "clip": None,
    },
    seconds=7.0,
    run="trials/0003",
    scores=[[0.25, 2.0], [0.5, 1.0]],
    metrics={"kid": 0.125, "loss": 9.0},
)


def _read(folder) -> EventAccumulator:
    """Read a trial's events as TensorBoard does."""
    events = EventAccumulator(str(folder / "tensorboard" / "0003"))
    return events.Reload()


def _session(events: EventAccumulator):
    """Return the start and the end of a session, as the hparams plugin reads them."""
    contents = events.PluginTagToContent(metadata.PLUGIN_NAME)
    return (
        metadata.parse_session_start_info_plugin_data(
            contents[metadata.SESSION_START_INFO_TAG]
        ),
        metadata.parse_session_end_info_plugin_data(
            contents[metadata.SESSION_END_INFO_TAG]
        ),
    )


def test_the_page_has_the_parameters(tmp_path):
    write_hparams(TRIAL, tmp_path)
    start, end = _session(_read(tmp_path))
    found = {
        name: getattr(value, value.WhichOneof("kind"))
        for name, value in start.hparams.items()
    }
    assert found == TRIAL.parameters | {"widths": "64, 32", "clip": "none"}
    assert found["augment"] is True
    assert start.group_name == "0003"
    assert end.end_time_secs - start.start_time_secs == pytest.approx(7, abs=1e-3)


def test_the_page_has_loss_and_metrics(tmp_path):
    write_hparams(TRIAL, tmp_path)
    events = _read(tmp_path)
    values = {
        tag: [(event.step, event.value) for event in events.Scalars(tag)]
        for tag in ("loss", "kid")
    }
    assert values == {"loss": [(25, 2.0), (50, 1.0), (100, 0.5)], "kid": [(100, 0.125)]}


@pytest.mark.parametrize(
    ("status", "loss", "number"),
    [("ok", 0.5, 1), ("stopped", 1.0, 0), ("failed", None, 2)],
)
def test_the_page_has_the_status(status, loss, number, tmp_path):
    trial = dataclasses.replace(TRIAL, status=status, loss=loss)
    write_hparams(trial, tmp_path)
    events = _read(tmp_path)
    assert _session(events)[1].status == number
    # A trial that did not reach its end has no loss there.
    steps = [event.step for event in events.Scalars("loss")]
    assert steps == ([25, 50, 100] if status == "ok" else [25, 50])


def test_writing_again_replaces_the_session(tmp_path):
    write_hparams(TRIAL, tmp_path)
    write_hparams(dataclasses.replace(TRIAL, loss=0.25), tmp_path)
    assert len(list((tmp_path / "tensorboard" / "0003").iterdir())) == 1
    assert _read(tmp_path).Scalars("loss")[-1].value == 0.25


def test_a_trial_without_scores_is_written(tmp_path):
    trial = dataclasses.replace(
        TRIAL, status="failed", loss=None, scores=[], metrics={}, parameters={}
    )
    write_hparams(trial, tmp_path)
    events = _read(tmp_path)
    assert _session(events)[1].status == 2
    assert "loss" not in events.Tags()["scalars"]


def test_no_tensorflow_is_imported(tmp_path):
    code = (
        "import pathlib, sys;"
        "from common.tuning.plots.tensorboard_hparams import write_hparams;"
        "from common.tuning.trial_records import Record;"
        "record = Record(0, 'ok', 1.0, {'a': 1}, 1.0, '');"
        "write_hparams(record, pathlib.Path(sys.argv[1]));"
        "sys.exit('tensorflow' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, check=False
    )
    assert done.returncode == 0
