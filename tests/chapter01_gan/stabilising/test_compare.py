"""The comparison of techniques: its scores, its trainings and its output files."""

import dataclasses
import json

import numpy as np
import pytest
import tensorflow as tf

from chapter01_gan.stabilising import compare, problems, report, short_training
from chapter01_gan.stabilising.compare import Budget
from chapter01_gan.stabilising.techniques import TECHNIQUES, Outcome, configure
from common.errors import UserError
from synthetic_data.digits.glyphs import write_glyphs

KEY = tf.constant([3, 4])


def test_a_mode_needs_a_tenth_of_its_fair_share():
    # 100 samples, 5 modes: a fair share is 20, so 2 good ones are needed.
    nearest = np.repeat([0, 1, 2, 3], [90, 2, 1, 7])
    good = np.ones(100, bool)
    assert problems.count_modes(nearest, good, 5) == 3
    good[-6:] = False
    assert problems.count_modes(nearest, good, 5) == 2


@pytest.mark.parametrize(("problem", "modes"), [("ring", 8), ("grid", 25)])
def test_real_points_cover_all_modes(problem, modes):
    """Within 3 standard deviations are 1 - exp(-9/2) of a Gaussian in the plane."""
    points = problems.load_problem(problem, None)
    scores = points.score(points.batch(2500, KEY).numpy())
    assert scores["modes"] == points.modes == modes
    assert scores["high_quality"] == pytest.approx(1 - np.exp(-4.5), abs=0.006)
    assert 0 <= scores["fid2500_coordinates"] < 0.05


def test_points_inside_and_outside_one_mode():
    points = problems.ring()
    collapsed = np.tile(points.centres[2], (2500, 1))
    scores = points.score(collapsed + 2.9 * points.std * np.array([0.6, 0.8]))
    assert (scores["modes"], scores["high_quality"]) == (1, 1.0)
    # The squared distance of the means is 4; the ring's variance of 2 + 2 is missing.
    assert scores["fid2500_coordinates"] == pytest.approx(8.0, rel=0.05)
    scores = points.score(collapsed + 3.1 * points.std * np.array([0.6, 0.8]))
    assert (scores["modes"], scores["high_quality"]) == (0, 0.0)


def test_the_centres_of_ring_and_grid():
    ring, grid = problems.ring(), problems.grid()
    np.testing.assert_allclose(np.linalg.norm(ring.centres, axis=1), 2.0, rtol=1e-6)
    assert len(np.unique(grid.centres.round(3), axis=0)) == 25
    assert grid.centres.min() == -4 and grid.centres.max() == 4


@pytest.mark.parametrize("technique", TECHNIQUES)
def test_each_technique_changes_the_plain_gan_and_is_valid(technique):
    for base, digits in ((problems.Points.base, False), (problems.Digits.base, True)):
        config = configure(technique, base, digits)
        config.validate()
        assert (config == base) == (technique == "plain")


@pytest.fixture(scope="module")
def glyphs(tmp_path_factory):
    """A small set of labelled digits."""
    folder = tmp_path_factory.mktemp("digits") / "set"
    write_glyphs(folder, train=1500, test=100, seed=0)
    return folder


@pytest.mark.slow
def test_digits_are_scored_by_class_and_quality(glyphs):
    digits = problems.digits(glyphs)
    real = digits.batch(500, KEY).numpy()
    assert real.min() >= -1 and real.max() <= 1
    scores = digits.score(real)
    assert scores["modes"] == digits.modes == 10
    assert scores["high_quality"] > 0.6
    noise = np.random.default_rng(0).uniform(-1, 1, real.shape).astype(np.float32)
    assert digits.score(noise)["modes"] <= 2
    assert digits.score(noise)["fid500_local"] > 5 * scores["fid500_local"]


@pytest.mark.slow
def test_a_small_training_is_repeatable_by_seed():
    ring = problems.ring()
    config = configure("r1_ema", dataclasses.replace(ring.base, g_units=(8,)), False)
    first, again, other = (
        short_training.train_small(config, ring, steps=5, seed=seed)
        for seed in (1, 1, 2)
    )
    assert first.shape == (2500, 2) and np.isfinite(first).all()
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_each_training_is_planned_once():
    budget = Budget(
        steps={"ring": 1, "grid": 2, "digits": 3},
        seeds={"ring": 2, "grid": 1, "digits": 1},
    )
    trainings = compare.plan(budget, None)
    assert len(set(trainings)) == len(trainings) == 4 * len(TECHNIQUES)
    assert {(t.problem, t.steps) for t in trainings} == {
        ("ring", 1),
        ("grid", 2),
        ("digits", 3),
    }


def row(technique="plain", problem="ring", seed=0, modes=4, quality=0.5, fid=0.25):
    total = {"ring": 8, "grid": 25, "digits": 10}[problem]
    name = "fid1k_local" if problem == "digits" else "fid2500_coordinates"
    return {
        "technique": technique,
        "problem": problem,
        "seed": seed,
        "modes": modes,
        "modes_total": total,
        "high_quality": quality,
        "seconds": 30.0,
        name: fid,
    }


def test_the_table_has_means_over_seeds():
    rows = [row(), row(seed=1, modes=7, quality=0.75, fid=0.5), row("r1", modes=8)]
    lines = report.tabulate(rows).splitlines()
    assert "ring: modes of 8" in lines[0] and "grid" not in lines[0]
    plain = next(line for line in lines if line.startswith("| plain"))
    assert plain == "| plain | 5.5 | 62 % | 0.375 | 1.0 |"
    missing = next(line for line in lines if line.startswith("| EMA"))
    assert missing.count(" - ") == 3


def test_the_comparison_is_drawn(tmp_path):
    outcomes = [
        Outcome(row(), np.zeros((50, 2))),
        Outcome(row(problem="grid"), np.zeros((50, 2))),
        Outcome(row(problem="digits"), np.zeros((50, 28, 28))),
    ]
    report.draw_comparison(outcomes, tmp_path / "a.png")
    assert (tmp_path / "a.png").stat().st_size > 20_000


@pytest.mark.slow
def test_trainings_run_in_processes_of_their_own(tmp_path, monkeypatch, glyphs):
    budget = Budget(
        steps={"ring": 3, "grid": 3, "digits": 2},
        seeds={"ring": 1, "grid": 1, "digits": 1},
    )
    monkeypatch.setitem(compare.BUDGETS, "quick", budget)
    monkeypatch.setattr(compare, "TECHNIQUES", {"plain": None, "ema": None})
    text = compare.compare("quick", tmp_path, glyphs, jobs=2)
    rows = json.loads((tmp_path / "compare.json").read_text())
    assert [(r["problem"], r["technique"]) for r in rows] == [
        (p, t) for p in ("ring", "grid", "digits") for t in ("plain", "ema")
    ]
    needed = {"technique", "problem", "seed", "modes", "modes_total", "high_quality"}
    assert all(needed | {"seconds"} <= set(r) for r in rows)
    assert (tmp_path / "compare.md").read_text() == text
    assert (tmp_path / "compare.png").stat().st_size > 10_000


def test_wrong_options_of_the_comparison(tmp_path, glyphs):
    with pytest.raises(UserError, match="--jobs must be from 1 to 256, found 0"):
        compare.check(0, glyphs)
    with pytest.raises(UserError, match="no such directory"):
        compare.check(None, tmp_path / "none")
    (tmp_path / "some").mkdir()
    for images in glyphs.glob("*images*"):
        (tmp_path / "some" / images.name).write_bytes(images.read_bytes())
    with pytest.raises(UserError, match="has no labels"):
        compare.check(None, tmp_path / "some")
