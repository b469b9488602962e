"""The picture of a search: losses, importance of the parameters, and parameters."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from common.files import atomic_path
from common.tuning.plots.axes import LossScale, values_of
from common.tuning.plots.importance import FEWEST, importance
from common.tuning.plots.parallel_coordinates import BEST, draw_parameters
from common.tuning.trial_records import Record


def draw_search(records: Sequence[Record], fields: Sequence[str], path: Path) -> None:
    """Draw the losses, the importance of each parameter, and the trials' parameters.

    Args:
        records: finished trials, at least one, in any order.
        fields: names of the parameters, one axis each. A parameter that no trial
            has is left out.
        path: path of the PNG file.
    """
    records = sorted(records, key=lambda record: record.number)
    fields = [name for name in fields if values_of(records, name)]
    scale = LossScale.of([r.loss for r in records if r.loss is not None])
    width = max(11.0, 1.3 * (len(fields) + 1))
    figure = Figure(figsize=(width, 9), layout="constrained")
    grid = figure.add_gridspec(2, 2, width_ratios=(3, 2), height_ratios=(4, 5))
    _draw_losses(figure.add_subplot(grid[0, 0]), records, scale)
    _draw_importance(figure.add_subplot(grid[0, 1]), records, fields)
    draw_parameters(figure.add_subplot(grid[1, :]), records, fields)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=110)


def _draw_losses(axes: Axes, records: Sequence[Record], scale: LossScale) -> None:
    """Draw the loss of each trial; trials with no loss or a high one are at the top."""
    _prepare(axes, scale)
    above = f"above {scale.high:.3g}"
    marks = {
        "finished": ("o", "tab:blue"),
        "stopped early": ("v", "tab:orange"),
        above: ("^", "dimgrey"),
        "failed": ("x", "tab:red"),
    }
    names = {"ok": "finished", "stopped": "stopped early", "failed": "failed"}
    points: dict[str, list] = {label: [] for label in marks}
    top = axes.get_ylim()[1]
    for record in records:
        high = record.loss is not None and record.loss > scale.high
        label = above if high else names[record.status]
        inside = label in ("finished", "stopped early")
        points[label].append((record.number, record.loss if inside else top))
    for label, (marker, colour) in marks.items():
        if points[label]:
            axes.plot(
                *zip(*points[label], strict=True),
                marker,
                c=colour,
                ms=5,
                label=f"{label}: {len(points[label])}",
                clip_on=False,
                zorder=3,
            )
    _draw_references(axes, records, scale)
    axes.legend(fontsize=8, loc="upper left", bbox_to_anchor=(0, -0.16), ncols=3)


def _prepare(axes: Axes, scale: LossScale) -> None:
    """Set titles and limits of the axes, with room for marks at the top."""
    axes.set_title("loss over trials (lower is better)", loc="left", fontsize=11)
    axes.set_xlabel("trial")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.grid(alpha=0.3)
    if scale.log:
        axes.set_yscale("log")
        room = (scale.high / scale.low) ** 0.08
        axes.set_ylim(scale.low / room, scale.high * room)
    else:
        room = 0.08 * (scale.high - scale.low) or 0.1 * abs(scale.high) or 0.1
        axes.set_ylim(scale.low - room, scale.high + room)


def _draw_references(axes: Axes, records: Sequence[Record], scale: LossScale) -> None:
    """Draw the best loss so far, and the preset's loss if it is within the limits."""
    whole = [record for record in records if record.status == "ok"]
    if whole:
        best = np.minimum.accumulate([record.loss for record in whole])
        numbers = [record.number for record in whole]
        axes.step(
            [*numbers, records[-1].number],
            [*best, best[-1]],
            where="post",
            c=BEST,
            lw=1.6,
            label=f"best so far: {best[-1]:.4g}",
        )
    preset = records[0]
    if preset.number == 0 and preset.loss is not None and preset.loss <= scale.high:
        label = f"the preset (trial 0): {preset.loss:.4g}"
        axes.axhline(preset.loss, c="black", ls="--", lw=1, label=label)


def _draw_importance(
    axes: Axes, records: Sequence[Record], fields: Sequence[str]
) -> None:
    """Draw the share of the loss's variance for which each parameter is responsible."""
    axes.set_title("importance: share of the loss's variance", loc="left", fontsize=11)
    found = importance(records, fields)
    if found is None:
        count = sum(record.loss is not None for record in records)
        axes.set_axis_off()
        axes.text(
            0.5,
            0.5,
            f"too few trials: {count} with a loss,\nat least {FEWEST} are needed",
            ha="center",
            va="center",
            transform=axes.transAxes,
        )
        return
    ordered = sorted(found.shares.items(), key=lambda item: item[1])
    percents = [100 * share for _, share in ordered]
    bars = axes.barh([name for name, _ in ordered], percents, color="tab:blue")
    axes.bar_label(bars, [f"{p:.0f} %" for p in percents], padding=3, fontsize=8)
    axes.set_xlim(0, max(1.15 * max(percents), 10))
    axes.set_ylim(min(len(ordered) - 6, 0) - 0.5, len(ordered) - 0.5)
    axes.xaxis.get_major_locator().set_params(integer=True, nbins=6)
    axes.tick_params(labelsize=8)
    axes.set_xlabel(
        f"percent, from {found.trials} trials; the forest explains "
        f"{100 * found.explained:.0f} % in unseen ones{_caution(found.explained)}",
        fontsize=8,
    )


def _caution(explained: float) -> str:
    return "" if explained >= 0.3 else ":\ntoo little to trust these shares"
