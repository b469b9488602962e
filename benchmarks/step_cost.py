"""Measure how the cost of a training step grows with batch, size, width and workers.

    python -m benchmarks.step_cost --out runs/step_cost --write

The compiled step of AdversarialModel is timed over a grid of networks and batches: in
one process with all cores, in one process with one thread, and in two workers with one
thread each. A model (benchmarks/cost_model.py) is fitted to the seconds and predicts
the cost of more workers and larger networks. The folder OUT gets step_cost.json with
all seconds, tables.md and step_cost.png; --write also puts them into benchmarks/, where
the page is step_cost.md. The last line of the output is one JSON object.
"""

import dataclasses
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro
from tqdm import tqdm

from benchmarks.cost_picture import draw
from benchmarks.cost_study import Study, point_of, study
from benchmarks.cost_tables import tables
from benchmarks.step_work import CHAPTERS, Point
from common.errors import UserError
from common.files import atomic_path
from common.training.environment import describe_environment
from common.training.local_workers import end_workers, start_workers

HERE = Path(__file__).resolve().parent
# Marks on the page between which the tables are.
BEGIN = "<!-- tables: begin -->"
END = "<!-- tables: end -->"
WORKERS = 2
# Networks (size, width) and their batches, for one process with all cores.
GRID = {
    "chapter02_3dgan": [
        (32, 0.0625, (4, 16, 64)),
        (32, 0.125, (4, 16, 32)),
        (32, 0.25, (4, 8, 16, 32)),
        (32, 0.5, (2, 4, 8)),
        (32, 1.0, (1, 2)),
        (64, 0.0625, (2, 8, 16)),
        (64, 0.125, (1, 4, 8)),
        (64, 0.25, (1, 2, 4)),
    ],
    "chapter04_dcgan": [
        (32, 8, (8, 32, 64)),
        (32, 16, (4, 16, 64)),
        (32, 32, (8, 16, 32)),
        (32, 64, (4, 16)),
        (64, 8, (8, 32, 64)),
        (64, 16, (4, 16, 64)),
        (64, 32, (8, 16, 32)),
        (64, 64, (4, 8)),
        (128, 8, (4, 16, 32)),
        (128, 16, (4, 8, 16)),
    ],
}
# The same for one process with one thread. Two workers share each of these batches
# except the smallest.
WORKERS_GRID = {
    "chapter02_3dgan": [
        (32, 0.125, (4, 8, 16)),
        (32, 0.25, (4, 8, 16)),
        (32, 0.5, (2, 4, 8)),
        (64, 0.125, (1, 2, 4)),
    ],
    "chapter04_dcgan": [
        (32, 16, (16, 32, 64)),
        (32, 64, (4, 8, 16)),
        (64, 16, (8, 16, 32)),
        (64, 32, (4, 8, 16)),
    ],
}


@dataclass(frozen=True)
class Options:
    """Measure the cost of a training step, and predict what cannot be measured."""

    chapter: Literal["chapter02_3dgan", "chapter04_dcgan"] | None = None
    """Chapter whose networks are trained; both by default."""

    out: Path = Path("runs/step_cost")
    """Folder of the results."""

    measured: Path | None = None
    """File step_cost.json whose seconds are used instead of measuring again."""

    quick: bool = False
    """Measure only a few points, to see whether everything works."""

    write: bool = False
    """Put tables, picture and seconds into benchmarks/."""


def designs(chapter: str, quick: bool) -> list[list[Point]]:
    """Return three lists of a chapter's points: all cores, one thread, two workers."""
    grid, small = GRID[chapter], WORKERS_GRID[chapter]
    if quick:
        grid, small = grid[:3], small[:2]
    return [
        [Point(chapter, size, w, b) for size, w, batches in grid for b in batches],
        [
            Point(chapter, size, w, b, threads=1)
            for size, w, batches in small
            for b in batches
        ],
        [
            Point(chapter, size, w, b, workers=WORKERS, threads=1)
            for size, w, batches in small
            for b in batches[1:]
        ],
    ]


def time_in_processes(points: Sequence[Point]) -> list[dict]:
    """Time points that differ only in size, width and batch, in new processes."""
    with tempfile.TemporaryDirectory() as folder:
        to_time = Path(folder) / "points.json"
        result = Path(folder) / "result.json"
        to_time.write_text(json.dumps([dataclasses.asdict(point) for point in points]))
        program = ["-m", "benchmarks.step_cost_worker", to_time, result]
        started = start_workers(program, points[0].workers, HERE.parent)
        for status, _, messages in end_workers(started):
            if status:
                raise RuntimeError(f"a process ended with {status}: {messages[-2000:]}")
        return json.loads(result.read_text())


def measure(chapters: Sequence[str], quick: bool) -> dict:
    """Time all points; return the seconds and the machine, ready for JSON."""
    parts = [part for chapter in chapters for part in designs(chapter, quick)]
    start = time.monotonic()
    rows = [
        row for part in tqdm(parts, desc="processes") for row in time_in_processes(part)
    ]
    machine = describe_environment()
    return {
        "minutes": round((time.monotonic() - start) / 60, 1),
        "machine": {key: machine[key] for key in ("processor", "cores", "libraries")},
        "rows": rows,
    }


def read_measured(path: Path) -> dict:
    """Return the result of `measure` from a file.

    Raises:
        UserError: the file is missing, or was not written by this program.
    """
    try:
        measured = json.loads(path.read_text())
        _ = measured["machine"]["processor"], measured["minutes"]
        for row in measured["rows"]:
            _ = point_of(row), row["seconds"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"--measured must be a step_cost.json of this program, found {path}"
            f" ({type(error).__name__}); leave it out to measure"
        ) from error
    return measured


def paste(page: str, new: str) -> str:
    """Return the page with `new` between the two marks, instead of the old tables.

    Raises:
        UserError: a mark is missing.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise UserError(f"the page must have the lines {BEGIN} and {END}; add them")
    return f"{before}{BEGIN}\n\n{new}\n{END}{after}"


def write_results(options: Options, measured: dict, studies: Sequence[Study]) -> None:
    """Write the seconds, the tables and the picture."""
    text = tables(studies, measured)
    with atomic_path(options.out / "step_cost.json") as path:
        path.write_text(json.dumps(measured) + "\n")
    with atomic_path(options.out / "tables.md") as path:
        path.write_text(text)
    draw(studies, options.out / "step_cost.png")
    if options.write:
        page = HERE / "step_cost.md"
        pasted = paste(page.read_text(), text)
        with atomic_path(page) as path:
            path.write_text(pasted)
        for name in ("step_cost.json", "pictures/step_cost.png"):
            with atomic_path(HERE / name) as path:
                shutil.copyfile(options.out / Path(name).name, path)


def report(options: Options) -> dict:
    """Measure or read the seconds, fit the model, write; return the JSON object."""
    if options.quick and options.write:
        raise UserError("--write needs all points; leave out --quick")
    chapters = [options.chapter] if options.chapter else CHAPTERS
    if options.measured:
        measured = read_measured(options.measured)
        known = {row["chapter"] for row in measured["rows"]}
        chapters = [chapter for chapter in chapters if chapter in known]
        if not chapters:
            raise UserError(
                f"{options.measured} must have points of {options.chapter or CHAPTERS},"
                f" found {sorted(known) or 'none'}; leave out --measured, or --chapter"
            )
    else:
        measured = measure(chapters, options.quick)
    studies = [study(chapter, measured["rows"]) for chapter in chapters]
    write_results(options, measured, studies)
    return {s.chapter: s.summary() for s in studies} | measured["machine"]


if __name__ == "__main__":
    try:
        sys.stdout.write(json.dumps(report(tyro.cli(Options))) + "\n")
    except UserError as error:
        sys.exit(str(error))
