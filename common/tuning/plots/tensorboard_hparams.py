"""TensorBoard's HPARAMS page for a search: each trial is a session.

The event files are written with TensorBoard's own modules and not with TensorFlow,
because a search itself does not import TensorFlow.
"""

import time
from pathlib import Path
from typing import Any

from common.files import atomic_path
from common.tuning.plots.axes import is_number, text_of
from common.tuning.trial_records import Record

FILE = "events.out.tfevents.trial"
# TensorBoard has no status for a stopped session, so UNKNOWN stands for it.
STATUSES = {"ok": "STATUS_SUCCESS", "stopped": "STATUS_UNKNOWN"}


def write_hparams(record: Record, folder: Path) -> None:
    """Write a trial's parameters, loss, metrics and status for TensorBoard.

    The loss is a curve over the share of the budget in percent: the scores at the rungs
    and the final loss. HPARAMS shows its last value. An existing file of the trial is
    replaced.

    Args:
        record: record of a finished trial.
        folder: folder of the search; the file is written to its subfolder
            tensorboard/<number>/.
    """
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.plugins.hparams import api_pb2, metadata
    from tensorboard.plugins.hparams.summary_v2 import hparams_pb
    from tensorboard.summary.writer.record_writer import RecordWriter

    end = time.time()
    name = f"{record.number:04d}"
    shown = {name: _plain(value) for name, value in record.parameters.items()}
    status = api_pb2.Status.Value(STATUSES.get(record.status, "STATUS_FAILURE"))
    ending = {"status": status, "end_time_secs": end}
    events = [
        Event(wall_time=end, file_version="brain.Event:2"),
        Event(wall_time=end, summary=hparams_pb(shown, name, end - record.seconds)),
        *(
            Event(wall_time=end, step=step, summary=_scalar(tag, value))
            for step, tag, value in _scalars(record)
        ),
        Event(wall_time=end, summary=_ending(metadata.SESSION_END_INFO_TAG, **ending)),
    ]
    with (
        atomic_path(folder / "tensorboard" / name / FILE) as temporary,
        temporary.open("wb") as file,
    ):
        writer = RecordWriter(file)
        for event in events:
            writer.write(event.SerializeToString())


def _plain(value: Any) -> bool | float | str:
    """Return a value in a type that the page can show: lists and None become text."""
    return value if is_number(value) or isinstance(value, bool) else text_of(value)


def _scalars(record: Record) -> list[tuple[int, str, float]]:
    """Return (percent of the budget, tag, value) for the losses and final metrics."""
    points = {round(100 * share): score for share, score in record.scores}
    if record.status == "ok":
        points[100] = record.loss
    last = max(points, default=0)
    others = {name: v for name, v in record.metrics.items() if name != "loss"}
    return [(percent, "loss", points[percent]) for percent in sorted(points)] + [
        (last, name, value) for name, value in others.items()
    ]


def _scalar(tag: str, value: float):
    from tensorboard.compat.proto.summary_pb2 import Summary

    return Summary(value=[Summary.Value(tag=tag, simple_value=value)])


def _ending(tag: str, **ending):
    """Return the summary with the status and the time of a session's end."""
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.plugins.hparams import metadata, plugin_data_pb2

    content = plugin_data_pb2.HParamsPluginData(
        session_end_info=plugin_data_pb2.SessionEndInfo(**ending)
    )
    described = metadata.create_summary_metadata(content)
    value = Summary.Value(tag=tag, metadata=described, tensor=metadata.NULL_TENSOR)
    return Summary(value=[value])
