"""The views that a run has seen: noted by training, kept to by what is generated."""

import dataclasses

import numpy as np
import pytest
from norb_runs import make_run

from common.errors import UserError
from study_norb.config import Config
from study_norb.data import Toys
from study_norb.generation import random_labels, sample
from study_norb.learnt_views import SMALL_NORB, VIEWS, Views, note_views, read_views
from study_norb.viewpoints import turntable

SEEN = Views((0.0, 5.5), (0.0, 10.0), (2, 4))


def toys(views: Views) -> Toys:
    """Return toys of all combinations of views, in no order."""
    grid = np.meshgrid(views.azimuths, views.elevations, views.lightings)
    azimuths, elevations, lightings = (part.ravel()[::-1] for part in grid)
    count = len(azimuths)
    zeros = np.zeros(count, np.int32)
    return Toys(
        images=np.zeros((count, 48, 48, 1), np.uint8),
        classes=zeros,
        instances=zeros,
        azimuths=azimuths.astype(np.float32),
        elevations=elevations.astype(np.float32),
        lightings=lightings.astype(np.int32),
        class_names=("car",),
    )


def test_views_are_noted_and_read(tmp_path):
    run = make_run(tmp_path / "run", labels="pose")
    assert read_views(run) == SMALL_NORB
    note_views(run, toys(SEEN))
    assert read_views(run) == SEEN


def test_only_seen_views_are_drawn():
    labels = random_labels(Config(labels="pose"), 200, 1, views=SEEN)
    drawn = Views(*(tuple(np.unique(part).tolist()) for part in labels[1:]))
    assert drawn == SEEN


def test_commands_keep_to_the_views_of_their_run(tmp_path):
    """The generator paints its label: places 11 and 12 to 17 are not the azimuth."""
    run = make_run(tmp_path / "run", labels="pose")
    note_views(run, toys(dataclasses.replace(SEEN, elevations=(40.0,))))
    made = sample(run, 40)[:, 0, :, 0]
    assert set(made[:, 11].tolist()) == {64}  # 40 degrees are -0.5
    assert set(made[:, 12:18].argmax(axis=1).tolist()) == {2, 4}
    with pytest.raises(UserError, match=r"seen, 2, 4; found 0"):
        turntable(run)
    with pytest.raises(UserError, match="--elevation must be from 40 to 40, found 50"):
        turntable(run, lighting=2, elevation=50)
    turntable(run, lighting=2, count=1, frames=2)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"azimuths": [0], "elevations": [30]}',
        '{"azimuths": [0], "elevations": [], "lightings": [0]}',
        '{"azimuths": [0], "elevations": ["30"], "lightings": [0]}',
        '{"azimuths": [NaN], "elevations": [30], "lightings": [0]}',
        '{"azimuths": [0], "elevations": [30], "lightings": [99]}',
        '{"azimuths": [0], "elevations": [30], "lightings": [1.5]}',
    ],
)
def test_a_damaged_note_is_refused(tmp_path, text):
    run = make_run(tmp_path / "run", labels="pose")
    (run.path / VIEWS).write_text(text)
    with pytest.raises(UserError, match=r"views\.json is damaged"):
        read_views(run)
