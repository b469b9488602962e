"""The table and the picture of `compare`."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from chapter01_gan.stabilising.problems import Points, grid, ring
from chapter01_gan.stabilising.techniques import PROBLEMS, TECHNIQUES, Outcome
from common.files import atomic_path
from common.images.grids import image_grid

# The picture has two blocks of techniques side by side.
BLOCKS = 2
SHOWN_DIGITS = 30
BLUE = "#0072B2"
ORANGE = "#D55E00"


def tabulate(rows: list[dict]) -> str:
    """Return a Markdown table of the techniques' results on each problem.

    The results are means over the seeds.

    Args:
        rows: rows of compare.json.
    """
    found = [p for p in PROBLEMS if any(row["problem"] == p for row in rows)]
    names = {p: fid_name(rows, p) for p in found}
    # The header: three columns for each problem that has results.
    head = ["technique"]
    for problem in found:
        total = next(r["modes_total"] for r in rows if r["problem"] == problem)
        head += [f"{problem}: modes of {total}", "high quality", names[problem]]
    lines = ["| " + " | ".join([*head, "minutes"]) + " |"]
    lines.append("|---" + "|---:" * len(head) + "|")
    # One line for each technique.
    for technique, chosen in TECHNIQUES.items():
        mine = [row for row in rows if row["technique"] == technique]
        cells = [chosen.label]
        for problem in found:
            part = [row for row in mine if row["problem"] == problem]
            cells += [
                mean((r["modes"] for r in part), ".1f"),
                mean((100 * r["high_quality"] for r in part), ".0f") + " %",
                mean((r[names[problem]] for r in part), ".3g"),
            ]
        cells.append(f"{sum(row['seconds'] for row in mine) / 60:.1f}")
        lines.append("| " + " | ".join(cells) + " |")
    # A note on the number of seeds of each problem.
    counts = []
    for problem in found:
        seeds = {row["seed"] for row in rows if row["problem"] == problem}
        counts.append(f"{problem} {len(seeds)}")
    lines.append("")
    lines.append(
        f"Means over seeds ({', '.join(counts)}); minutes on one core, for all seeds."
    )
    return "\n".join(lines) + "\n"


def fid_name(rows: list[dict], problem: str) -> str:
    """Return the name of the Frechet distance in the rows of a problem.

    Args:
        rows: rows of compare.json.
        problem: name in PROBLEMS, with at least one row.
    """
    row = next(row for row in rows if row["problem"] == problem)
    return next(name for name in row if name.startswith("fid"))


def mean(values: Iterable[float], format: str) -> str:
    """Return the formatted mean of some numbers, or "-" if there are none."""
    values = list(values)
    return f"{np.mean(values):{format}}" if values else "-"


def draw_comparison(outcomes: list[Outcome], path: Path) -> None:
    """Draw the samples of each technique's first seed on every problem.

    Args:
        outcomes: outcomes of the comparison; the panel of a missing one stays empty.
        path: path of the PNG file.
    """
    first = {
        (o.row["technique"], o.row["problem"]): o
        for o in outcomes
        if o.row["seed"] == 0
    }
    # Each block has a row for each technique and a column for each problem.
    rows = -(-len(TECHNIQUES) // BLOCKS)
    width = len(PROBLEMS)
    figure = Figure(figsize=(2.05 * width * BLOCKS + 0.4, 2.2 * rows))
    axes = figure.subplots(
        rows,
        BLOCKS * width,
        squeeze=False,
        gridspec_kw={
            "left": 0.01,
            "right": 0.99,
            "bottom": 0.01,
            "top": 0.97,
            "wspace": 0.06,
            "hspace": 0.24,
        },
    )
    for ax in axes.flat:
        ax.set_axis_off()
    for number, (name, technique) in enumerate(TECHNIQUES.items()):
        block, row = divmod(number, rows)
        for column, problem in enumerate(PROBLEMS):
            ax = axes[row, block * width + column]
            outcome = first.get((name, problem))
            if outcome is not None:
                draw_outcome(ax, outcome)
            if column == 0:
                ax.text(
                    0,
                    1.14,
                    technique.label,
                    transform=ax.transAxes,
                    fontsize=11,
                    fontweight="bold",
                )
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=90)


def draw_outcome(ax: Axes, outcome: Outcome) -> None:
    """Draw the samples of one training: points over the modes, or 30 digits."""
    row = outcome.row
    if row["problem"] == "digits":
        images = outcome.samples[:SHOWN_DIGITS]
        ax.imshow(image_grid(images, columns=6, size=28), aspect="auto")
    else:
        problem = {"ring": ring, "grid": grid}[row["problem"]]()
        draw_points(ax, outcome.samples, problem)
    # The title is blue if all modes are covered, else orange.
    complete = row["modes"] == row["modes_total"]
    ax.set_title(
        f"{row['modes']} of {row['modes_total']} modes, {row['high_quality']:.0%} good",
        fontsize=8,
        pad=2,
        color=BLUE if complete else ORANGE,
    )


def draw_points(ax: Axes, samples: np.ndarray, problem: Points) -> None:
    """Draw samples (N, 2) over circles at the modes of a problem."""
    reach = 1.25 * np.abs(problem.centres).max()
    ax.scatter(*problem.centres.T, s=60, facecolors="none", edgecolors="0.6", lw=0.8)
    ax.scatter(*samples.T, s=2, color=BLUE, alpha=0.4, linewidths=0)
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
