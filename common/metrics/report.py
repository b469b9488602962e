"""Results of an evaluation: a table for people and a JSON file for programs."""

import json
import math
import numbers
import re
from collections.abc import Mapping
from pathlib import Path

from common.files import atomic_path

# Which way is better, by the beginning of a metric's name.
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
    "ap": "↑",
    "pairwise_iou": "→ reference",
    "occupancy": "→ reference",
    "nearest_training_ratio": "→ 1",
    "nearest_training_share": "→ 0.01",
}


def table(
    title: str,
    columns: Mapping[str, Mapping[str, float]],
    directions: Mapping[str, str] | None = None,
) -> str:
    """Return results as an aligned Markdown table.

    Each row is a metric, in the order of first appearance in the columns. An arrow
    shows which way is better: ↑ up, ↓ down, → towards a value.

    Args:
        title: heading above the table.
        columns: for each column heading, such as "this run", the value of each
            metric by its name. A missing metric is shown as a dash.
        directions: arrows by full names of metrics, in addition to the built-in ones
            or in place of them; "" for no arrow.

    Returns:
        Markdown that is also easy to read as plain text; ends in a newline.

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
        run_folder: folder of the run; existing files of these names are replaced.
        metrics: finite numbers by the names of the metrics; NumPy numbers are
            allowed.
        markdown: text for people, for example from `table`.
        stem: name of both files without their suffixes.

    Raises:
        ValueError: a value is not a finite number, or a name is not a text; in that
            case nothing is written.
        UserError: the files cannot be written.
    """
    plain = {_name(name): _plain_number(name, value) for name, value in metrics.items()}
    text = json.dumps(
        plain, indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False
    )
    for suffix, content in ((".json", text + "\n"), (".md", markdown)):
        with atomic_path(Path(run_folder) / f"{stem}{suffix}") as path:
            # A name of a folder may be no UTF-8. This is also JSON's way to write it.
            path.write_text(content, "utf-8", "backslashreplace", "\n")


def _name(name: object) -> str:
    if not isinstance(name, str) or not name:
        raise ValueError(
            f"the name of a metric must be a non-empty string, is {name!r}"
        )
    return name


def _plain_number(name: str, value: object) -> int | float:
    """Return `value` as Python's own int or float."""
    # In Python bool is a kind of int, but in JSON true and false are not numbers.
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
    # Try the longest key first, in case one key is the beginning of another.
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
    """Return one table row, with the name aligned left and the numbers right."""
    padded = [cells[0].ljust(widths[0])]
    padded += [cell.rjust(w) for cell, w in zip(cells[1:], widths[1:], strict=True)]
    return "| " + " | ".join(padded) + " |"
