"""The theory of chapter 1: equilibria, update rules and the two pictures."""

import logging
import math

import numpy as np
import pytest
from PIL import Image
from scipy import stats

from chapter01_gan.theory import divergences, nash
from common.metrics.divergence import js_divergence, kl_divergence

A, B = nash.PRISONERS_DILEMMA
SILENT, BETRAY = 0, 1
RATES = (0.05, 0.3, 0.7)


def matrix(update, learning_rate: float) -> np.ndarray:
    """Return the matrix of a linear update, column by column."""
    columns = [update(*unit, learning_rate) for unit in np.eye(2)]
    return np.array(columns).T


def check_picture(path, size: tuple[int, int]) -> None:
    """Check the size of a picture, and that each of its quarters has content."""
    image = np.asarray(Image.open(path).convert("RGB"))
    width, height = size
    assert image.shape == (height, width, 3)
    for rows in (slice(0, height // 2), slice(height // 2, height)):
        for columns in (slice(0, width // 2), slice(width // 2, width)):
            quarter = image[rows, columns]
            assert 0.02 < (quarter < 200).any(axis=-1).mean() < 0.5
            coloured = quarter.max(axis=-1).astype(int) - quarter.min(axis=-1) > 80
            assert coloured.mean() > 0.003


# --- finite games


def test_the_years_in_prison_of_the_dilemma():
    assert (A[SILENT, SILENT], B[SILENT, SILENT]) == (1, 1)
    assert (A[BETRAY, BETRAY], B[BETRAY, BETRAY]) == (2, 2)
    assert (A[BETRAY, SILENT], B[BETRAY, SILENT]) == (0, 3)
    assert (A[SILENT, BETRAY], B[SILENT, BETRAY]) == (3, 0)


def test_best_responses_are_the_cheapest_of_each_column():
    costs = np.array([[1, 5, 2], [3, 4, 2]])
    expected = [[True, False, True], [False, True, True]]
    np.testing.assert_array_equal(nash.best_responses(costs), expected)


def test_the_dilemma_has_one_equilibrium_mutual_betrayal():
    assert nash.pure_nash_equilibria(A, B) == [(BETRAY, BETRAY)]


def test_equilibria_of_two_other_games():
    # The coordination game is symmetric, the second game is not; each has two
    # equilibria.
    meet = np.array([[0, 9], [9, 1]])
    assert nash.pure_nash_equilibria(meet, meet) == [(0, 0), (1, 1)]
    cost_a = np.array([[4, 1], [3, 5], [2, 6]])
    cost_b = np.array([[1, 0], [0, 7], [3, 8]])
    assert nash.pure_nash_equilibria(cost_a, cost_b) == [(0, 1), (2, 0)]


def test_equilibria_agree_with_trying_every_deviation():
    rng = np.random.default_rng(0)
    for _ in range(50):
        a, b = rng.integers(0, 6, (2, 3, 4))
        expected = [
            (i, j)
            for i in range(3)
            for j in range(4)
            if all(a[i, j] <= a[k, j] for k in range(3))
            and all(b[i, j] <= b[i, k] for k in range(4))
        ]
        assert nash.pure_nash_equilibria(a, b) == expected


def test_best_responses_lead_from_silence_to_betrayal():
    path = nash.iterate_best_response(A, B, (SILENT, SILENT))
    assert path == [(SILENT, SILENT), (BETRAY, SILENT), (BETRAY, BETRAY)]
    assert nash.iterate_best_response(A, B, (BETRAY, BETRAY)) == [(BETRAY, BETRAY)]


def test_matching_pennies_has_no_pure_equilibrium():
    a, b = nash.MATCHING_PENNIES
    np.testing.assert_array_equal(a + b, 0)
    assert nash.pure_nash_equilibria(a, b) == []
    path = nash.iterate_best_response(a, b, (0, 0), max_moves=8)
    assert path == [(0, 0), (0, 1), (1, 1), (1, 0)] * 2 + [(0, 0)]


def test_the_mixed_equilibrium_of_matching_pennies_is_one_half():
    assert nash.mixed_equilibrium_2x2(*nash.MATCHING_PENNIES) == (0.5, 0.5)


def test_mixed_equilibrium_makes_the_other_player_indifferent():
    cost_a, cost_b = np.array([[0, 5], [2, 1]]), np.array([[3, 1], [2, 6]])
    p, q = nash.mixed_equilibrium_2x2(cost_a, cost_b)
    assert p == pytest.approx(4 / 6) and q == pytest.approx(4 / 6)
    np.testing.assert_allclose(np.ptp([p, 1 - p] @ cost_b), 0, atol=1e-12)
    np.testing.assert_allclose(np.ptp(cost_a @ [q, 1 - q]), 0, atol=1e-12)


def test_a_game_with_a_dominant_action_has_no_mixed_equilibrium():
    for cost in (A, np.array([[1, 5], [0, 2]])):
        with pytest.raises(ValueError, match="both players mix"):
            nash.mixed_equilibrium_2x2(cost, cost.T)


# --- the game x * y


def test_one_step_of_each_update():
    assert nash.simultaneous(3, 4, 0.5) == (1, 5.5)
    assert nash.alternating(3, 4, 0.5) == (1, 4.5)
    # The point ahead is (1, 5.5).
    assert nash.extragradient(3, 4, 0.5) == (0.25, 4.5)


def test_play_starts_at_the_start():
    points = nash.play(nash.simultaneous, (3, 4), 0.5, 2)
    np.testing.assert_array_equal(points, [[3, 4], [1, 5.5], [-1.75, 6]])


@pytest.mark.parametrize("rate", RATES)
def test_simultaneous_grows_by_the_same_factor_at_every_step(rate):
    norms = np.linalg.norm(nash.play(nash.simultaneous, (0.6, -1.1), rate, 30), axis=1)
    np.testing.assert_allclose(norms[1:] / norms[:-1], math.sqrt(1 + rate**2))


@pytest.mark.parametrize("rate", RATES)
def test_extragradient_shrinks_by_the_same_factor_at_every_step(rate):
    norms = np.linalg.norm(nash.play(nash.extragradient, (0.6, -1.1), rate, 30), axis=1)
    factor = math.sqrt((1 - rate**2) ** 2 + rate**2)
    assert factor < 1
    np.testing.assert_allclose(norms[1:] / norms[:-1], factor)


@pytest.mark.parametrize("rate", RATES)
def test_alternating_stays_on_an_ellipse(rate):
    x, y = nash.play(nash.alternating, (0.6, -1.1), rate, 3000).T
    kept = x**2 + y**2 - rate * x * y
    np.testing.assert_allclose(kept, kept[0], rtol=1e-10)
    # The update keeps areas, and its eigenvalues are complex with the modulus 1.
    assert np.linalg.det(matrix(nash.alternating, rate)) == pytest.approx(1)
    eigenvalues = np.linalg.eigvals(matrix(nash.alternating, rate))
    np.testing.assert_allclose(np.abs(eigenvalues), 1)
    assert np.abs(eigenvalues.imag).min() > 0


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("start", [(1.0, 0.0), (0.6, -1.1)])
def test_predicted_distances_enclose_every_distance_closely(start, rate):
    predicted = nash.predicted_distances(start, rate, 1000)
    assert set(predicted) == {"simultaneous", "alternating", "extragradient"}
    for name, (low, high) in predicted.items():
        points = nash.play(nash.UPDATES[name][0], start, rate, 1000)
        distances = np.linalg.norm(points, axis=1)
        assert (distances >= low * (1 - 1e-9)).all(), name
        assert (distances <= high * (1 + 1e-9)).all(), name
        assert (distances / low).min() == pytest.approx(1, abs=1e-3)
        assert (distances / high).max() == pytest.approx(1, abs=1e-3)


def test_the_mean_of_an_alternating_game_approaches_the_equilibrium():
    # lr * (sum of y) is the change of x, which is bounded, so T * mean is bounded, too.
    points = nash.play(nash.alternating, (1, 0), 0.2, 10_000)
    assert np.linalg.norm(points[-1]) > 0.9
    assert np.linalg.norm(points.mean(axis=0)) < 2 * 1.06 / (0.2 * 10_000)


def test_a_penalty_above_the_learning_rate_makes_simultaneous_converge():
    """As nash.md states of R1: the term -gamma / 2 y^2 makes the game converge."""

    def penalised(gamma: float):
        return lambda x, y, lr: (x - lr * y, y + lr * (x - gamma * y))

    rate = 0.2
    for gamma, expected in ((0.1, 1.02), (0.2, 1.0), (1.0, 0.84)):
        eigenvalues = np.linalg.eigvals(matrix(penalised(gamma), rate))
        np.testing.assert_allclose(np.abs(eigenvalues) ** 2, expected)


# --- the fits and the pictures


def test_the_covering_fit_has_the_moments_of_the_data():
    x = np.linspace(-10, 10, 20_001)
    density = sum(
        w * stats.norm.pdf(x, mean, std) for w, mean, std in divergences.MODES
    )
    mean, std = divergences.covering_fit()
    assert mean == pytest.approx(np.trapezoid(x * density, x))
    assert std**2 == pytest.approx(np.trapezoid((x - mean) ** 2 * density, x))


def test_the_seeking_fit_is_the_mode_with_the_larger_weight():
    _, mean, std = max(divergences.MODES)
    assert divergences.seeking_fit() == pytest.approx((mean, std), abs=0.02)


def test_the_coins_break_the_triangle_inequality_for_kl():
    p, q, r = divergences.COINS.values()
    assert kl_divergence(p, r) > kl_divergence(p, q) + kl_divergence(q, r)


def test_draw_divergences(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    text = divergences.draw_divergences(tmp_path / "new")
    assert f"written: {tmp_path / 'new' / 'divergences.png'}" in caplog.text
    check_picture(tmp_path / "new" / "divergences.png", (1210, 1045))
    assert text.endswith("\n")
    p, q = divergences.NO_COMMON_SUPPORT
    assert kl_divergence(p, q) == kl_divergence(q, p) == math.inf
    last = [line for line in text.splitlines() if line.startswith("| p = ")]
    cells = [cell.strip() for cell in last[0].split("|")]
    assert cells[2:5] == ["inf", "inf", f"{js_divergence(p, q):.4g}"]
    # KL between N(0, 1) and N(1.5, 1.5^2), in both directions, from the formula.
    assert f"{math.log(1.5) + 3.25 / 4.5 - 0.5:.4g}" in text
    assert f"{4.5 / 2 - 0.5 - math.log(1.5):.4g}" in text


def test_draw_nash(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    text = nash.draw_nash(tmp_path)
    assert f"written: {tmp_path / 'nash.png'}" in caplog.text
    check_picture(tmp_path / "nash.png", (1210, 1045))
    assert text.endswith("\n")
    assert "(0, 0) -> (1, 0) -> (1, 1), pure equilibria [(1, 1)]" in text
    assert "pure equilibria [], mixed equilibrium (0.5, 0.5)" in text
    assert f"{1.04**30:.4g}" in text  # sqrt(1 + 0.2^2) to the power of 60
