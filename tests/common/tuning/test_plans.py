"""Decisions of a search before a trial runs."""

import dataclasses

from toychapter.config import PRESETS, Config

from common.tuning.search import Plan, missing, suggest
from common.tuning.space import Space
from common.tuning.trial_records import Record


def record_with_loss(number, loss):
    """Return the record of a trial that had one loss at all rungs."""
    scores = [[rung, loss] for rung in (0.25, 0.5, 0.75)]
    return Record(number, "ok", loss, {}, 1.0, "", {"place": [0.5]}, scores)


def one_dimension(tmp_path, trials=10, **options):
    space = Space({"place": {"uniform": [0, 1]}}, Config)
    values = {"minutes": None, "steps": 7, "trials": trials} | options
    return Plan("toychapter", PRESETS["quick"], space, tmp_path, **values)


def test_the_median_rule_uses_only_earlier_trials(tmp_path):
    """A trial that is run again after later ones has the same limits."""
    plan = one_dimension(tmp_path)
    losses = [4.0, 1.0, 8.0, 3.0, 0.1, 0.2, 0.3]
    records = [record_with_loss(*one) for one in enumerate(losses)]
    for known in (records[:4], records, records[::-1]):
        task = plan.task(known, 4, {"place": [0.5]})
        # The median of 4, 1, 8 and 3.
        assert task.rungs == [(0.25, 3.5), (0.5, 3.5), (0.75, 3.5)]
    without = dataclasses.replace(plan, median_rule=False)
    assert without.task(records, 4, {"place": [0.5]}).rungs == []


def test_tpe_begins_after_five_random_trials(tmp_path):
    plan = one_dimension(tmp_path)
    rand = dataclasses.replace(plan, algorithm="random")
    records = [record_with_loss(number, 1.0 / (number + 1)) for number in range(6)]
    for count, alike in ((0, True), (4, True), (5, False), (6, False)):
        drawn = [suggest(one, records[:count], 9) for one in (plan, rand)]
        assert (drawn[0] == drawn[1]) == alike


def test_missing_trials_are_found(tmp_path):
    records = [record_with_loss(3, 1.0), record_with_loss(0, 2.0)]
    assert missing(one_dimension(tmp_path, trials=6), records) == [1, 2, 4, 5]
    assert missing(one_dimension(tmp_path, trials=1), records) == []


def test_only_trials_leave_out_validation_items(tmp_path):
    config = dataclasses.replace(
        PRESETS["quick"],
        validation_every=5,
        steps_per_execution=30,
        log_every=60,
        sample_every=300,
        checkpoint_every=300,
        max_minutes=2.0,
    )
    plan = dataclasses.replace(one_dimension(tmp_path), config=config)
    task = plan.task([], 1, {"place": [0.5]})
    assert task.config["validation_every"] == 10
    # A multiple of the steps of one execution.
    assert task.config["sample_every"] == task.config["checkpoint_every"] == 999_999_990
    best = plan.best_config(task.record("ok", 1.0, seconds=1.0))
    assert best == dataclasses.replace(config, place=0.5, validation_every=None)
