"""The picture of a search, its axes, and the importance of parameters."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from common.tuning.plots.axes import Axis, LossScale, text_of
from common.tuning.plots.importance import FEWEST, importance
from common.tuning.plots.search_picture import draw_search
from common.tuning.trial_records import Record


def _search(count: int, seed: int = 0) -> list[Record]:
    """Return trials with loss 2 a + b, whose terms have variances 4/3 and 1/3."""
    rng = np.random.default_rng(seed)
    records = []
    for number in range(count):
        a, b, idle = rng.uniform(-1, 1, 3).tolist()
        kind = ["adam", "sgd", None][number % 3]
        parameters = {"a": a, "b": b, "idle": idle, "kind": kind}
        records.append(
            Record(number, "ok", 2 * a + b, parameters, 1.0, f"trials/{number:04d}")
        )
    return records


def test_importance_is_the_share_of_the_variance():
    found = importance(_search(150), ["a", "b", "idle", "kind"])
    assert found.trials == 150
    assert found.shares["a"] == pytest.approx(0.8, abs=0.08)
    assert found.shares["b"] == pytest.approx(0.2, abs=0.08)
    assert found.shares["idle"] < 0.01 and found.shares["kind"] < 0.01
    assert found.explained > 0.95


def test_pure_noise_has_no_importance():
    noise = np.random.default_rng(1).normal(size=60)
    records = [
        dataclasses.replace(record, loss=float(loss))
        for record, loss in zip(_search(60), noise, strict=True)
    ]
    found = importance(records, ["a", "b", "idle", "kind"])
    assert found.explained < 0.1 and max(found.shares.values()) < 0.1


def test_importance_of_a_choice_and_of_its_own_option():
    rng = np.random.default_rng(2)
    records = []
    for number in range(200):
        x, kind = float(rng.uniform(-1, 1)), "ab"[number % 2]
        parameters = {"kind": kind} | ({"x": x} if kind == "a" else {})
        loss = 3 * x if kind == "a" else 5.0
        records.append(Record(number, "ok", loss, parameters, 1.0, ""))
    found = importance(records, ["kind", "x"])
    # Variances: (5 / 2)^2 between the kinds, half of 9 / 3 within.
    assert found.shares["kind"] > found.shares["x"]
    assert found.shares["x"] == pytest.approx(1.5 / 7.75, abs=0.04)


def test_an_idle_option_gets_no_importance_from_the_choice_above_it():
    rng = np.random.default_rng(4)
    records = []
    for number in range(100):
        kind = "ab"[number % 2]
        parameters = {"x": float(rng.uniform(-1, 1))} if kind == "a" else {}
        loss = 0.0 if kind == "a" else 5.0
        records.append(Record(number, "ok", loss, parameters | {"kind": kind}, 1.0, ""))
    found = importance(records, ["x", "kind"])
    # Half of the other kinds differ, by 5: 12.5 / (2 * 6.25).
    assert found.shares["kind"] == pytest.approx(1, abs=0.15)
    assert found.shares["x"] < 0.02


def test_huge_losses_do_not_hide_what_matters():
    records = _search(100)
    for number in (3, 40, 77):
        records[number] = dataclasses.replace(records[number], loss=1e9)
    found = importance(records, ["a", "b", "idle"])
    assert found.shares["a"] > 0.3 > 0.05 > found.shares["idle"]


def test_too_few_trials_have_no_importance():
    records = _search(FEWEST)
    assert importance(records, ["a"]) is not None
    assert importance(records[1:], ["a"]) is None
    failed = dataclasses.replace(records[0], loss=None, status="failed")
    assert importance([failed, *records[1:]], ["a"]) is None


def test_equal_losses_have_no_importance():
    records = [dataclasses.replace(record, loss=2.0) for record in _search(20)]
    assert importance(records, ["a", "b"]).shares == {"a": 0.0, "b": 0.0}


def test_wide_axes_are_logarithmic():
    axis = Axis.of([0.001, 0.01, 0.1, 1.0, 10.0])
    assert axis.log
    assert [axis.position(v) for v in (0.001, 0.1, 10.0)] == pytest.approx([0, 0.5, 1])
    narrow = Axis.of([1, 2, 29])
    assert not narrow.log and narrow.position(15) == pytest.approx(0.5)


def test_even_numbers_are_not_shown_by_their_logarithm():
    mix = np.random.default_rng(3).permutation
    assert not Axis.of(mix(np.linspace(0.01, 1, 50)).tolist()).log
    assert Axis.of(mix(np.geomspace(0.01, 1, 50)).tolist()).log
    assert not Axis.of([-1.0, 0.001, 0.01, 1.0]).log


def test_zero_and_none_lie_below_a_logarithmic_axis():
    axis = Axis.of([0.0, None, 0.001, 0.1, 10.0])
    places = [axis.position(value) for value in (0.0, None, 0.001, 10.0)]
    assert places == sorted(places) and places[3] == 1
    assert len(set(places)) == 4
    assert {"0", "none", "0.001", "10"} <= {text for _, text in axis.ticks}


def test_names_share_an_axis_in_natural_order():
    axis = Axis.of([[128, 64], [64, 32], [256, 128]])
    assert [text for _, text in axis.ticks] == ["64, 32", "128, 64", "256, 128"]
    assert axis.position([128, 64]) == pytest.approx(0.5)
    # True equals 1 in Python, but is shown as a name.
    mixed = Axis.of([True, 1])
    assert mixed.position(True) != mixed.position(1)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e-05, "1e-5"),
        (0.00031, "0.00031"),
        (256.0, "256"),
        (None, "none"),
        (True, "true"),
    ],
)
def test_values_read_as_a_person_writes_them(value, text):
    assert text_of(value) == text


def test_losses_far_above_are_beyond_the_scale():
    scale = LossScale.of([1.0, 2.0, 3.0, 4.0, 5.0, 1e9])
    # The upper quartile of six is a quarter of the way from 4 to 5: 4.75.
    assert (scale.low, scale.high) == pytest.approx((1.0, 1 + 3 * 3.75))
    assert scale.shown([2.0, 1e9]).tolist() == pytest.approx([2.0, 12.25])
    assert not scale.log and LossScale.of([0.001, 0.1, 10.0]).log
    assert LossScale.of([0.0, 0.0, 0.0, 0.0, 7.0]).high == 7.0


def _failed(number: int) -> Record:
    return Record(number, "failed", None, {"a": 0.5}, 1.0, "", message="crashed")


@pytest.mark.parametrize(
    "records",
    [
        _search(1),
        [_failed(0), _failed(1)],
        [_failed(0), *_search(3)[1:]],
        [dataclasses.replace(r, loss=1.0) for r in _search(12)],
        [dataclasses.replace(r, status="stopped") for r in _search(12)],
        [dataclasses.replace(r, loss=1e-3 * 10.0**r.number) for r in _search(12)],
        [
            dataclasses.replace(r, loss=1e300 if r.number == 5 else r.loss)
            for r in reversed(_search(40))
        ],
    ],
    ids=["one", "all failed", "preset failed", "equal", "stopped", "wide", "huge"],
)
def test_a_picture_is_drawn_of(records, tmp_path):
    path = tmp_path / "search.png"
    draw_search(records, ["a", "b", "idle", "kind", "nobody"], path)
    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("L"))
    assert pixels.shape[1] > 1000 and pixels.std() > 5


def test_a_trial_without_a_parameter_is_a_gap(tmp_path):
    with_all, without = {"a": 0.5, "kind": "x", "c": 1.0}, {"a": 0.1, "c": 3.0}
    records = [
        Record(0, "ok", 2.0, with_all, 1.0, ""),
        Record(1, "ok", 1.0, without, 1.0, ""),
    ]
    draw_search(records, ["a", "kind", "c"], tmp_path / "search.png")
    assert (tmp_path / "search.png").stat().st_size > 10_000
