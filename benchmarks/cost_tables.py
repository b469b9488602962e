"""The tables of a study of the cost of a training step, in Markdown."""

import dataclasses
from collections.abc import Sequence

from benchmarks.cost_model import Network
from benchmarks.cost_study import Study, share_of, work_of
from benchmarks.step_work import Point

# Seconds that a message between two machines in one room takes in addition to its time
# on the loopback; assumed, not measured.
LATENCY = 50e-6
# Speeds of the network between workers, in Gbit/s.
GBITS = (1, 10, 100)
WORKERS = (1, 4, 8, 16, 64)
# Speeds of a worker, in threads of this machine: like one thread, like an accelerator.
SPEEDS = (1, 100)
# Batch of all workers for strong scaling, and of each worker for weak scaling.
STRONG_BATCH = 128
WEAK_BATCH = 16
# Size and width of the paper's networks.
PAPER = {"chapter02_3dgan": (64, 1.0), "chapter04_dcgan": (64, 128)}
# Option that sets the width.
WIDTHS = {"chapter02_3dgan": "--width", "chapter04_dcgan": "--filters"}
# Size, width and batch of networks that are too large to be measured here.
LARGER = {
    "chapter02_3dgan": [
        (64, 0.5, 16),
        (64, 1.0, 100),
        (128, 0.25, 4),
        (128, 0.25, 16),
        (128, 1.0, 100),
    ],
    "chapter04_dcgan": [
        (256, 8, 16),
        (256, 16, 16),
        (512, 8, 16),
        (512, 16, 16),
        (64, 128, 128),
        (128, 128, 128),
    ],
}
TITLES = {
    "chapter02_3dgan": "Chapter 2: volumes",
    "chapter04_dcgan": "Chapter 4: images",
}


def tables(studies: Sequence[Study], measured: dict) -> str:
    """Return all tables; `measured` is the content of step_cost.json."""
    machine = measured["machine"]
    libraries = machine["libraries"]
    parts = [
        f"Measured in {measured['minutes']:g} minutes on {machine['cores']} cores of "
        f"{machine['processor']}, TensorFlow {libraries['tensorflow']}, float32."
    ]
    for study in studies:
        parts += [
            f"## {TITLES[study.chapter]}",
            errors_table(study),
            coefficients_table(study),
            points_table(study),
            workers_table(study),
            beyond_workers_table(study),
            beyond_size_table(study),
        ]
    return "\n\n".join(parts) + "\n"


def errors_table(study: Study) -> str:
    """Return the table of the models' errors."""
    fits = {
        "one process, all cores": study.machine,
        "one process, one thread": study.thread,
        "two workers": study.pair,
    }
    rows = []
    for name, fit in fits.items():
        cells = [name, str(len(fit.points))]
        for errors in fit.errors.values():
            cells += [f"{errors.median:.0%}", f"{errors.largest:.0%}"]
        rows.append(cells)
    chain = study.chain_errors
    name = "two workers, each one's share modelled too"
    cells = [name, str(len(study.pair.points))]
    cells += [f"{chain.median:.0%}", f"{chain.largest:.0%}", "-", "-", "-", "-"]
    rows.append(cells)
    heads = ["model of", "points"]
    for how in ("fitted", "leave one out", "slower half from faster"):
        heads += [f"{how}: median", "largest"]
    return titled("Errors of the model on measured points", heads, rows)


def coefficients_table(study: Study) -> str:
    """Return the table of the fitted coefficients, in units that can be read."""
    heads = ["one process", "fixed", "multiply-adds", "values in maps", "weights"]
    rows = []
    for name, fit in (("all cores", study.machine), ("one thread", study.thread)):
        fixed, *others = fit.coefficients
        rows.append([name, f"{1e3 * fixed:.1f} ms", *map(_rate, others)])
    cost = study.exchange
    bits = f"{8e-9 / cost.per_byte:.3g} Gbit/s" if cost.per_byte else "no cost found"
    return (
        titled("Fitted: the cost of each part of a step", heads, rows)
        + f"\n\nTwo workers: {1e6 * cost.latency:.0f} µs per message; speed of the "
        f"loopback: {bits}; slowdown by training together: {cost.slowdown:.0%}. "
        f"Measured spread of the steps of one thread: {cost.spread:.1%}."
    )


def points_table(study: Study) -> str:
    """Return the table of measured and modelled seconds of one process."""
    heads = ["size", WIDTHS[study.chapter], "batch", "10^9 multiply-adds", "threads"]
    heads += ["measured ms", "modelled ms", "error"]
    rows = []
    for fit in (study.machine, study.thread):
        for point, seconds, guess in zip(
            fit.points, fit.seconds, fit.predicted, strict=True
        ):
            work = work_of(point).multiply_adds * point.batch
            cells = [str(point.size), f"{point.width:g}", str(point.batch)]
            cells += [f"{work / 1e9:.2f}", str(point.threads or "all")]
            rows.append(cells + _compared(seconds, guess))
    return folded(titled("Measured: one process", heads, rows), "one process")


def workers_table(study: Study) -> str:
    """Return the table of two workers, measured and modelled."""
    heads = ["size", WIDTHS[study.chapter], "batch", "MB exchanged", "one process ms"]
    heads += ["two workers ms", "modelled ms", "error", "strong", "weak"]
    fit, rows = study.pair, []
    for point, seconds, guess in zip(
        fit.points, fit.seconds, fit.predicted, strict=True
    ):
        whole = study.seconds[dataclasses.replace(point, workers=1)]
        part = study.seconds[share_of(point)]
        cells = [str(point.size), f"{point.width:g}", str(point.batch)]
        cells += [f"{4e-6 * work_of(point).exchanged:.1f}", f"{1e3 * whole:.1f}"]
        strong = whole / (point.workers * seconds)
        cells += _compared(seconds, guess) + [f"{strong:.0%}", f"{part / seconds:.0%}"]
        rows.append(cells)
    title = (
        "Measured: two workers with one thread each, compared with one process with "
        "one thread"
    )
    return titled(title, heads, rows)


def beyond_workers_table(study: Study) -> str:
    """Return the table of modelled seconds and efficiencies of more workers."""
    size, width = PAPER[study.chapter]
    heads = ["scaling", "workers", "speed of each", "batch"]
    heads += [f"{rate} Gbit/s" for rate in GBITS]
    rows = []
    for speed in SPEEDS:
        name = "1 thread" if speed == 1 else f"{speed} threads"
        for workers in WORKERS:
            strong = Point(study.chapter, size, width, STRONG_BATCH, workers, 1)
            weak = dataclasses.replace(strong, batch=WEAK_BATCH * workers)
            for kind, point, reference in (
                ("strong", strong, dataclasses.replace(strong, workers=1)),
                ("weak", weak, share_of(weak)),
            ):
                cells = [kind, str(workers), name, str(point.batch)]
                for gbits in GBITS:
                    seconds, use = efficiency(study, point, reference, gbits, speed)
                    cells.append(f"{seconds:.3g} s, {use:.0%}")
                rows.append(cells)
    rows.sort(key=lambda row: row[0])
    title = (
        f"Modelled, not measured: more workers; size {size}, "
        f"{WIDTHS[study.chapter]} {width:g} as in the paper; "
        f"{4e-6 * work_of(point).exchanged:.0f} MB exchanged"
    )
    return titled(title, heads, rows)


def efficiency(
    study: Study, point: Point, reference: Point, gbits: float, speed: float = 1.0
) -> tuple[float, float]:
    """Return the modelled seconds of a step and its parallel efficiency.

    Args:
        study: study whose model is used.
        point: step with several workers.
        reference: step of one worker with the whole batch (strong scaling), or with one
            worker's share of it (weak scaling).
        gbits: speed of the network between workers, Gbit/s.
        speed: speed of a worker, in threads of this machine.

    Returns:
        Seconds of a step, and each worker's items per second as a share of the
        reference's.
    """
    network = Network(gbits * 1e9, LATENCY)
    seconds = study.together(point, network, speed)
    alone = study.together(reference, network, speed)
    return seconds, (point.share / seconds) / (reference.batch / alone)


def beyond_size_table(study: Study) -> str:
    """Return the table of larger networks, modelled, in one process with all cores."""
    heads = [
        "size",
        WIDTHS[study.chapter],
        "batch",
        "10^9 multiply-adds",
        "10^6 weights",
    ]
    heads += ["times the largest measured", "modelled s"]
    known = max(work_of(p).multiply_adds * p.batch for p in study.machine.points)
    rows = []
    for size, width, batch in LARGER[study.chapter]:
        point = Point(study.chapter, size, width, batch)
        work = work_of(point)
        amount = work.multiply_adds * batch
        cells = [str(size), f"{width:g}", str(batch), f"{amount / 1e9:.3g}"]
        cells += [f"{work.weights / 1e6:.3g}", f"{amount / known:.2g}"]
        rows.append([*cells, f"{study.alone(point, batch):.2g}"])
    return titled("Modelled, not measured: larger networks, all cores", heads, rows)


def titled(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a right-aligned Markdown table under a heading."""
    lines = [heads, ["---:"] * len(heads), *rows]
    return f"### {title}\n\n" + "\n".join("| " + " | ".join(r) + " |" for r in lines)


def folded(text: str, name: str) -> str:
    """Return Markdown that a page shows only after a click."""
    return f"<details><summary>All points: {name}</summary>\n\n{text}\n\n</details>"


def _compared(seconds: float, guess: float) -> list[str]:
    return [f"{1e3 * seconds:.1f}", f"{1e3 * guess:.1f}", f"{guess / seconds - 1:+.0%}"]


def _rate(seconds: float) -> str:
    return f"{1e-9 / seconds:.3g} · 10^9 / s" if seconds else "no cost found"
