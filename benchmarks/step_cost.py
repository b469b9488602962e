"""What one training step costs as batch, resolution, width and workers grow.

    python -m benchmarks.step_cost --out runs/step_cost --write

Times the compiled step of AdversarialModel over a grid of networks and batches: in one
process with all cores, in one of one thread, and in two of one thread each that
train together. A model (benchmarks/cost_model.py) is fitted to the seconds and says
what more workers and larger networks would cost. OUT gets step_cost.json with all
seconds, tables.md and step_cost.png; --write puts them into benchmarks/ as well.
The page is benchmarks/step_cost.md. The last line is one JSON object.
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
from common.training.local_workers import end_workers, start_workers
from common.training.run_dir import describe_environment

HERE = Path(__file__).resolve().parent
BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"
WORKERS = 2
# Networks (size, width) and batches of one process with all cores.
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
# Those of one thread; workers have each but the smallest batch together.
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
    """Measure the cost of a training step, and model what cannot be measured."""

    chapter: Literal["chapter02_3dgan", "chapter04_dcgan"] | None = None
    """Whose networks; both by default."""

    out: Path = Path("runs/step_cost")
    """Folder of the results."""

    measured: Path | None = None
    """A step_cost.json whose seconds are taken instead of measuring again."""

    quick: bool = False
    """Only a few points, to see whether all works."""

    write: bool = False
    """Put tables, picture and seconds into benchmarks/."""


def designs(chapter: str, quick: bool) -> list[list[Point]]:
    """Return the points of each process, or pair of processes, of a chapter."""
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
    """Time points that differ in size, width and batch alone, in new processes."""
    with tempfile.TemporaryDirectory() as folder:
        asked, result = Path(folder) / "points.json", Path(folder) / "result.json"
        asked.write_text(json.dumps([dataclasses.asdict(point) for point in points]))
        program = ["-m", "benchmarks.step_cost_worker", asked, result]
        started = start_workers(program, points[0].workers, HERE.parent)
        for status, _, told in end_workers(started):
            if status:
                raise RuntimeError(f"a process ended with {status}: {told[-2000:]}")
        return json.loads(result.read_text())


def measure(chapters: Sequence[str], quick: bool) -> dict:
    """Return all seconds, and the machine, ready for JSON."""
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
    """Return what `measure` returned when the file was written.

    Raises:
        UserError: the file is missing, or none of ours.
    """
    try:
        measured = json.loads(path.read_text())
        _ = measured["machine"]["processor"], measured["minutes"]
        for row in measured["rows"]:
            _ = point_of(row), row["seconds"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"--measured must be a step_cost.json that this program wrote, found {path}"
            f" ({type(error).__name__}); leave it out to measure"
        ) from error
    return measured


def paste(page: str, new: str) -> str:
    """Return the page with `new` between its two marks.

    Raises:
        UserError: a mark is missing.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise UserError(f"the page must have the lines {BEGIN} and {END}; add them")
    return f"{before}{BEGIN}\n\n{new}\n{END}{after}"


def write_results(options: Options, measured: dict, studies: Sequence[Study]) -> None:
    """Write seconds, tables and picture."""
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
    """Measure or read, fit, write, and return the JSON object."""
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
