"""The picture of a study of the cost of a training step."""

import dataclasses
import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure

from benchmarks.cost_study import Study
from benchmarks.cost_tables import (
    GBITS,
    PAPER,
    SPEEDS,
    STRONG_BATCH,
    TITLES,
    WIDTHS,
    WORKERS,
    efficiency,
)
from benchmarks.step_work import Point
from common.files import atomic_path


def draw(studies: Sequence[Study], path: Path) -> None:
    """Draw measured seconds, errors of the model and extrapolations of each chapter.

    Args:
        studies: one study for each row of the picture.
        path: path of the PNG file.
    """
    figure = Figure(figsize=(15, 4.6 * len(studies)), layout="constrained")
    every = figure.subplots(len(studies), 3, squeeze=False)
    for study, (steps, errors, beyond) in zip(studies, every, strict=True):
        draw_steps(steps, study)
        draw_errors(errors, study)
        draw_beyond(beyond, study)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=90)


def draw_steps(axes: Axes, study: Study) -> None:
    """Draw seconds over the batch size: dots are measured, lines are modelled."""
    points = study.machine.points
    groups = itertools.groupby(points, lambda point: (point.size, point.width))
    for number, ((size, width), group) in enumerate(groups):
        alike = list(group)
        colour = f"C{number % 10}"
        batches = [point.batch for point in alike]
        measured = [1e3 * study.seconds[point] for point in alike]
        label = f"size {size}, {WIDTHS[study.chapter]} {width:g}"
        axes.loglog(batches, measured, "o", color=colour, label=label)
        line = np.geomspace(min(batches), max(batches), 20)
        guesses = [1e3 * study.alone(alike[0], items) for items in line]
        axes.loglog(line, guesses, color=colour, linewidth=1)
    plain_ticks(axes.xaxis, sorted({point.batch for point in points}))
    plain_ticks(axes.yaxis, [5, 10, 20, 50, 100, 200, 500, 1000])
    axes.set(title=f"{TITLES[study.chapter]}: one process, all cores")
    axes.set(xlabel="batch", ylabel="milliseconds per step (lines: model)")
    axes.grid(alpha=0.3)
    # Room above the points for the list of networks.
    axes.set_ylim(top=6 * axes.get_ylim()[1])
    axes.legend(fontsize=7, ncols=2, loc="upper left")


def plain_ticks(axis: Axis, values: Sequence[float]) -> None:
    """Label the given values within the limits of a logarithmic axis, and no others."""
    low, high = axis.get_view_interval()
    within = [value for value in values if low <= value <= high]
    axis.set_ticks(within, [f"{value:g}" for value in within])
    axis.set_ticks([], minor=True)


def draw_errors(axes: Axes, study: Study) -> None:
    """Draw the ratio of modelled and measured seconds of each measured point."""
    fits = {
        "one process, all cores": study.machine,
        "one process, one thread": study.thread,
        "two workers": study.pair,
    }
    for (name, fit), mark in zip(fits.items(), "os^", strict=True):
        axes.semilogx(
            1e3 * fit.seconds, fit.predicted / fit.seconds, mark, label=name, alpha=0.7
        )
    axes.axhline(1.0, color="grey", linewidth=1)
    axes.set(title="Fitted model against measurement")
    plain_ticks(axes.xaxis, [5, 10, 20, 50, 100, 200, 500, 1000])
    axes.set(xlabel="measured milliseconds per step", ylabel="modelled / measured")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=7)


def draw_beyond(axes: Axes, study: Study) -> None:
    """Draw the modelled parallel efficiency of more workers."""
    size, width = PAPER[study.chapter]
    for speed, style in zip(SPEEDS, ("-", "--"), strict=True):
        for number, gbits in enumerate(GBITS):
            shares = []
            for workers in WORKERS:
                point = Point(study.chapter, size, width, STRONG_BATCH, workers, 1)
                alone = dataclasses.replace(point, workers=1)
                shares.append(efficiency(study, point, alone, gbits, speed)[1])
            label = f"{gbits} Gbit/s, workers as fast as {speed} threads"
            colour = f"C{number}"
            axes.semilogx(WORKERS, shares, style, color=colour, marker=".", label=label)
    axes.set(title=f"Modelled, not measured: batch {STRONG_BATCH}, the paper's width")
    axes.set(xlabel="workers", ylabel="parallel efficiency", ylim=(0, 1.05))
    plain_ticks(axes.xaxis, WORKERS)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=7)
