"""The table and the picture of `compare`."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from chapter01_gan.stabilising.problems import grid, ring
from chapter01_gan.stabilising.techniques import PROBLEMS, TECHNIQUES, Outcome
from common.files import atomic_path
from common.images.grids import image_grid

BLOCKS = 2
SHOWN_DIGITS = 30
BLUE, ORANGE = "#0072B2", "#D55E00"


def tabulate(rows: list[dict]) -> str:
    """Return a Markdown table: techniques by problems, means over the seeds.

    Args:
        rows: of compare.json.
    """
    found = [p for p in PROBLEMS if any(row["problem"] == p for row in rows)]
    names = {p: fid_name(rows, p) for p in found}
    head = ["technique"]
    for problem in found:
        total = next(r["modes_total"] for r in rows if r["problem"] == problem)
        head += [f"{problem}: modes of {total}", "high quality", names[problem]]
    lines = ["| " + " | ".join([*head, "minutes"]) + " |"]
    lines.append("|---" + "|---:" * len(head) + "|")
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
    counts = ", ".join(f"{p} {len({r['seed'] for r in rows if r['problem'] == p})}"
                       for p in found)  # fmt: skip
    lines += ["", f"Means over seeds ({counts}); minutes are of one core, all seeds."]
    return "\n".join(lines) + "\n"


def fid_name(rows: list[dict], problem: str) -> str:
    """Return the name of the Frechet distance in the rows of a problem."""
    row = next(row for row in rows if row["problem"] == problem)
    return next(name for name in row if name.startswith("fid"))


def mean(values: Iterable[float], format: str) -> str:
    """Return the formatted mean of some numbers, or a dash for none."""
    values = list(values)
    return f"{np.mean(values):{format}}" if values else "-"


def draw_comparison(outcomes: list[Outcome], path: Path) -> None:
    """Draw the samples of each technique's first seed on every problem.

    Args:
        outcomes: of the comparison; what is missing stays empty.
        path: of the PNG.
    """
    first = {
        (o.row["technique"], o.row["problem"]): o
        for o in outcomes
        if o.row["seed"] == 0
    }
    rows = -(-len(TECHNIQUES) // BLOCKS)
    width = len(PROBLEMS)
    figure = Figure(figsize=(2.05 * width * BLOCKS + 0.4, 2.2 * rows))
    axes = figure.subplots(
        rows,
        BLOCKS * width,
        squeeze=False,
        gridspec_kw={
            "left": 0.01, "right": 0.99, "bottom": 0.01, "top": 0.97,
            "wspace": 0.06, "hspace": 0.24,
        },
    )  # fmt: skip
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
                    0, 1.14, technique.label, transform=ax.transAxes,
                    fontsize=11, fontweight="bold",
                )  # fmt: skip
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=90)


def draw_outcome(ax: Axes, outcome: Outcome) -> None:
    """Draw the samples of one training: points over the modes, or a few digits."""
    row = outcome.row
    if row["problem"] == "digits":
        images = outcome.samples[:SHOWN_DIGITS]
        ax.imshow(image_grid(images, columns=6, size=28), aspect="auto")
    else:
        draw_points(ax, outcome.samples, {"ring": ring, "grid": grid}[row["problem"]]())
    complete = row["modes"] == row["modes_total"]
    ax.set_title(
        f"{row['modes']} of {row['modes_total']} modes, {row['high_quality']:.0%} good",
        fontsize=8,
        pad=2,
        color=BLUE if complete else ORANGE,
    )


def draw_points(ax: Axes, samples: np.ndarray, problem) -> None:
    """Draw samples over circles at the modes."""
    reach = 1.25 * np.abs(problem.centres).max()
    ax.scatter(*problem.centres.T, s=60, facecolors="none", edgecolors="0.6", lw=0.8)
    ax.scatter(*samples.T, s=2, color=BLUE, alpha=0.4, linewidths=0)
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
