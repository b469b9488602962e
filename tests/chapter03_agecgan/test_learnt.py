"""Chapter 3: which ages a run has learnt, and what follows from it."""

import json

import numpy as np
import pytest

from chapter03_agecgan.ages import AGE_CLASSES
from chapter03_agecgan.learnt import (
    chosen_ages,
    count_ages,
    learnt_ages,
    note_counts,
    read_counts,
)
from common.errors import UserError
from common.training.run_dir import RunDir


@pytest.fixture
def run(tmp_path) -> RunDir:
    """A run that has seen no photo of 50 to 59 years."""
    run = RunDir(tmp_path)
    note_counts(run, count_ages(np.array([0, 1, 2, 2, 3, 5])))
    return run


def test_the_ages_of_the_training_photos_are_learnt(run):
    assert list(read_counts(run).values()) == [1, 1, 2, 1, 0, 1]
    assert learnt_ages(run).tolist() == [0, 1, 2, 3, 5]
    assert chosen_ages(run, "all", "--to").tolist() == [0, 1, 2, 3, 5]
    assert chosen_ages(run, "60+", "--to").tolist() == [5]


def test_a_run_of_an_earlier_version_offers_all_ages(tmp_path):
    run = RunDir(tmp_path)
    assert read_counts(run) is None
    assert chosen_ages(run, "all", "--to").tolist() == [0, 1, 2, 3, 4, 5]
    assert chosen_ages(run, "50-59", "--to").tolist() == [4]


@pytest.mark.parametrize(
    "content",
    ["", "[1]", "{}", '{"0-18": 3}', dict.fromkeys(AGE_CLASSES, 0)]
    + [dict.fromkeys(AGE_CLASSES, value) for value in (-1, 2.5, True, "9")],
)
def test_damaged_numbers_are_refused(tmp_path, content):
    text = content if isinstance(content, str) else json.dumps(content)
    (tmp_path / "ages.json").write_text(text)
    with pytest.raises(UserError, match=r"ages\.json: expected the number of training"):
        learnt_ages(RunDir(tmp_path))
