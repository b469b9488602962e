"""Divergences between two probability distributions, in nats.

The Kullback-Leibler divergence is not a distance: it is not symmetric, violates the
triangle inequality and can be infinite. The Jensen-Shannon divergence is symmetric and
at most log 2, and its square root is a distance. With an optimal discriminator, the
value of the GAN objective is 2 JS(data, generated) - log 4 (Goodfellow et al. 2014,
arXiv:1406.2661, theorem 1).
"""

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy import integrate

# Integration limits in standard deviations; a Gaussian's mass outside is below 1e-32.
_TAIL = 12.0
# Larger ratios of lengths are cut to this. That changes no result, and their squares
# stay finite.
_LARGEST_RATIO = 1e150


def entropy(p: np.ndarray) -> float:
    """Return the entropy of a discrete distribution.

    H(p) = -sum_i p_i log p_i,  0 log 0 = 0

    Args:
        p: (K,) probabilities, non-negative, with sum 1 within 1e-6; they are
            divided by their sum.

    Returns:
        The entropy in nats, in [0, log K].

    Raises:
        ValueError: `p` is not a distribution.
    """
    p = _distribution("p", p)
    positive = p[p > 0]
    return max(0.0, -float(np.sum(positive * np.log(positive))))


def kl_divergence(p: np.ndarray, q: np.ndarray) -> float:
    """Return the Kullback-Leibler divergence of two discrete distributions.

    KL(p || q) = sum_i p_i log(p_i / q_i),  0 log 0 = 0

    It is infinite if q_i = 0 < p_i for any i. In general KL(p || q) differs from
    KL(q || p).

    Args:
        p, q: (K,) probabilities, non-negative, with sum 1 within 1e-6; they are
            divided by their sum.

    Returns:
        The divergence in nats, in [0, infinity]; 0 for equal distributions.

    Raises:
        ValueError: an input is not a distribution, or the shapes differ.

    Reference:
        Kullback & Leibler 1951, Annals of Mathematical Statistics 22(1).
    """
    return _relative_entropy(*_pair(p, q))


def js_divergence(p: np.ndarray, q: np.ndarray) -> float:
    """Return the Jensen-Shannon divergence of two discrete distributions.

    JS(p, q) = KL(p || m) / 2 + KL(q || m) / 2,  m = (p + q) / 2

    It is symmetric, and always finite because m is positive wherever p or q is. It
    violates the triangle inequality; `js_distance` satisfies it.

    Args:
        p, q: (K,) probabilities, as in `kl_divergence`.

    Returns:
        The divergence in nats, in [0, log 2]; log 2 if p and q do not overlap.

    Raises:
        ValueError: an input is not a distribution, or the shapes differ.

    Reference:
        Lin 1991, IEEE Transactions on Information Theory 37(1), eq. 4.1.
    """
    p, q = _pair(p, q)
    middle = (p + q) / 2
    kept = middle > 0  # half of the smallest positive float is rounded to 0
    p, q, middle = p[kept], q[kept], middle[kept]
    value = (_relative_entropy(p, middle) + _relative_entropy(q, middle)) / 2
    return min(math.log(2), value)  # rounding can exceed the bound by 1e-16


def js_distance(p: np.ndarray, q: np.ndarray) -> float:
    """Return the Jensen-Shannon distance of two discrete distributions.

    d(p, q) = sqrt(JS(p, q))

    It is a metric: 0 only if p = q, symmetric, and d(p, r) <= d(p, q) + d(q, r).

    Args:
        p, q: (K,) probabilities, as in `kl_divergence`.

    Returns:
        The distance, in [0, sqrt(log 2)].

    Raises:
        ValueError: an input is not a distribution, or the shapes differ.

    Reference:
        Endres & Schindelin 2003, IEEE Transactions on Information Theory 49(7).
    """
    return math.sqrt(js_divergence(p, q))


def kl_gaussians(
    mean_p: ArrayLike,
    covariance_p: ArrayLike,
    mean_q: ArrayLike,
    covariance_q: ArrayLike,
) -> float:
    """Return the Kullback-Leibler divergence of two Gaussians in closed form.

    KL(p || q) = 1/2 (tr(C_q^-1 C_p) + (m_q - m_p)' C_q^-1 (m_q - m_p)
                      - D + log(det C_q / det C_p))

    In one dimension, with standard deviations s, this is
    log(s_q / s_p) + (s_p^2 + (m_p - m_q)^2) / (2 s_q^2) - 1/2.

    Args:
        mean_p, mean_q: (D,), or a number for D = 1.
        covariance_p, covariance_q: (D, D), symmetric and positive definite, or
            the variance (not the standard deviation) as a number for D = 1.

    Returns:
        The divergence in nats, in [0, infinity).

    Raises:
        ValueError: a covariance is not symmetric and positive definite, a value
            is not finite, or the shapes do not fit.
    """
    mean_p, _, root_p = _gaussian("p", mean_p, covariance_p)
    mean_q, _, root_q = _gaussian("q", mean_q, covariance_q, mean_p.size)
    # With C = R R', tr(C_q^-1 C_p) is the sum of the squared elements of R_q^-1 R_p.
    spread = np.sum(np.linalg.solve(root_q, root_p) ** 2)
    shift = np.sum(np.linalg.solve(root_q, mean_q - mean_p) ** 2)
    log_ratio = 2 * np.sum(np.log(np.diag(root_q)) - np.log(np.diag(root_p)))
    return max(0.0, float(spread + shift - mean_p.size + log_ratio) / 2)


def geometric_js_gaussians(
    mean_p: ArrayLike,
    covariance_p: ArrayLike,
    mean_q: ArrayLike,
    covariance_q: ArrayLike,
) -> float:
    """Return the geometric Jensen-Shannon divergence of two Gaussians.

    JS_G(p, q) = KL(p || g) / 2 + KL(q || g) / 2,  g ~ sqrt(p q)

    The midpoint g is the normalised geometric mean. It is again a Gaussian, with
    C_g^-1 = (C_p^-1 + C_q^-1) / 2 and m_g = C_g (C_p^-1 m_p + C_q^-1 m_q) / 2, so
    there is a closed form. This is not the Jensen-Shannon divergence, whose midpoint
    is a mixture. It has no upper bound (for equal covariances it is a quarter of
    KL(p || q)), and its square root is not a metric.

    Args:
        mean_p, covariance_p, mean_q, covariance_q: as in `kl_gaussians`.

    Returns:
        The divergence in nats, in [0, infinity).

    Raises:
        ValueError: as `kl_gaussians`.

    Reference:
        Nielsen 2019, arXiv:1904.04017, corollary 1 with alpha = 1/2.
    """
    m_p, c_p, _ = _gaussian("p", mean_p, covariance_p)
    m_q, c_q, _ = _gaussian("q", mean_q, covariance_q, m_p.size)
    # C_g = 2 C_p (C_p + C_q)^-1 C_q, which avoids inverting C_p and C_q.
    covariance = 2 * c_p @ np.linalg.solve(c_p + c_q, c_q)
    covariance = (covariance + covariance.T) / 2
    mean = m_p + c_p @ np.linalg.solve(c_p + c_q, m_q - m_p)
    from_p = kl_gaussians(m_p, c_p, mean, covariance)
    from_q = kl_gaussians(m_q, c_q, mean, covariance)
    return (from_p + from_q) / 2


def js_gaussians_1d(mean_p: float, std_p: float, mean_q: float, std_q: float) -> float:
    """Return the Jensen-Shannon divergence of two one-dimensional Gaussians.

    JS(p, q) = E_p[log(2 p / (p + q))] / 2 + E_q[log(2 q / (p + q))] / 2

    There is no closed form, because (p + q) / 2 is a mixture and not a Gaussian. Both
    expectations are integrated numerically, with an error below 1e-9.

    Args:
        mean_p, mean_q: means, finite.
        std_p, std_q: standard deviations, positive and finite.

    Returns:
        The divergence in nats, in [0, log 2].

    Raises:
        ValueError: a number is not finite, or a standard deviation not positive.
    """
    mean_p, std_p, mean_q, std_q = map(float, (mean_p, std_p, mean_q, std_q))
    numbers = (mean_p, std_p, mean_q, std_q)
    if not all(map(math.isfinite, numbers)) or min(std_p, std_q) <= 0:
        raise ValueError(
            f"means must be finite, deviations positive and finite, found {numbers}"
        )
    # The value does not change if both are shifted and scaled in the same way.
    unit = max(std_p, std_q)
    gap = min(abs(mean_p - mean_q) / unit, _LARGEST_RATIO)
    std_p, std_q = (max(s / unit, 1 / _LARGEST_RATIO) for s in (std_p, std_q))
    value = _mean_log_share(gap, std_p, std_q) + _mean_log_share(gap, std_q, std_p)
    return min(math.log(2), max(0.0, value / 2))


def _mean_log_share(gap: float, std: float, other: float) -> float:
    """Return E_p[log(2 p / (p + q))] for p = N(0, std^2) and q = N(gap, other^2)."""
    ratio = std / other

    def integrand(u: float) -> float:
        z = (std * u - gap) / other
        log_q_by_p = u * u / 2 - z * z / 2 + math.log(ratio)
        return math.exp(-u * u / 2) * (math.log(2) - np.logaddexp(0.0, log_q_by_p))

    # The variable u is in units of std. Split the integral at both ends of the interval
    # where q matters, so that the quadrature does not miss a narrow peak.
    centre = gap / std
    width = math.sqrt(2 * (40 + max(0.0, math.log(ratio)))) / ratio
    cuts = (-_TAIL, 0.0, _TAIL, centre - width, centre, centre + width)
    cuts = np.unique(np.clip(cuts, -_TAIL, _TAIL))
    pieces = (
        integrate.quad(integrand, a, b, epsabs=1e-11, epsrel=1e-10, limit=200)[0]
        for a, b in zip(cuts[:-1], cuts[1:], strict=True)
    )
    return sum(pieces) / math.sqrt(2 * math.pi)


def _relative_entropy(p: np.ndarray, q: np.ndarray) -> float:
    """Return KL(p || q) in nats for checked distributions."""
    positive = p > 0
    p, q = p[positive], q[positive]
    if (q == 0).any():
        return math.inf
    # A difference of logarithms, because p / q can overflow.
    return max(0.0, float(np.sum(p * (np.log(p) - np.log(q)))))


def _pair(p: np.ndarray, q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Check two distributions of the same shape, and return them as float64."""
    p, q = _distribution("p", p), _distribution("q", q)
    if p.shape != q.shape:
        raise ValueError(f"p and q must have one shape, have {p.shape} and {q.shape}")
    return p, q


def _distribution(name: str, values: np.ndarray) -> np.ndarray:
    """Check probabilities and return them as float64, divided by their sum."""
    values = np.asarray(values, np.float64)
    if values.ndim != 1 or values.size == 0:
        raise ValueError(f"{name} must have shape (K,), K >= 1, has {values.shape}")
    if not np.isfinite(values).all() or values.min() < 0:
        raise ValueError(f"{name} must be finite and not negative")
    total = values.sum()
    if abs(total - 1) > 1e-6:
        raise ValueError(f"{name} must have sum 1, has {total:.9g}")
    return values / total


def _gaussian(
    name: str, mean: ArrayLike, covariance: ArrayLike, dimensions: int | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the checked mean (D,), covariance (D, D) and its Cholesky factor."""
    mean = np.atleast_1d(np.asarray(mean, np.float64))
    covariance = np.atleast_2d(np.asarray(covariance, np.float64))
    size = mean.size if dimensions is None else dimensions
    if mean.shape != (size,) or covariance.shape != (size, size):
        raise ValueError(
            f"{name} must have a mean ({size},) and a covariance ({size}, {size}), "
            f"has shapes {mean.shape} and {covariance.shape}"
        )
    if not (np.isfinite(mean).all() and np.isfinite(covariance).all()):
        raise ValueError(f"mean and covariance of {name} must be finite")
    scale = np.sqrt(np.abs(np.diag(covariance)))
    asymmetry = np.abs(covariance - covariance.T)
    try:
        root = np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError:
        root = np.zeros_like(covariance)
    # Because of rounding, a singular matrix can have a Cholesky factor; it then has
    # elements close to 0 on its diagonal.
    singular = (np.diag(root) <= 1e-6 * scale).any()
    if singular or (asymmetry > 1e-8 * np.outer(scale, scale)).any():
        raise ValueError(
            f"the covariance of {name} must be symmetric and positive definite"
        )
    return mean, covariance, root
