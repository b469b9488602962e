"""One picture of why the Kullback-Leibler divergence is not a distance."""

import logging
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from numpy.typing import ArrayLike
from scipy.optimize import minimize
from scipy.stats import norm

from chapter01_gan.config import PAGES
from common.files import atomic_path
from common.metrics.divergence import (
    geometric_js_gaussians,
    js_distance,
    js_divergence,
    js_gaussians_1d,
    kl_divergence,
    kl_gaussians,
)
from common.metrics.report import table

logger = logging.getLogger(__name__)

# Okabe and Ito's colours, which colour-blind readers can distinguish.
BLUE = "#0072B2"
VERMILLION = "#D55E00"
GREEN = "#009E73"
ORANGE = "#E69F00"
GREY = "#777777"
SHADED = {"color": GREY, "alpha": 0.45, "linewidth": 0}

LOG_2 = math.log(2)

# Gaussians: mean and standard deviation.
P = (0.0, 1.0)
Q = (1.5, 1.5)
# Distances between the means in the table of the numbers.
GAPS = (0.0, 2.0, 4.0, 8.0)
# Probabilities of heads and tails of two coins with opposite biases, and of a fair coin
# between them.
COINS = {"p": (0.9, 0.1), "q": (0.5, 0.5), "r": (0.1, 0.9)}
# Two distributions p and q: each has an outcome that is impossible under the other.
NO_COMMON_SUPPORT = ((0.5, 0.5, 0.0), (0.5, 0.0, 0.5))
# Mixture of Gaussians: weight, mean and standard deviation of each mode.
MODES = ((0.55, 2.0, 0.6), (0.45, -2.0, 0.6))

Gaussian = tuple[float, float]
Measures = dict[str, float]


def draw_divergences(out: Path = PAGES) -> str:
    """Draw why KL is not a distance, and what that means for a GAN.

    Args:
        out: folder for divergences.png, 1210 x 1045 pixels.

    Returns:
        Markdown with the numbers of the picture.

    Raises:
        UserError: the picture cannot be written.
    """
    path = out / "divergences.png"
    figure = Figure(figsize=(11, 9.5), layout="constrained")
    panels = figure.subfigures(2, 2, wspace=0.03, hspace=0.03)
    _draw_integrands(panels[0, 0])
    _draw_growth(panels[0, 1])
    _draw_triangles(panels[1, 0])
    _draw_fits(panels[1, 1])
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=110)
    logger.info("written: %s", path)
    return _text()


def covering_fit() -> tuple[float, float]:
    """Return the Gaussian q with the smallest KL(p‖q), p being the mixture `MODES`.

    -E_p[log q] is smallest if q has the mean and the variance of p.

    Returns:
        Its mean and standard deviation.
    """
    mean = sum(weight * m for weight, m, _ in MODES)
    square = sum(weight * (m**2 + s**2) for weight, m, s in MODES)
    return mean, math.sqrt(square - mean**2)


def seeking_fit() -> tuple[float, float]:
    """Return the Gaussian q with the smallest KL(q‖p), p being the mixture `MODES`.

    There is no closed form. The search starts from each mode and from the covering fit,
    because each start may lead to another local minimum; the lowest one is returned.

    Returns:
        Its mean and standard deviation.
    """
    mixture = _cells(_mixture)

    def divergence(parameters: np.ndarray) -> float:
        mean, log_std = parameters
        return kl_divergence(_gaussian_cells(mean, math.exp(log_std)), mixture)

    starts = [covering_fit(), *((mean, std) for _, mean, std in MODES)]
    found = (
        minimize(divergence, (mean, math.log(std)), method="Nelder-Mead")
        for mean, std in starts
    )
    mean, log_std = min(found, key=lambda end: end.fun).x
    return float(mean), math.exp(log_std)


def _mixture(x: np.ndarray) -> np.ndarray:
    """Return the density of the mixture `MODES`."""
    return sum(weight * norm.pdf(x, mean, std) for weight, mean, std in MODES)


def _gaussian_cells(mean: float, std: float) -> np.ndarray:
    """Return the probabilities of the cells of `_cells` under a Gaussian."""
    return _cells(lambda x: norm.pdf(x, mean, std))


def _cells(density: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Return the probabilities of 2,000 cells of [-10, 10] under a density."""
    weights = density(np.linspace(-10, 10, 2000))
    return weights / weights.sum()


def _draw_integrands(panel: SubFigure) -> None:
    """Draw the integrands of KL(p‖q) and KL(q‖p)."""
    note = "KL is the grey area; area below 0 counts as negative"
    write_title(panel, "(a) KL is not symmetric", note)
    x = np.linspace(-4, 8, 600)
    measures = _gaussian_measures(P, Q)
    above, below = panel.subplots(2, 1, sharex=True, sharey=True)
    for axes, name, integrand, one, other in (
        (above, "KL(p‖q)", "p log(p/q)", P, Q),
        (below, "KL(q‖p)", "q log(q/p)", Q, P),
    ):
        log_ratio = norm.logpdf(x, *one) - norm.logpdf(x, *other)
        heights = norm.pdf(x, *one) * log_ratio
        axes.fill_between(x, heights, label=integrand, **SHADED)
        for label, gaussian, color in (("p", P, BLUE), ("q", Q, VERMILLION)):
            axes.plot(x, norm.pdf(x, *gaussian), color=color, linewidth=2, label=label)
        axes.axhline(0, color="black", linewidth=0.8)
        value = f"{name} = {measures[name]:.2f}"
        axes.text(0.02, 0.84, value, transform=axes.transAxes, fontsize=13)
        axes.legend(loc="upper right")


def _draw_growth(panel: SubFigure) -> None:
    """Draw all divergences over the distance between the means of p and q."""
    note = "the p and q of (a), q moved to the right"
    write_title(panel, "(b) KL has no bound, JS stays below log 2", note)
    axes = panel.subplots()
    gaps = np.linspace(0, 10, 81)
    rows = [_gaussian_measures(P, (gap, Q[1])) for gap in gaps]
    for name, color, x, y in (
        ("KL(q‖p)", VERMILLION, 0.55, 2.6),
        ("KL(p‖q)", BLUE, 3.65, 2.6),
        ("JS distance", ORANGE, 7, 0.9),
        ("JS", GREEN, 3.1, 0.27),
    ):
        axes.plot(gaps, [row[name] for row in rows], color=color, linewidth=2.4)
        axes.text(x, y, name, color=color, fontsize=12, fontweight="bold", ha="left")
    axes.axhline(LOG_2, color="black", linestyle="--", linewidth=1)
    axes.text(0.1, LOG_2 + 0.04, "log 2")
    axes.annotate(
        "flat: no gradient tells\nG which way to go",
        (8.5, LOG_2 - 0.02),
        (6.2, 0.15),
        arrowprops={"arrowstyle": "->"},
    )
    axes.set(xlim=(0, 10), ylim=(0, 3), ylabel="nats")
    axes.set_xlabel("distance between the means of p and q")
    axes.grid(alpha=0.3)


def _draw_triangles(panel: SubFigure) -> None:
    """Draw KL and the JS distance from p to r, directly and by way of q."""
    shares = ", ".join(f"{name} {heads:.0%}" for name, (heads, _) in COINS.items())
    note = f"three coins; probability of heads: {shares}"
    write_title(panel, "(c) KL breaks the triangle inequality", note)
    left, right = panel.subplots(1, 2)
    _draw_triangle(left, "KL", kl_divergence)
    _draw_triangle(right, "JS distance", js_distance)


def _draw_triangle(axes: Axes, name: str, measure: Callable[..., float]) -> None:
    """Draw d(p, r) as one bar, and d(p, q) and d(q, r) stacked beside it."""
    p, q, r = COINS.values()
    direct, first, second = measure(p, r), measure(p, q), measure(q, r)
    total = first + second
    bars = (
        (0, 0, direct, GREY, "p to r"),
        (1, 0, first, BLUE, "p to q"),
        (1, first, second, VERMILLION, "q to r"),
    )
    for x, bottom, height, color, label in bars:
        bar = axes.bar(x, height, 0.7, bottom, color=color, edgecolor="white")
        text = [f"{label}\n{height:.2f}"]
        axes.bar_label(bar, text, label_type="center", color="white", fontsize=12)
    axes.text(1, total, f"{total:.2f}", ha="center", va="bottom", fontsize=12)
    verdict = "detour is shorter" if total < direct else "direct is shorter"
    axes.set_title(f"{name}: {verdict}", fontsize=11)
    axes.set_xticks([0, 1], ["direct", "by way of q"])
    axes.set_ylim(0, 1.12 * max(total, direct))


def _draw_fits(panel: SubFigure) -> None:
    """Draw the Gaussians that are nearest to two modes in either direction of KL."""
    note = "one Gaussian q for data p with two modes"
    write_title(panel, "(d) What is minimised decides what is lost", note)
    axes = panel.subplots()
    x = np.linspace(-6, 6, 500)
    axes.fill_between(x, _mixture(x), label="data p", **SHADED)
    covers = "smallest KL(p‖q): covers both modes\nand the gap between them"
    forgets = "smallest KL(q‖p): fits one mode\nand ignores the other"
    for fit, color, label in (
        (covering_fit(), BLUE, covers),
        (seeking_fit(), VERMILLION, forgets),
    ):
        axes.plot(x, norm.pdf(x, *fit), color=color, linewidth=2.4, label=label)
    axes.set(xlim=(-6, 6), ylim=(0, 0.95), ylabel="density")
    axes.legend(loc="upper left")


def write_title(panel: SubFigure, title: str, subtitle: str) -> None:
    """Write a bold title and a plain subtitle above a panel."""
    panel.suptitle(f"{title}\n", fontweight="bold", fontsize=13)
    panel.text(0.5, 0.925, subtitle, ha="center", fontsize=10.5)


def _text() -> str:
    """Return the numbers of the picture as Markdown."""
    rows = _rows()
    names = dict.fromkeys(name for row in rows.values() for name in row)
    columns = {
        name: {label: row[name] for label, row in rows.items() if name in row}
        for name in names
    }
    slopes = ", ".join(f"{_js_slope(gap):.2g} at {gap:g}" for gap in GAPS[1:])
    return f"""{table("Divergences, in nats", columns)}
JS never exceeds log 2 = {LOG_2:.4f}: its slope in (b) is {slopes}.
In the last row, q is 0 at an outcome at which p is not: KL is infinite, JS is finite.
The geometric JS of Gaussians has a closed form, but no bound.
"""


def _rows() -> dict[str, Measures]:
    """Return the divergences of every pair in the picture, and of NO_COMMON_SUPPORT."""
    p, q, r = COINS.values()
    mixture = _cells(_mixture)
    covering, seeking = (_gaussian_cells(*fit()) for fit in (covering_fit, seeking_fit))
    first = f"(a) p = N({P[0]:g}, {P[1]:g}²), q = N({Q[0]:g}, {Q[1]:g}²)"
    last = "p = {}, q = {}".format(*NO_COMMON_SUPPORT)
    moved = {
        f"(b) the same, means {gap:g} apart": _gaussian_measures(P, (gap, Q[1]))
        for gap in GAPS
    }
    return {
        first: _gaussian_measures(P, Q),
        **moved,
        "(c) coins p and r": _discrete_measures(p, r),
        "(c) coins p and q": _discrete_measures(p, q),
        "(c) coins q and r": _discrete_measures(q, r),
        "(d) data p, covering fit q": _discrete_measures(mixture, covering),
        "(d) data p, seeking fit q": _discrete_measures(mixture, seeking),
        last: _discrete_measures(*NO_COMMON_SUPPORT),
    }


def _gaussian_measures(p: Gaussian, q: Gaussian) -> Measures:
    """Return all divergences of two Gaussians in one dimension, in nats."""
    (mean_p, std_p), (mean_q, std_q) = p, q
    variances = (mean_p, std_p**2, mean_q, std_q**2)
    js = js_gaussians_1d(mean_p, std_p, mean_q, std_q)
    return {
        "KL(p‖q)": kl_gaussians(*variances),
        "KL(q‖p)": kl_gaussians(*variances[2:], *variances[:2]),
        "JS": js,
        "JS distance": math.sqrt(js),
        "geometric JS": geometric_js_gaussians(*variances),
    }


def _discrete_measures(p: ArrayLike, q: ArrayLike) -> Measures:
    """Return all divergences of two discrete distributions, in nats."""
    return {
        "KL(p‖q)": kl_divergence(p, q),
        "KL(q‖p)": kl_divergence(q, p),
        "JS": js_divergence(p, q),
        "JS distance": js_distance(p, q),
    }


def _js_slope(gap: float) -> float:
    """Return the derivative of JS by the distance of the means in panel (b)."""
    step = 1e-3
    low, high = (js_gaussians_1d(*P, gap + x, Q[1]) for x in (-step, step))
    return (high - low) / (2 * step)
