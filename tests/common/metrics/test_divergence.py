"""Divergences against values by hand, from SciPy and from numerical integration."""

import math

import numpy as np
import pytest
from scipy import integrate, stats
from scipy.spatial.distance import jensenshannon

from common.metrics.divergence import (
    entropy,
    geometric_js_gaussians,
    js_distance,
    js_divergence,
    js_gaussians_1d,
    kl_divergence,
    kl_gaussians,
)

LOG_2 = math.log(2)
HALVES = np.array([0.5, 0.5])
# Its product with its transpose is singular, but rounding gives it a Cholesky factor.
RANK_TWO = np.array([[0.3, 1.0], [0.1, 2.0], [0.7, 0.1]])


def random_distributions(count: int, size: int, seed: int) -> np.ndarray:
    """Return (count, size) distributions, some of them with zeros."""
    rng = np.random.default_rng(seed)
    weights = rng.gamma(0.5, size=(count, size)) * (rng.random((count, size)) < 0.8)
    weights[:, 0] += 0.01
    return weights / weights.sum(axis=1, keepdims=True)


def random_covariance(size: int, rng: np.random.Generator) -> np.ndarray:
    factor = rng.normal(size=(size, size))
    return factor @ factor.T + 0.1 * np.eye(size)


def integral(function, mean_p, std_p, mean_q, std_q) -> float:
    """Integrate by the trapezoidal rule on a grid that is fine around both means."""
    steps = np.linspace(-14, 14, 20001)
    x = np.unique(np.concatenate([mean_p + std_p * steps, mean_q + std_q * steps]))
    log_p = stats.norm.logpdf(x, mean_p, std_p)
    log_q = stats.norm.logpdf(x, mean_q, std_q)
    return float(np.trapezoid(function(log_p, log_q), x))


def js_integrand(log_p: np.ndarray, log_q: np.ndarray) -> np.ndarray:
    log_m = np.logaddexp(log_p, log_q) - LOG_2
    return (np.exp(log_p) * (log_p - log_m) + np.exp(log_q) * (log_q - log_m)) / 2


# --- discrete distributions


def test_entropy_by_hand():
    assert entropy([0.5, 0.25, 0.25]) == pytest.approx(1.5 * LOG_2)
    assert entropy(np.full(8, 1 / 8)) == pytest.approx(math.log(8))
    assert entropy([1, 0, 0]) == 0


def test_kl_by_hand():
    # 1/2 log 2 + 1/2 log(2/3) and 1/4 log(1/2) + 3/4 log(3/2)
    q = [0.25, 0.75]
    assert kl_divergence(HALVES, q) == pytest.approx(0.5 * math.log(4 / 3))
    expected = 0.75 * math.log(3) - LOG_2
    assert kl_divergence(q, HALVES) == pytest.approx(expected)


def test_kl_is_not_symmetric():
    q = np.array([0.25, 0.75])
    assert abs(kl_divergence(HALVES, q) - kl_divergence(q, HALVES)) > 0.01


def test_kl_of_zeros():
    assert kl_divergence([1, 0], HALVES) == pytest.approx(LOG_2)
    assert kl_divergence(HALVES, [1, 0]) == math.inf
    assert kl_divergence([0.5, 0, 0.5], [0.5, 0, 0.5]) == 0


def test_js_by_hand():
    # m = (3/4, 1/4): log(4/3) / 2 + (log(2/3) + log 2) / 4
    expected = math.log(4 / 3) / 2 + math.log(4 / 3) / 4
    assert js_divergence([1, 0], HALVES) == pytest.approx(expected)
    assert js_distance([1, 0], HALVES) == pytest.approx(math.sqrt(expected))


def test_js_is_the_entropy_of_the_middle_less_the_mean_entropy():
    for p, q in random_distributions(40, 6, 3).reshape(20, 2, 6):
        expected = entropy((p + q) / 2) - (entropy(p) + entropy(q)) / 2
        assert js_divergence(p, q) == pytest.approx(expected, abs=1e-14)


def test_js_has_the_bounds_zero_and_log_2():
    p = random_distributions(1, 9, 0)[0]
    assert js_divergence(p, p) == js_distance(p, p) == 0
    assert js_divergence([1, 0], [0, 1]) == LOG_2
    # Half of the smallest positive number is 0.
    smallest = np.nextafter(0, 1)
    assert js_divergence([smallest, 1], [0, 1]) == 0


def test_discrete_divergences_agree_with_scipy():
    for p, q in random_distributions(200, 7, 1).reshape(100, 2, 7):
        assert entropy(p) == pytest.approx(stats.entropy(p), abs=1e-14)
        assert kl_divergence(p, q) == pytest.approx(stats.entropy(p, q), abs=1e-14)
        assert js_distance(p, q) == pytest.approx(jensenshannon(p, q), abs=1e-9)


def test_kl_of_extreme_ratios_is_finite():
    q = np.array([5e-324, 1.0])
    assert kl_divergence(HALVES, q) == pytest.approx(-LOG_2 - math.log(5e-324) / 2)


def test_js_is_symmetric_and_bounded():
    for p, q in random_distributions(200, 5, 2).reshape(100, 2, 5):
        assert js_divergence(p, q) == js_divergence(q, p)
        assert 0 < js_divergence(p, q) <= LOG_2
        assert kl_divergence(p, q) > 0


def test_js_distance_satisfies_the_triangle_inequality():
    for p, q, r in random_distributions(1500, 4, 4).reshape(500, 3, 4):
        assert js_distance(p, r) <= js_distance(p, q) + js_distance(q, r) + 1e-12


def test_kl_violates_the_triangle_inequality():
    p, q, r = [0.9, 0.1], HALVES, [0.1, 0.9]
    assert kl_divergence(p, r) == pytest.approx(0.8 * math.log(9))
    assert kl_divergence(p, r) > kl_divergence(p, q) + kl_divergence(q, r) + 0.8


def test_js_without_the_root_violates_the_triangle_inequality():
    p, q, r = [1, 0], HALVES, [0, 1]
    assert js_divergence(p, r) > js_divergence(p, q) + js_divergence(q, r) + 0.2


def test_float32_probabilities_are_divided_by_their_sum():
    p = np.full(10, 0.1, np.float32) * np.float32(1 + 5e-7)
    assert kl_divergence(p, np.full(10, 0.1)) == pytest.approx(0, abs=1e-14)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ([0.5, 0.4], "p must have sum 1, has 0.9"),
        ([1.5, -0.5], "p must be finite and not negative"),
        ([np.nan, 1], "p must be finite"),
        ([np.inf, 1], "p must be finite"),
        ([], r"has \(0,\)"),
        ([[0.5, 0.5]], r"p must have shape \(K,\)"),
        ([1 / 3] * 3, r"one shape, have \(3,\) and \(2,\)"),
    ],
)
def test_inputs_that_are_not_distributions_are_refused(bad, message):
    for divergence in (kl_divergence, js_divergence, js_distance):
        with pytest.raises(ValueError, match=message):
            divergence(bad, HALVES)
    with pytest.raises(ValueError, match="q must have sum 1"):
        kl_divergence(HALVES, [0.5, 0.6])


# --- Gaussians


def test_kl_of_gaussians_by_hand():
    # log(3 / 2) + (4 + 1) / 18 - 1/2; the arguments are variances.
    expected = math.log(1.5) + 5 / 18 - 0.5
    assert kl_gaussians(1, 4, 2, 9) == pytest.approx(expected)
    assert kl_gaussians(0, 1, 5, 1) == pytest.approx(12.5)
    assert kl_gaussians(3, 0.25, 3, 0.25) == 0


def test_kl_of_gaussians_is_the_integral():
    values = (0.3, 0.8, -0.5, 1.7)
    expected = integral(lambda p, q: np.exp(p) * (p - q), *values)
    assert kl_gaussians(0.3, 0.8**2, -0.5, 1.7**2) == pytest.approx(expected, rel=1e-9)
    assert abs(expected - kl_gaussians(-0.5, 1.7**2, 0.3, 0.8**2)) > 0.1


def test_kl_of_gaussians_is_the_mean_of_the_log_ratio_in_three_dimensions():
    rng = np.random.default_rng(5)
    m_p, m_q = rng.normal(size=(2, 3))
    c_p, c_q = random_covariance(3, rng), random_covariance(3, rng)
    # The log ratio is a quadratic: the 2 D sigma points of a Gaussian with
    # weight 1 / (2 D) have its mean and covariance, so their mean is exact.
    root = np.linalg.cholesky(c_p) * math.sqrt(3)
    points = np.concatenate([m_p + root.T, m_p - root.T])
    p, q = stats.multivariate_normal(m_p, c_p), stats.multivariate_normal(m_q, c_q)
    expected = np.mean(p.logpdf(points) - q.logpdf(points))
    assert kl_gaussians(m_p, c_p, m_q, c_q) == pytest.approx(expected, rel=1e-10)


def test_divergences_of_independent_gaussians_add_up():
    m_p, v_p, m_q, v_q = [0.0, 1.0], [1.0, 4.0], [2.0, 0.5], [0.5, 9.0]
    for divergence in (kl_gaussians, geometric_js_gaussians):
        parts = [
            divergence(*numbers) for numbers in zip(m_p, v_p, m_q, v_q, strict=True)
        ]
        joint = divergence(m_p, np.diag(v_p), m_q, np.diag(v_q))
        assert joint == pytest.approx(sum(parts))


def test_geometric_js_is_the_mean_divergence_to_the_geometric_mean():
    m_p, s_p, m_q, s_q = 0.4, 0.7, -1.1, 1.9

    def unnormalised(x):
        return math.sqrt(stats.norm.pdf(x, m_p, s_p) * stats.norm.pdf(x, m_q, s_q))

    log_total = math.log(integrate.quad(unnormalised, -30, 30)[0])

    def integrand(p, q):
        log_g = (p + q) / 2 - log_total
        return (np.exp(p) * (p - log_g) + np.exp(q) * (q - log_g)) / 2

    expected = integral(integrand, m_p, s_p, m_q, s_q)
    value = geometric_js_gaussians(m_p, s_p**2, m_q, s_q**2)
    assert value == pytest.approx(expected, rel=1e-7)


def test_geometric_js_by_the_definition_of_its_midpoint():
    rng = np.random.default_rng(6)
    m_p, m_q = rng.normal(size=(2, 4))
    c_p, c_q = random_covariance(4, rng), random_covariance(4, rng)
    inverse_p, inverse_q = np.linalg.inv(c_p), np.linalg.inv(c_q)
    c_g = np.linalg.inv((inverse_p + inverse_q) / 2)
    m_g = c_g @ (inverse_p @ m_p + inverse_q @ m_q) / 2
    c_g = (c_g + c_g.T) / 2
    expected = (kl_gaussians(m_p, c_p, m_g, c_g) + kl_gaussians(m_q, c_q, m_g, c_g)) / 2
    value = geometric_js_gaussians(m_p, c_p, m_q, c_q)
    assert value == pytest.approx(expected)
    assert geometric_js_gaussians(m_q, c_q, m_p, c_p) == pytest.approx(value)


def test_geometric_js_has_no_upper_bound():
    # Equal covariances: a quarter of KL.
    assert geometric_js_gaussians(0, 1, 10, 1) == pytest.approx(100 / 8)
    assert geometric_js_gaussians(2, 3, 2, 3) == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize(
    "numbers",
    [
        (0, 1, 1, 1),
        (0, 1, 6, 1),
        (-3, 0.1, 2, 4),
        (0, 1, 0.5, 1e-4),
        (0, 1e-6, 3e-6, 2e-6),
        (1e6, 1, 1e6 + 1, 2),
    ],
)
def test_js_of_gaussians_is_the_integral(numbers):
    value = js_gaussians_1d(*numbers)
    assert value == pytest.approx(integral(js_integrand, *numbers), abs=1e-8)
    assert value == pytest.approx(js_gaussians_1d(*numbers[2:], *numbers[:2]))


def test_js_of_gaussians_far_apart_is_log_2():
    for numbers in [(0, 1, 50, 1), (0, 1e-200, 1, 1e-200), (-1e308, 1, 1e308, 1)]:
        assert js_gaussians_1d(*numbers) == pytest.approx(LOG_2, abs=1e-9)
    assert js_gaussians_1d(0, 1e300, 0, 1e-300) == pytest.approx(LOG_2, abs=1e-9)


def test_js_of_near_gaussians_is_an_eighth_of_the_squared_shift():
    assert js_gaussians_1d(2, 3, 2, 3) == 0
    assert js_gaussians_1d(0, 1, 0.01, 1) == pytest.approx(1e-4 / 8, rel=1e-4)


@pytest.mark.parametrize(
    ("mean", "covariance", "message"),
    [
        (0, 0, "the covariance of p must be symmetric and positive definite"),
        (0, -1, "positive definite"),
        ([0, 0], [[1, 2], [2, 1]], "positive definite"),
        ([0, 0, 0], RANK_TWO @ RANK_TWO.T, "positive definite"),
        ([0, 0], [[1, 0.5], [0, 1]], "symmetric"),
        ([0, 0], [[1, 0], [0, np.nan]], "finite"),
        ([0, np.inf], np.eye(2), "finite"),
        ([0, 0], 1, r"shapes \(2,\) and \(1, 1\)"),
        ([0, 0], np.ones(2), r"shapes \(2,\) and \(1, 2\)"),
    ],
)
def test_inputs_that_are_not_gaussians_are_refused(mean, covariance, message):
    good = np.eye(np.size(mean))
    for divergence in (kl_gaussians, geometric_js_gaussians):
        with pytest.raises(ValueError, match=message):
            divergence(mean, covariance, np.zeros_like(mean), good)
        with pytest.raises(ValueError):
            divergence(np.zeros_like(mean), good, mean, covariance)


def test_gaussians_of_other_dimensions_are_refused():
    with pytest.raises(ValueError, match=r"q must have a mean \(2,\)"):
        kl_gaussians([0, 0], np.eye(2), 0, 1)


@pytest.mark.parametrize("bad", [(0, 0, 0, 1), (0, 1, 0, -1), (np.nan, 1, 0, 1)])
def test_js_of_inputs_that_are_not_gaussians_is_refused(bad):
    with pytest.raises(ValueError, match="must be finite"):
        js_gaussians_1d(*bad)
