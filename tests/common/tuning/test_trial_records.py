"""Records of trials, their form for Hyperopt, the median rule and the scorer."""

import dataclasses
import json
import signal

import pytest
from searching import ADAM
from toychapter.config import SPACE, Config

from common.errors import TrainingError, UserError
from common.training.stopping import SIGNALS
from common.tuning.median_rule import thresholds
from common.tuning.search import documents
from common.tuning.space import Space
from common.tuning.trial_callback import Scorer, as_callback
from common.tuning.trial_records import (
    Record,
    append_record,
    best_of,
    from_json_text,
    read_records,
    to_json_line,
    write_records,
)


def record(number, loss, status="ok", scores=(), draws=None):
    run = f"trials/{number:04d}"
    scores = [list(score) for score in scores]
    return Record(number, status, loss, {}, 1.0, run, draws or {}, scores)


def test_failed_trials_are_failures_for_tpe_and_stopped_ones_have_their_last_loss():
    from hyperopt.base import JOB_STATE_DONE

    space = Space(SPACE, Config)
    records = [
        record(2, None, "failed", draws=ADAM),
        record(0, 1.0),
        record(1, 3.0, "stopped", draws=ADAM),
    ]
    found = documents(records, space)
    assert [one["tid"] for one in found] == [0, 1, 2]
    results = [one["result"] for one in found]
    assert results[0] == results[2] == {"status": "fail"}
    assert results[1] == {"status": "ok", "loss": 3.0}
    assert found[1]["misc"]["vals"] == ADAM
    assert found[1]["misc"]["idxs"]["optimizer/1/beta_1"] == []
    assert found[1]["misc"]["idxs"]["optimizer/0/beta_1"] == [1]
    assert {one["state"] for one in found} == {JOB_STATE_DONE}
    assert found[0]["misc"]["vals"] == {label: [] for label in space.labels}


def test_records_come_back_from_their_file(tmp_path):
    path = tmp_path / "trials.jsonl"
    assert read_records(path) == []
    records = [record(0, 0.1, scores=[(0.25, 2.0)], draws=ADAM), record(1, 1e-300)]
    for one in records:
        append_record(path, one)
    assert [dataclasses.asdict(one) for one in read_records(path)] == [
        dataclasses.asdict(one) | {"scores": list(one.scores)} for one in records
    ]
    with pytest.raises(ValueError, match="JSON compliant"):
        append_record(path, record(2, float("nan")))


def test_an_incomplete_last_line_is_left_out(tmp_path, caplog):
    path = tmp_path / "trials.jsonl"
    write_records(path, [record(0, 1.0), record(1, 2.0)])
    whole = path.read_bytes()
    for end in (1, 30, len(whole.splitlines()[1]) - 1):
        path.write_bytes(whole + whole.splitlines()[1][:end])
        caplog.clear()
        assert [one.number for one in read_records(path)] == [0, 1]
        assert "line 3 is incomplete" in caplog.text
    path.write_bytes(whole + b"\xff\xfe")
    assert len(read_records(path)) == 2


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"number": 0,', "line 1 is damaged"),
        ('{"loss": NaN}', "line 1 is damaged"),
        ('{"loss": -Infinity}', "line 1 is damaged"),
        ("[1]", "must be a JSON object"),
        ('{"number": 0}', "'draws' is missing"),
    ],
)
def test_a_damaged_line_before_others_is_an_error(tmp_path, line, message):
    path = tmp_path / "trials.jsonl"
    append_record(path, record(1, 2.0))
    path.write_text(line + "\n" + path.read_text())
    with pytest.raises(UserError, match=message):
        read_records(path)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"colour": 1}, "colour"),
        ({"seconds": "1"}, "seconds"),
        ({"number": 1.0}, "number"),
        ({"loss": "1"}, "loss"),
        ({"draws": []}, "draws"),
    ],
)
def test_fields_that_are_unknown_or_of_a_wrong_kind_are_refused(change, name):
    values = json.loads(to_json_line(record(0, 1.0)))
    assert from_json_text(json.dumps(values), "it").loss == 1.0
    with pytest.raises(UserError, match=f"^it is not a trial's result: '{name}' is"):
        from_json_text(json.dumps(values | change), "it")


def test_files_that_cannot_be_read_or_written_are_an_error(tmp_path):
    with pytest.raises(UserError, match="cannot read .*directory"):
        read_records(tmp_path)
    with pytest.raises(UserError, match="cannot write .*none/trials.jsonl"):
        append_record(tmp_path / "none" / "trials.jsonl", record(0, 1.0))


def test_records_that_contradict_themselves_are_refused(tmp_path):
    path = tmp_path / "trials.jsonl"
    for wrong, message in (
        (record(0, None), "must have a loss"),
        (record(0, 1.0, "failed"), "must have a loss"),
        (record(0, 1.0, "fine"), "unknown status 'fine'"),
    ):
        write_records(path, [wrong])
        with pytest.raises(UserError, match=message):
            read_records(path)
    write_records(path, [record(0, 1.0), record(0, 2.0)])
    with pytest.raises(UserError, match="trial 0 twice"):
        read_records(path)
    path.write_text("[" * 200_000 + "\n{}\n")
    with pytest.raises(UserError, match="line 1 is damaged; remove this line"):
        read_records(path)


def test_the_best_trial_is_the_lowest_of_those_that_ran_to_the_end():
    records = [record(0, 2.0), record(1, 1.0, "stopped"), record(2, None, "failed")]
    assert best_of(records).number == 0
    assert best_of([*records, record(3, 2.0), record(4, 1.5)]).number == 4
    assert best_of(records[1:]) is None


def test_of_equal_losses_the_earliest_trial_is_the_best():
    equal = [record(3, 1.5), record(1, 1.5), record(2, 1.5), record(0, 2.0)]
    assert best_of(equal).number == best_of(equal[::-1]).number == 1


def test_median_rule_by_hand():
    scores = [
        [(0.25, 5.0), (0.5, 6.0), (0.75, 1.0)],  # Best until the rungs: 5, 5, 1.
        [(0.25, 3.0), (0.5, 2.0)],  # 3, 2.
        [(0.25, 9.0), (0.5, 4.0), (0.75, 4.0)],  # 9, 4, 4.
        [(0.25, 7.0), (0.5, 8.0), (0.75, 6.0)],  # 7, 7, 6.
    ]
    records = [record(number, 0.5, scores=one) for number, one in enumerate(scores)]
    # (5 + 7) / 2, (4 + 5) / 2, and only three trials came to 3/4.
    assert thresholds(records) == [6.0, 4.5, None]
    assert thresholds(records[:3]) == [None, None, None]


class Generator:
    """Stands for a model in training; its losses are given."""

    def __init__(self, losses):
        self.losses = losses
        self.step = 0
        self.stop_training = False

    @property
    def average_generator(self):
        return self


def train(scorer, losses):
    """Call a scorer at steps 1, 2, ..., with these losses; return the last step."""
    scorer.model = model = Generator(losses)
    scorer.on_train_begin()
    for model.step in range(1, len(losses) + 1):
        scorer.on_train_batch_end(model.step)
        if model.stop_training:
            break
    scorer.on_train_end()
    return model.step


def objective(model):
    return {"quality": -model.losses[model.step - 1], "other": float("inf")}


@pytest.fixture
def own_signals():
    """Restore the signal handlers that a scorer replaces."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def make_scorer(limits, **budget):
    rungs = list(zip((0.25, 0.5, 0.75), limits, strict=True))
    return Scorer(
        objective, "quality", -1, rungs, **{"steps": 8, "minutes": None} | budget
    )


def test_a_trial_is_scored_at_the_rungs_and_at_its_end(own_signals):
    scorer = make_scorer([None, 9.0, 9.0])
    assert train(scorer, [8.0, 7, 6, 5, 4, 3, 2, 1]) == 8
    assert scorer.scores == [[0.25, 7.0], [0.5, 5.0], [0.75, 3.0]]
    assert scorer.finish() == 1.0 and not scorer.stopped
    assert scorer.metrics == {"quality": -1.0}


def test_a_trial_stops_above_the_median_by_its_best_loss_so_far(own_signals):
    scorer = make_scorer([6.0, 4.5, 4.0])
    # The losses are 5 and then 9. The best, 5, is above the limit 4.5.
    assert train(scorer, [5.0, 5, 9, 9, 1, 1, 1, 1]) == 4
    assert scorer.finish() == 9.0
    assert "at 50% its best loss 5 was above the median 4.5" in scorer.stopped


def test_a_trial_that_was_good_enough_before_goes_on(own_signals):
    assert train(make_scorer([6.0, 4.5, 4.0]), [4.0, 4, 9, 9, 9, 9, 9, 9]) == 8


def test_a_trial_at_the_median_goes_on(own_signals):
    assert train(make_scorer([5.0, 5.0, 5.0]), [5.0] * 8) == 8


def test_scoring_does_not_count_against_the_minutes(own_signals):
    scorer = make_scorer([None] * 3, steps=None, minutes=1.0)
    now = [0.0]

    def slow_objective(model):
        now[0] += 1000
        return objective(model)

    scorer.objective = slow_objective
    scorer.clock = lambda: now[0]
    original = Scorer.on_train_batch_end

    def step(*arguments):
        now[0] += 10
        original(scorer, *arguments)

    scorer.on_train_batch_end = step
    assert train(scorer, [1.0] * 20) == 6
    assert [share for share, _ in scorer.scores] == [0.25, 0.5, 0.75]


def test_a_metric_that_is_not_finite_is_an_error(own_signals):
    scorer = make_scorer([None] * 3)
    with pytest.raises(TrainingError, match="quality is nan"):
        train(scorer, [1.0, float("nan"), 1, 1, 1, 1, 1, 1])


def test_keras_calls_the_scorer(own_signals):
    import tensorflow as tf
    import toy

    model = toy.build()
    scored = []

    def count(generator):
        scored.append(int(model.step))
        assert generator is model.average_generator
        return {"loss": float(len(scored))}

    rungs = [(0.25, None), (0.5, 0.5), (0.75, None)]
    scorer = as_callback(True)(count, "loss", 1, rungs, 8, None)
    batches = tf.data.Dataset.from_tensors(toy.POINTS[: toy.BATCH]).repeat(8)
    model.fit(batches, verbose=0, shuffle=False, callbacks=[scorer])
    assert scored == [2, 4] and int(model.step) == 4
    assert scorer.stopped and scorer.finish() == 2.0
