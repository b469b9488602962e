"""The cost of a training step: the model on made-up numbers, and the counted work."""

import dataclasses
import math

import numpy as np
import pytest
import tensorflow as tf

from benchmarks import cost_model, cost_study, cost_tables, step_cost, step_work
from benchmarks.cost_model import Exchange, Network
from benchmarks.cost_picture import draw
from benchmarks.cost_tables import efficiency
from benchmarks.step_cost_worker import EVERY
from benchmarks.step_work import Point, Work
from common.errors import UserError

WORK = Work(multiply_adds=1e6, moved=1e4, weights=1000, exchanged=1000, messages=10)
# Coefficients a, b, c, d of one process; s, alpha, beta of two workers.
ALONE = np.array([0.01, 2e-11, 1e-9, 3e-9])
PAIR = np.array([0.05, 1e-4, 2e-9])


def made_up_work(point: Point) -> Work:
    area, width = point.size**2, point.width
    weights = int(width**2 * 700)
    return Work(area * width**2 * 500, area * width * 60, weights, weights + 9, 9)


def made_up_rows(chapter: str) -> list[dict]:
    """Return rows of step_cost.json that follow the model exactly."""
    rows = []
    for point in sum(step_cost.designs(chapter, quick=False), []):
        work = made_up_work(point)
        time = np.dot(cost_model.step_columns(work, point.share), ALONE)
        if point.workers > 1:
            columns = cost_model.exchange_columns(work, point.workers, time)
            time += np.dot(columns, PAIR)
        rows.append(dataclasses.asdict(point) | {"seconds": [float(time)] * EVERY})
    return rows


@pytest.fixture
def made_up(monkeypatch) -> cost_study.Study:
    for module in (cost_study, cost_tables):
        monkeypatch.setattr(module, "work_of", made_up_work)
    return cost_study.study("chapter04_dcgan", made_up_rows("chapter04_dcgan"))


# --- the model


def test_mean_step_weighs_the_two_kinds_of_steps():
    # The medians are 8 and 2; one of the usual steps was disturbed.
    seconds = [8, 2, 2, 99, 9, 2, 2, 2, 7, 2, 2, 2]
    assert cost_model.mean_step(seconds, 4) == (8 + 3 * 2) / 4
    assert cost_model.mean_step([8, 2, 9, 99, 7, 2], 2) == (8 + 2) / 2


def test_fit_recovers_known_coefficients():
    columns = np.random.default_rng(0).uniform(1, 9, (12, 4)) * [1, 1e9, 1e7, 1e6]
    seconds = columns @ ALONE
    found = cost_model.fit(columns, seconds, np.zeros(12))
    np.testing.assert_allclose(found, ALONE, rtol=1e-6)


def test_fit_explains_only_what_is_not_known():
    columns, known = np.array([[1.0], [2.0]]), np.array([5.0, 7.0])
    found = cost_model.fit(columns, known + 3 * columns[:, 0], known)
    np.testing.assert_allclose(found, [3])


def test_fit_has_no_negative_coefficients():
    columns = np.array([[1.0, 1.0], [1.0, 2.0], [1.0, 3.0]])
    constant, slope = cost_model.fit(columns, np.array([3.0, 2.0, 1.0]), np.zeros(3))
    assert constant > 0 and slope == 0


def test_relative_errors_by_hand():
    found = cost_model.relative_errors(np.array([1.1, 1, 4]), np.array([1, 2, 4]))
    assert found.median == pytest.approx(0.1) and found.largest == 0.5


def test_leave_one_out_by_hand():
    # The constant c with the least sum of (c / s - 1)^2 is sum(1/s) / sum(1/s^2):
    # of 1 and 2 it is 1.5 / 1.25, of 1 and 1 it is 1.
    seconds = np.array([1.0, 1.0, 2.0])
    found = cost_model.leave_one_out(np.ones((3, 1)), seconds, np.zeros(3))
    np.testing.assert_allclose(found, [1.2, 1.2, 1.0])


def test_extrapolation_is_fitted_to_the_faster_half_alone():
    # The fast points take 2 x, the slow ones 3 x.
    x = np.array([10.0, 1.0, 20.0, 2.0])
    seconds = np.where(x > 5, 3 * x, 2 * x)
    predicted, measured = cost_model.extrapolate(x[:, None], seconds, np.zeros(4))
    np.testing.assert_allclose(predicted, [20, 40])
    np.testing.assert_allclose(measured, [30, 60])


def test_expected_maximum_in_closed_form():
    root = math.sqrt(math.pi)
    found = [cost_model.expected_maximum(count) for count in (1, 2, 3)]
    np.testing.assert_allclose(found, [0, 1 / root, 1.5 / root], atol=1e-9)


def test_all_reduce_by_hand():
    # Four workers: 3 rounds sum and 3 distribute 10 arrays; each worker sends 6/4 of
    # the 4000 bytes. A single worker sends nothing.
    _, messages, sent = cost_model.exchange_columns(WORK, 4, alone=1.0)
    assert (messages, sent) == (60, 6000)
    assert cost_model.exchange_columns(WORK, 1, alone=1.0) == [0, 0, 0]


def test_a_cluster_by_hand():
    # A share takes 4 s, the waiting 4 x 0.1 / sqrt(pi) s and the slowdown 4 x 0.25 s;
    # then 20 messages of 0.51 s, and 4000 bytes at 1 + 8 / 4 ms.
    exchange = Exchange(spread=0.1, slowdown=0.25, latency=0.5, per_byte=1e-3)
    seconds = cost_model.cluster_seconds(WORK, 2, 4.0, exchange, Network(4e3, 0.01))
    expected = 4 + 0.4 / math.sqrt(math.pi) + 1 + 20 * 0.51 + 4000 * 3e-3
    assert seconds == pytest.approx(expected)
    assert cost_model.cluster_seconds(WORK, 1, 4.0, exchange, Network(4e3, 1)) == 4


def test_spread_is_that_of_the_usual_steps():
    # 1 and 3 have mean 2 and standard deviation 1; 9 are the steps with more work.
    assert cost_model.spread([9, 1, 3, 9, 3, 1], 3) == 0.5


# --- the study


def test_study_recovers_the_coefficients(made_up):
    np.testing.assert_allclose(made_up.machine.coefficients, ALONE, rtol=1e-5)
    np.testing.assert_allclose(made_up.thread.coefficients, ALONE, rtol=1e-5)
    np.testing.assert_allclose(made_up.pair.coefficients, PAIR, rtol=1e-5)
    assert made_up.spread == 0
    figures = made_up.summary()
    assert {name.split("_")[0] for name in figures} == {"machine", "thread", "pair"}
    assert set(figures.values()) == {0}
    assert made_up.chain_errors.largest == pytest.approx(0, abs=1e-6)


def test_efficiency_compares_items_per_second(made_up):
    point = Point("chapter04_dcgan", 64, 16, 32, workers=4, threads=1)
    whole = dataclasses.replace(point, workers=1)
    seconds, use = efficiency(made_up, point, whole, 10)
    assert use == pytest.approx(made_up.alone(whole, 32) / (4 * seconds))
    part = dataclasses.replace(whole, batch=8)
    seconds, use = efficiency(made_up, point, part, 10)
    assert use == pytest.approx(made_up.alone(part, 8) / seconds)
    assert efficiency(made_up, point, part, 1)[1] < use < 1


def test_tables_and_picture(made_up, tmp_path):
    machine = {"cores": 2, "processor": "x", "libraries": {"tensorflow": "2"}}
    text = cost_tables.tables([made_up], {"minutes": 1, "machine": machine})
    assert text.count("Modelled, not measured") == 2
    assert "| 64 | 16 | 16 |" in text and "nan" not in text
    for block in text.split("\n\n"):
        rows = [line for line in block.splitlines() if line.startswith("|")]
        assert len({row.count("|") for row in rows}) <= 1
    draw([made_up], tmp_path / "cost.png")
    assert (tmp_path / "cost.png").stat().st_size > 10_000


@pytest.mark.parametrize("chapter", step_work.CHAPTERS)
@pytest.mark.parametrize("quick", [False, True])
def test_the_share_of_each_worker_is_measured_in_one_process_too(chapter, quick):
    alone, thread, together = step_cost.designs(chapter, quick)
    assert {p.threads for p in alone} == {0}
    for point in together:
        assert dataclasses.replace(point, workers=1) in thread
        assert cost_study.share_of(point) in thread
        assert point.batch % point.workers == 0


# --- the page


def test_paste_replaces_what_is_between_the_marks():
    page = f"before\n{step_cost.BEGIN}\nold\n{step_cost.END}\nafter\n"
    pasted = step_cost.paste(page, "new\n")
    assert "old" not in pasted and "\n\nnew\n\n" in pasted
    assert pasted.startswith("before\n") and pasted.endswith("\nafter\n")
    assert step_cost.paste(pasted, "new\n") == pasted
    with pytest.raises(UserError, match="must have the lines"):
        step_cost.paste("no marks", "new")


def test_the_page_has_the_marks():
    page = (step_cost.HERE / "step_cost.md").read_text()
    assert step_cost.paste(page, "") != page


def test_a_file_of_another_program_is_refused(tmp_path):
    path = tmp_path / "x.json"
    start = '{"minutes": 1, "machine": {"processor": "x"}, "rows": '
    for text in ("{", "[]", '{"machine": {}}', start + '[{"seconds": [1]}]}'):
        path.write_text(text)
        with pytest.raises(UserError, match="--measured must be"):
            step_cost.read_measured(path)


# --- the count


@pytest.mark.parametrize("mode", ["alternating", "simultaneous"])
def test_the_count_equals_that_of_tensorflows_graph(mode, monkeypatch):
    usual = step_work.step_config

    def with_penalty_at_each_step(point: Point):
        return dataclasses.replace(
            usual(point), update_mode=mode, r1_gamma=0.5, r1_every=1
        )

    monkeypatch.setattr(step_work, "step_config", with_penalty_at_each_step)
    point = Point("chapter04_dcgan", size=32, width=4, batch=2)
    model = step_work.build(point)
    spec = tf.TensorSpec((2, 32, 32, 3), tf.float32)
    model.build_step(spec)
    graph = tf.function(model.train_step).get_concrete_function(spec).graph
    counted = sum(operation_cost(op) for op in needed(graph))
    work = step_work.count(point)
    assert 2 * work.multiply_adds == counted
    networks = [phase.network for phase in model.phases]
    assert work.weights == sum(
        np.size(v) for n in networks for v in n.trainable_weights
    )


def needed(graph) -> set:
    """Return the operations on which the graph's results depend."""
    found, todo = set(), [t.op for t in graph.outputs] + list(graph.control_outputs)
    while todo:
        op = todo.pop()
        if op not in found:
            found.add(op)
            todo += [t.op for t in op.inputs] + list(op.control_inputs)
    return found


def operation_cost(op) -> int:
    """Return the multiply-adds of a TensorFlow operation; 0 for most of them."""
    if op.type == "Conv2D":
        places, kernel = op.outputs[0], op.inputs[1]
    elif op.type == "Conv2DBackpropInput":
        places, kernel = op.inputs[2], op.inputs[1]
    elif op.type == "Conv2DBackpropFilter":
        places, kernel = op.inputs[2], op.outputs[0]
    elif op.type in ("MatMul", "BatchMatMulV2"):
        turned = op.get_attr("transpose_a" if op.type == "MatMul" else "adj_x")
        inner = op.inputs[0].shape[-2 if turned else -1]
        return math.prod(op.outputs[0].shape) * inner
    else:
        return 0
    return math.prod(places.shape[:-1]) * math.prod(kernel.shape)
