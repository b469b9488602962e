"""Nash equilibria: the prisoner's dilemma, and a game in which gradient steps circle.

A finite game is a pair of cost matrices, one for each player: entry [i, j] is the cost
for the player if A plays i and B plays j. Low is good.
"""

import logging
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from chapter01_gan.config import PAGES
from chapter01_gan.theory.divergences import BLUE, GREEN, GREY, VERMILLION, write_title
from common.files import atomic_path
from common.metrics.report import table

logger = logging.getLogger(__name__)

# Costs are years in prison; action 0 is silence, 1 is betrayal.
PRISONERS_DILEMMA = (np.array([[1, 3], [0, 2]]), np.array([[1, 0], [3, 2]]))
# A pays if the coins differ, B if they match: a zero-sum game.
MATCHING_PENNIES = (np.array([[-1, 1], [1, -1]]), np.array([[1, -1], [-1, 1]]))

# The game x * y in the picture.
START = (1.0, 0.0)
LEARNING_RATE = 0.2
STEPS = 60

Profile = tuple[int, int]
Point = tuple[float, float]
Update = Callable[[float, float, float], Point]


def best_responses(costs: np.ndarray) -> np.ndarray:
    """Mark a player's cheapest actions against each action of the other player.

    Args:
        costs: costs of the player, (M, N), indexed by its own action first.

    Returns:
        bool (M, N); all actions of a tie are marked.
    """
    return costs == costs.min(axis=0, keepdims=True)


def pure_nash_equilibria(cost_a: np.ndarray, cost_b: np.ndarray) -> list[Profile]:
    """Find the pairs of actions that neither player can improve on alone.

    These are the (i, j) with cost_a[i, j] <= cost_a[k, j] for all k and
    cost_b[i, j] <= cost_b[i, k] for all k: best responses to each other.

    Args:
        cost_a, cost_b: costs of A and of B, (M, N).

    Returns:
        Pairs (action of A, action of B); there may be none, one or several.

    Reference:
        Nash 1950, Proceedings of the National Academy of Sciences 36(1).
    """
    both = best_responses(cost_a) & best_responses(cost_b.T).T
    return [(int(i), int(j)) for i, j in np.argwhere(both)]


def iterate_best_response(
    cost_a: np.ndarray, cost_b: np.ndarray, start: Profile, max_moves: int = 8
) -> list[Profile]:
    """Let the players switch to their best responses until neither can improve.

    If both can improve, A moves.

    Args:
        cost_a, cost_b: costs of A and of B, (M, N).
        start: first pair of actions.
        max_moves: largest number of moves, because some games never come to rest.

    Returns:
        All pairs on the way, from the start. After fewer than `max_moves` moves, the
        last pair is an equilibrium.
    """
    path = [start]
    for _ in range(max_moves):
        i, j = path[-1]
        if cost_a[i, j] > cost_a[:, j].min():
            path.append((int(cost_a[:, j].argmin()), j))
        elif cost_b[i, j] > cost_b[i].min():
            path.append((i, int(cost_b[i].argmin())))
        else:
            break
    return path


def mixed_equilibrium_2x2(cost_a: np.ndarray, cost_b: np.ndarray) -> Point:
    """Return the probabilities of the first actions in the mixed equilibrium.

    Each player mixes its actions so that the other's two actions cost the same:
    p = (b_11 - b_10) / (b_00 - b_01 - b_10 + b_11),
    q = (a_11 - a_01) / (a_00 - a_01 - a_10 + a_11)

    Args:
        cost_a, cost_b: costs of A and of B, (2, 2).

    Returns:
        p of A and q of B, each in (0, 1).

    Raises:
        ValueError: there is no equilibrium in which both mix.
    """
    shares = []
    # p makes B indifferent, q makes A indifferent. `costs` are those of the indifferent
    # player, indexed by its own action first.
    for costs in (cost_b.T, cost_a):
        first = costs[0, 0] - costs[1, 0]
        second = costs[1, 1] - costs[0, 1]
        if first * second <= 0:
            raise ValueError("the game has no equilibrium in which both players mix")
        shares.append(float(second / (first + second)))
    return shares[0], shares[1]


def simultaneous(x: float, y: float, learning_rate: float) -> Point:
    """Step in x and y from the same point of the game x * y.

    x descends and y ascends:
    x' = x - lr y,  y' = y + lr x;  |(x', y')| = sqrt(1 + lr^2) |(x, y)|
    """
    return x - learning_rate * y, y + learning_rate * x


def alternating(x: float, y: float, learning_rate: float) -> Point:
    """Step in x, then in y from the new x, in the game x * y.

    x descends and y ascends:
    x' = x - lr y,  y' = y + lr x';  x^2 + y^2 - lr x y stays constant
    """
    x = x - learning_rate * y
    return x, y + learning_rate * x


def extragradient(x: float, y: float, learning_rate: float) -> Point:
    """Look one step ahead, then step from the old point with the gradient found there.

    x' = x - lr (y + lr x),  y' = y + lr (x - lr y);
    |(x', y')| = sqrt((1 - lr^2)^2 + lr^2) |(x, y)|

    Reference:
        Korpelevich 1976; Gidel et al. 2019, arXiv:1802.10551, section 3.
    """
    ahead_x, ahead_y = simultaneous(x, y, learning_rate)
    return x - learning_rate * ahead_y, y + learning_rate * ahead_x


UPDATES = {
    "simultaneous": (simultaneous, VERMILLION),
    "alternating": (alternating, BLUE),
    "extragradient": (extragradient, GREEN),
}


def play(update: Update, start: Point, learning_rate: float, steps: int) -> np.ndarray:
    """Play min over x, max over y of x * y; the equilibrium is (0, 0).

    Args:
        update: function of one step, from (x, y, learning rate) to (x, y).
        start: first point (x, y).
        learning_rate: learning rate of both players.
        steps: number of steps.

    Returns:
        The points (x, y) from the start on, float64 (steps + 1, 2).
    """
    points = [start]
    for _ in range(steps):
        points.append(update(*points[-1], learning_rate))
    return np.array(points, np.float64)


def predicted_distances(
    start: Point, learning_rate: float, steps: int
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return the smallest and largest distance from (0, 0) that the formulas allow.

    Args:
        start: first point (x, y).
        learning_rate: learning rate of both players, in (0, 2).
        steps: number of steps.

    Returns:
        Name in UPDATES -> smallest and largest distance after each step from 0 on,
        (steps + 1,) each. They are equal if the formula is exact.
    """
    x, y = start
    powers = np.arange(steps + 1)
    # The distance is multiplied by the same factor at every step.
    outwards = math.hypot(x, y) * math.hypot(1, learning_rate) ** powers
    factor = math.hypot(1 - learning_rate**2, learning_rate)
    inwards = math.hypot(x, y) * factor**powers
    # The half axes of the ellipse x^2 + y^2 - lr x y = constant.
    constant = x * x + y * y - learning_rate * x * y
    nearest = math.sqrt(constant / (1 + learning_rate / 2))
    farthest = math.sqrt(constant / (1 - learning_rate / 2))
    return {
        "simultaneous": (outwards, outwards),
        "alternating": (np.full(steps + 1, nearest), np.full(steps + 1, farthest)),
        "extragradient": (inwards, inwards),
    }


def draw_nash(out: Path = PAGES) -> str:
    """Draw two games of two actions, and the game x * y with three update rules.

    Args:
        out: folder for nash.png, 1210 x 1045 pixels.

    Returns:
        Markdown with the numbers of the picture.

    Raises:
        UserError: the picture cannot be written.
    """
    path = out / "nash.png"
    figure = Figure(figsize=(11, 9.5), layout="constrained")
    panels = figure.subfigures(2, 2, wspace=0.03, hspace=0.03)
    _draw_game(panels[0, 0].subplots(), *PRISONERS_DILEMMA, ["silent", "betray"])
    _draw_game(panels[1, 0].subplots(), *MATCHING_PENNIES, ["heads", "tails"])
    _draw_plane(panels[0, 1].subplots())
    _draw_distances(panels[1, 1].subplots())
    circles = "Circle: best response. Arrows: the players improve in turn."
    pennies = "The loser pays 1 to the winner. No cell has two circles."
    steps = f"{STEPS} steps with learning rate {LEARNING_RATE}; grey: gradient steps"
    write_title(panels[0, 0], "Prisoner's dilemma: years in prison", circles)
    write_title(panels[1, 0], "Matching pennies: no pure equilibrium", pennies)
    write_title(panels[0, 1], "min over x, max over y of x · y", steps)
    write_title(panels[1, 1], "Distance from (0, 0)", "dashed: from the formulas")
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=110)
    logger.info("written: %s", path)
    return _text()


def _draw_game(axes: Axes, a: np.ndarray, b: np.ndarray, actions: list[str]) -> None:
    """Draw a game as a table, with best responses, their path and equilibria.

    Args:
        axes: axes to draw on.
        a, b: costs of A and of B, (2, 2).
        actions: names of the two actions.
    """
    # The costs; the cheapest response of each player is in a circle.
    both = ((a, best_responses(a), BLUE), (b, best_responses(b.T).T, VERMILLION))
    for (cost, best, color), shift in zip(both, (-0.25, 0.25), strict=True):
        circle = {"boxstyle": "circle", "edgecolor": color, "facecolor": "white"}
        style = {"color": color, "fontsize": 18, "ha": "center", "va": "center"}
        for (i, j), value in np.ndenumerate(cost):
            box = circle if best[i, j] else None
            axes.text(j + shift, i - shift, f"{value}", bbox=box, **style)
    # The equilibria, shaded.
    for i, j in pure_nash_equilibria(a, b):
        axes.fill_between([j - 0.5, j + 0.5], i - 0.5, i + 0.5, color=GREEN, alpha=0.25)
        axes.text(j + 0.46, i + 0.45, "equilibrium", ha="right", fontsize=12)
    # The path of best responses, as arrows.
    path = iterate_best_response(a, b, (0, 0), max_moves=4)
    axes.plot(0, 0, "o", color="black", markersize=9)
    axes.text(-0.04, -0.06, "start", ha="right", fontsize=12)
    arrow = {"arrowstyle": "-|>", "color": "black", "lw": 2, "mutation_scale": 20}
    for (i, j), (k, m) in zip(path[:-1], path[1:], strict=True):
        axes.annotate("", (m, k), (j, i), arrowprops=arrow)
    # The lines of the table and the names of the actions.
    axes.axhline(0.5, color="black", linewidth=1)
    axes.axvline(0.5, color="black", linewidth=1)
    axes.set(xlim=(-0.5, 1.5), ylim=(1.5, -0.5))
    axes.set_xticks([0, 1], [f"B: {action}" for action in actions], color=VERMILLION)
    axes.set_yticks([0, 1], [f"A: {action}" for action in actions], color=BLUE)
    axes.tick_params(length=0, labelsize=12)


def _draw_plane(axes: Axes) -> None:
    """Draw the paths of the three update rules over the field of the gradients."""
    x, y = np.meshgrid(np.linspace(-4, 4, 13), np.linspace(-3, 3, 10))
    axes.quiver(x, y, -y, x, color=GREY, alpha=0.5)
    for name, (update, color) in UPDATES.items():
        points = play(update, START, LEARNING_RATE, STEPS)
        axes.plot(*points.T, ".-", color=color, label=name)
    axes.plot(*START, "o", color="black", markersize=9, label="start")
    axes.plot(0, 0, "*", color="black", markersize=14, label="equilibrium")
    axes.set(xlabel="x", ylabel="y", xlim=(-4.4, 4.4), ylim=(-3.4, 5), aspect="equal")
    axes.legend(loc="upper center", ncols=2)


def _draw_distances(axes: Axes) -> None:
    """Draw the distance from the equilibrium over the steps, with the formulas."""
    for name, (low, high) in predicted_distances(START, LEARNING_RATE, STEPS).items():
        update, color = UPDATES[name]
        distances = np.linalg.norm(play(update, START, LEARNING_RATE, STEPS), axis=1)
        label = f"{name}: × {low[1] / low[0]:.4f} per step"
        if low[0] < high[0]:
            label = f"{name}: from {low[0]:.3f} to {high[0]:.3f}"
        axes.semilogy(distances, color=color, linewidth=5, alpha=0.6, label=label)
        axes.semilogy(np.stack([low, high], axis=1), "k--", linewidth=1.2)
    axes.set(xlabel="step", xlim=(0, STEPS), ylim=(0.28, 3.8))
    axes.set_yticks([0.3, 0.5, 1, 2, 3], ["0.3", "0.5", "1", "2", "3"])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend(loc="upper left")


def _text() -> str:
    """Return the numbers of the picture as Markdown."""
    path = iterate_best_response(*PRISONERS_DILEMMA, (0, 0))
    columns = {}
    for name, (low, high) in predicted_distances(START, LEARNING_RATE, STEPS).items():
        points = play(UPDATES[name][0], START, LEARNING_RATE, STEPS)
        columns[name] = {
            f"distance after {STEPS} steps": np.linalg.norm(points[-1]),
            "by the formula, at least": low[-1],
            "by the formula, at most": high[-1],
            "distance of the mean of all points": np.linalg.norm(points.mean(axis=0)),
        }
    return f"""## Two games of two actions

Prisoner's dilemma (0 silent, 1 betray): {" -> ".join(map(str, path))}, \
pure equilibria {pure_nash_equilibria(*PRISONERS_DILEMMA)}.
Matching pennies: pure equilibria {pure_nash_equilibria(*MATCHING_PENNIES)}, \
mixed equilibrium {mixed_equilibrium_2x2(*MATCHING_PENNIES)}.

{table("min over x, max over y of x · y", columns)}"""
