"""The history of a run: metrics.csv and the curves drawn from it."""

import csv
import logging
import shutil
from pathlib import Path

from matplotlib.figure import Figure

from common.files import atomic_path, cannot_write

logger = logging.getLogger(__name__)
Row = dict[str, float]


class RowFile:
    """metrics.csv, to which a training appends its rows.

    Args:
        path: path of the file.
        done: number of steps that the run has done. Rows of later steps, and damaged
            ones, are removed from the file; a damaged file is kept beside it.
    """

    def __init__(self, path: Path, done: int):
        self.path = path
        rows, damaged = _read(path)
        kept = [row for row in rows if row["step"] <= done]
        self.last = kept[-1] if kept else None
        self.names = _names(kept)
        if damaged:
            # Perhaps more can be read out of it by hand.
            shutil.copyfile(path, path.with_name(f"{path.name}.damaged"))
        if path.is_file():
            write_rows(path, kept)

    def append(self, row: Row) -> None:
        """Append a row; rewrite the file if the row has a new name.

        Raises:
            UserError: the disk is full, or the file cannot be written.
        """
        self.last = row
        if set(row) - set(self.names):
            rows = [*read_rows(self.path), row]
            self.names = _names(rows)
            write_rows(self.path, rows)
            return
        try:
            with self.path.open("a", newline="") as file:
                csv.DictWriter(file, self.names).writerow(row)
        except OSError as error:
            raise cannot_write(self.path, error) from error


def write_rows(path: Path, rows: list[Row]) -> None:
    """Write metrics.csv, with a column for every name that occurs in a row.

    Args:
        path: path of the file.
        rows: values by name; a row may lack some names, and its cells stay empty.
    """
    with atomic_path(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, _names(rows))
        writer.writeheader()
        writer.writerows(rows)


def read_rows(path: Path) -> list[Row]:
    """Read metrics.csv.

    Damaged rows are left out with a warning. A last row without a line end is left out
    too: the program was killed while it wrote that row.

    Returns:
        The rows, values by name without the empty cells; [] if there is no file.
    """
    rows, damaged = _read(path)
    if damaged:
        logger.warning("%s: %d damaged rows are left out", path, damaged)
    return rows


def _read(path: Path) -> tuple[list[Row], int]:
    """Return the rows of metrics.csv, and the number of damaged ones."""
    if not path.is_file():
        return [], 0
    header, *lines = path.read_text(errors="replace").split("\n")
    names = header.rstrip("\r").split(",")
    rows, damaged = [], 0
    for line in lines[:-1]:  # what follows the last line end was cut off
        try:
            rows.append(_row(names, line.rstrip("\r").split(",")))
        except (KeyError, ValueError):
            damaged += 1
    return rows, damaged


def _row(names: list[str], cells: list[str]) -> Row:
    """Return the numbers of a row; raise an exception if one of them is none."""
    texts = {name: text for name, text in zip(names, cells, strict=True) if text}
    numbers = {name: float(text) for name, text in texts.items()}
    return {**numbers, "step": int(texts["step"])}


def _names(rows: list[Row]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def draw_curves(
    rows: list[Row], equilibrium: tuple[float, float] | None, path: Path
) -> None:
    """Draw the losses over the steps, and below them the probabilities and shares.

    Args:
        rows: rows of metrics.csv.
        equilibrium: (D, G) losses when D cannot discriminate between real and
            generated data, drawn as dashed lines, or None. There
            D(x) = D(G(z)) = 1/2.
        path: path of the PNG.
    """
    names = list(dict.fromkeys(name for row in rows for name in row))
    shares = [name for name in names if is_share(name)]
    losses = [name for name in names if name not in ("step", "seconds", *shares)]
    panels = {"loss": losses} | ({"probability or share": shares} if shares else {})
    figure = Figure(figsize=(9, 3.25 * len(panels)), layout="constrained")
    all_axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    loss_axes = all_axes[0]
    for axes, (label, panel_names) in zip(all_axes, panels.items(), strict=True):
        axes.set_ylabel(label)
        for name in panel_names:
            points = [(row["step"], row[name]) for row in rows if name in row]
            axes.plot(*zip(*points, strict=True), label=name, linewidth=1.4)
        axes.grid(alpha=0.3)
    # Draw each equilibrium in the colour of its loss.
    colors = {line.get_label(): line.get_color() for line in loss_axes.get_lines()}
    for value, name in zip(equilibrium or (), "DG", strict=False):
        loss_axes.axhline(
            value,
            color=colors.get(f"{name.lower()}_loss", "grey"),
            linestyle="--",
            linewidth=1,
            label=f"{name} at equilibrium {value:.2f}",
        )
    if shares:
        all_axes[1].axhline(0.5, color="grey", linestyle="--", linewidth=1, label="1/2")
        all_axes[1].set_ylim(-0.02, 1.02)
    all_axes[-1].set_xlabel("training step")
    for axes in all_axes if rows else ():
        axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=9)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=110)


def is_share(name: str) -> bool:
    """Return whether a log is a probability or a share, so between 0 and 1."""
    if name.endswith(("_loss", "_penalty")):
        return False
    return name.startswith("d_") or name.endswith(("_occupancy", "_skipped"))
