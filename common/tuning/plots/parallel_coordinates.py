"""Parallel coordinates: one axis per parameter, and each trial a line across them."""

from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.patheffects import withStroke

from common.tuning.plots.axes import Axis, text_of, values_of
from common.tuning.trial_records import Record, best_of

COLOURS = colormaps["viridis"]  # dark: low loss
BEST = "crimson"
SPREAD = 0.03  # share of an axis over which equal values are spread to be visible
# Successive multiples modulo 1 fill an interval evenly, whatever their number.
GOLDEN = (5**0.5 - 1) / 2


def draw_parameters(
    axes: Axes, records: Sequence[Record], fields: Sequence[str]
) -> None:
    """Draw the parameters of each trial, in a colour that shows the rank of its loss.

    With ranks, all colours are equally frequent; otherwise a few high losses would
    leave a single colour for all others. Better trials are drawn on top, and the best
    one is thick. If a trial lacks a parameter, its line has a gap. Equal values are
    spread a little.

    Args:
        axes: Matplotlib axes to draw on.
        records: finished trials, at least one, in the order of their numbers.
        fields: names of the parameters, from left to right.
    """
    best = best_of(records)
    failed = [record for record in records if record.loss is None]
    rest = [r for r in records if r.loss is not None and r is not best]
    every = [Axis.of(values_of(records, name)) for name in fields]
    losses = np.sort([r.loss for r in records if r.loss is not None])
    # If there are many lines, thin ones can still be distinguished.
    width = min(1.3, 1.3 * (60 / len(records)) ** 0.4)
    faint = 0.5 if len(records) > 30 else 0.8
    for record in failed:
        _draw(axes, _line(record, every, fields), c="silver", ls=":", lw=width)
    for record in sorted(rest, key=lambda record: -record.loss):
        rank = np.searchsorted(losses, record.loss) / (len(losses) - 1)
        shade = COLOURS(rank, alpha=1.0 if rank <= 0.25 else faint)
        _draw(axes, _line(record, every, fields), c=shade, lw=width)
    if best:
        _draw(axes, _line(best, every, fields), c=BEST, lw=3, zorder=5)
    _draw_axes(axes, every, fields)
    title = "parameters of each trial, in the colour of its loss"
    if best:
        title += f"; thick and red: the best, trial {best.number}"
    if failed:
        title += f"; dotted: {len(failed)} failed"
    axes.set_title(title, loc="left", fontsize=11)
    if rest:
        _draw_bar(axes, losses)


def _draw_bar(axes: Axes, losses: np.ndarray) -> None:
    """Draw the colour bar, labelled with the quartiles of the losses (N,)."""
    colours = ScalarMappable(Normalize(0, 1), COLOURS)
    ticks = [0, 0.25, 0.5, 0.75, 1]
    bar = axes.figure.colorbar(colours, ax=axes, ticks=ticks, pad=0.0, aspect=30)
    values = [text_of(float(loss), 3) for loss in np.quantile(losses, ticks)]
    names = ("lowest", "25 %", "median", "75 %", "highest")
    labels = [f"{v}\n{name}" for v, name in zip(values, names, strict=True)]
    bar.set_ticklabels(labels, fontsize=8)
    bar.ax.set_title("loss", fontsize=9)


def _draw(axes: Axes, heights: np.ndarray, **how) -> None:
    axes.plot(heights, marker=".", ms=3 + 2 * how["lw"], **how)


def _line(record: Record, every: Sequence[Axis], fields: Sequence[str]) -> np.ndarray:
    """Return the height of a trial's line on each axis, NaN for a missing parameter."""
    spread = SPREAD * (record.number * GOLDEN % 1 - 0.5)
    return np.array(
        [
            axis.position(record.parameters[name]) + (spread if axis.few else 0)
            if name in record.parameters
            else np.nan
            for axis, name in zip(every, fields, strict=True)
        ]
    )


def _draw_axes(axes: Axes, every: Sequence[Axis], fields: Sequence[str]) -> None:
    """Draw the vertical axes with their labels."""
    white = [withStroke(linewidth=2.5, foreground="white")]
    for place, axis in enumerate(every):
        axes.axvline(place, ymin=0, c="black", lw=0.8, zorder=3)
        for height, text in axis.ticks:
            axes.text(
                place + 0.03,
                height,
                text,
                fontsize=8,
                va="center",
                zorder=6,
                path_effects=white,
            )
    many = len(fields) > 8
    axes.set_xticks(
        range(len(fields)),
        fields,
        rotation=20 if many else 0,
        ha="right" if many else "center",
        fontsize=9,
    )
    axes.set_yticks([])
    axes.set_ylim(-0.06, 1.06)
    axes.set_xlim(-0.15, len(fields) - 1 + 0.5)
    axes.spines[:].set_visible(False)
