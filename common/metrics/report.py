"""Results of a test: a table for people and a file for programs."""

import json
import math
import numbers
import re
from collections.abc import Mapping
from pathlib import Path

from common.files import atomic_path

# What is good, by the first words of a metric's name.
_DIRECTIONS = {
    "cov": "↑",
    "mmd": "↓",
    "one_nna": "→ 0.5",
    "jsd": "↓",
    "accuracy": "↑",
    "class_accuracy": "↑",
    "fid": "↓",
    "kid": "↓",
    "is": "↑",
    "mode_score": "↑",
    "label_kl": "↓",
    "precision": "↑",
    "recall": "↑",
    "psnr": "↑",
    "ssim": "↑",
    "iou": "↑",
    "pairwise_iou": "→ reference",
    "occupancy": "→ reference",
}


def table(
    title: str,
    columns: Mapping[str, Mapping[str, float]],
    directions: Mapping[str, str] | None = None,
) -> str:
    """Return results as an aligned Markdown table.

    Rows are metrics, in the order in which the columns first name them. An
    arrow tells which way is better: ↑ up, ↓ down, → towards a value.

    Args:
        title: heading above the table.
        columns: for each heading, such as "this run", the value of each
            metric. A metric that a column lacks is shown as a dash.
        directions: the arrow of each metric by its full name, beside or in
            place of the known ones; "" for no arrow.

    Returns:
        Markdown that is easy to read as plain text too; ends in a newline.

    Raises:
        ValueError: there is no column or no metric.
    """
    names = list(dict.fromkeys(name for values in columns.values() for name in values))
    if not names:
        raise ValueError("a table needs at least one column with one metric")
    rows = [["metric", *columns]]
    for name in names:
        arrow = (directions or {}).get(name, _direction(name))
        cells = [_number(values.get(name)) for values in columns.values()]
        rows.append([f"{name} {arrow}".rstrip(), *cells])
    rows = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    widths = [max(3, *map(len, column)) for column in zip(*rows, strict=True)]
    lines = [_line(row, widths) for row in rows]
    rule = [":" + "-" * (widths[0] - 1), *("-" * (w - 1) + ":" for w in widths[1:])]
    lines.insert(1, _line(rule, widths))
    return f"## {title}\n\n" + "\n".join(lines) + "\n"


def write_metrics(
    run_folder: Path | str,
    metrics: Mapping[str, float],
    markdown: str,
    stem: str = "metrics",
) -> None:
    """Write metrics.json and metrics.md into the folder of a run.

    Args:
        run_folder: the folder; older files of these names are replaced.
        metrics: finite numbers by name; NumPy numbers are taken too.
        markdown: text for people, for example from `table`.
        stem: name of both files before their suffixes.

    Raises:
        ValueError: a value is not a finite number; nothing is written then.
        UserError: the files cannot be written.
    """
    plain = {_name(name): _plain_number(name, value) for name, value in metrics.items()}
    text = json.dumps(
        plain, indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False
    )
    for suffix, content in ((".json", text + "\n"), (".md", markdown)):
        with atomic_path(Path(run_folder) / f"{stem}{suffix}") as path:
            path.write_text(content, encoding="utf-8", newline="\n")


def _name(name: object) -> str:
    if not isinstance(name, str) or not name:
        raise ValueError(f"the name of a metric must be a text, is {name!r}")
    return name


def _plain_number(name: str, value: object) -> int | float:
    """Return `value` as Python's own int or float."""
    # bool is an int to Python, but true and false are no numbers in JSON.
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise ValueError(
            f"metric {name} must be one number, is {type(value).__name__}: {value!r}"
        )
    if isinstance(value, numbers.Integral):
        return int(value)
    if not math.isfinite(value):
        raise ValueError(f"metric {name} must be finite, is {value}")
    return float(value)


def _direction(name: str) -> str:
    """Return the arrow of a metric such as cov_iou or fid5k_local, or ""."""
    # The longest key first: pairwise_iou must not be taken for another.
    for key in sorted(_DIRECTIONS, key=len, reverse=True):
        if re.match(rf"{key}(\d+k?)?(_|$)", name):
            return _DIRECTIONS[key]
    return ""


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    if isinstance(value, numbers.Integral):
        return str(int(value))
    return f"{value:.4g}"


def _line(cells: list[str], widths: list[int]) -> str:
    """Return one row: the name to the left, the numbers to the right."""
    padded = [cells[0].ljust(widths[0])]
    padded += [cell.rjust(w) for cell, w in zip(cells[1:], widths[1:], strict=True)]
    return "| " + " | ".join(padded) + " |"
