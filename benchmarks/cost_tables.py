"""The study of a step's cost as Markdown."""

import dataclasses
from collections.abc import Sequence

from benchmarks.cost_model import Network
from benchmarks.cost_study import Study, share_of, work_of
from benchmarks.step_work import Point

# Between two machines of one room, beyond the loopback's own; assumed, not measured.
LATENCY = 50e-6
GBITS = (1, 10, 100)
WORKERS = (1, 4, 8, 16, 64)
# This machine's thread, and what computes as fast as an accelerator might.
SPEEDS = (1, 100)
# Items in all, and the width of the paper's networks.
STRONG_BATCH, WEAK_BATCH = 128, 16
PAPER = {"chapter02_3dgan": (64, 1.0), "chapter04_dcgan": (64, 128)}
WIDTHS = {"chapter02_3dgan": "--width", "chapter04_dcgan": "--filters"}
# Size, width and batch that were too large to be measured here.
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
    """Return all tables; `measured` is what step_cost.json holds."""
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
    """Return how far the models are from what was measured."""
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
    cells = ["two workers, their own part modelled too", str(len(study.pair.points))]
    cells += [f"{chain.median:.0%}", f"{chain.largest:.0%}", *["-"] * 4]
    rows.append(cells)
    heads = ["model of", "points"]
    for how in ("fitted", "each left out", "larger half from smaller"):
        heads += [f"{how}: median", "largest"]
    return titled("Errors of the model on what was measured", heads, rows)


def coefficients_table(study: Study) -> str:
    """Return what the fitted coefficients mean."""
    heads = ["one process", "fixed", "multiply-adds", "numbers of maps", "weights"]
    rows = []
    for name, fit in (("all cores", study.machine), ("one thread", study.thread)):
        fixed, *others = fit.coefficients
        rows.append([name, f"{1e3 * fixed:.1f} ms", *map(_rate, others)])
    cost = study.exchange
    bits = f"{8e-9 / cost.per_byte:.3g} Gbit/s" if cost.per_byte else "no cost found"
    return (
        titled("Fitted: what a step pays for", heads, rows)
        + f"\n\nTwo workers: {1e6 * cost.latency:.0f} µs a message; bytes over the "
        f"loopback: {bits}; {cost.slowdown:.0%} lost by training together. Measured "
        f"spread of a thread's steps: {cost.spread:.1%}."
    )


def points_table(study: Study) -> str:
    """Return the measured and the modelled seconds of one process."""
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
    """Return what two workers gain, measured and modelled."""
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
        "Measured: two workers of one thread each, against one process of one thread"
    )
    return titled(title, heads, rows)


def beyond_workers_table(study: Study) -> str:
    """Return modelled seconds and efficiencies of more workers."""
    size, width = PAPER[study.chapter]
    heads = ["scaling", "workers", "each as fast as", "batch"]
    heads += [f"{rate} Gbit/s" for rate in GBITS]
    rows = []
    for speed in SPEEDS:
        name = "this thread" if speed == 1 else f"{speed} of these threads"
        for workers in WORKERS:
            strong = Point(study.chapter, size, width, STRONG_BATCH, workers, 1)
            weak = dataclasses.replace(strong, batch=WEAK_BATCH * workers)
            for kind, point, reference in (
                ("strong", strong, dataclasses.replace(strong, workers=1)),
                ("weak", weak, share_of(weak)),
            ):
                cells = [kind, str(workers), name, str(point.batch)]
                for gbits in GBITS:
                    told = efficiency(study, point, reference, gbits, speed)
                    cells.append("{:.3g} s, {:.0%}".format(*told))
                rows.append(cells)
    rows.sort(key=lambda row: row[0])
    title = (
        f"Modelled, not measured: more workers; size {size}, "
        f"{WIDTHS[study.chapter]} {width:g} as the paper's; "
        f"{4e-6 * work_of(point).exchanged:.0f} MB exchanged"
    )
    return titled(title, heads, rows)


def efficiency(
    study: Study, point: Point, reference: Point, gbits: float, speed: float = 1.0
) -> tuple[float, float]:
    """Return modelled seconds of a step, and the use that is made of its workers.

    Args:
        study: whose model.
        point: of several workers.
        reference: one worker with the whole batch (strong scaling), or with what is
            each one's part of it (weak scaling).
        gbits: that move between workers in a second.
        speed: of a worker, in threads of this machine.

    Returns:
        Seconds, and a worker's items a second as a share of the reference's.
    """
    network = Network(gbits * 1e9, LATENCY)
    seconds = study.together(point, network, speed)
    alone = study.together(reference, network, speed)
    return seconds, (point.share / seconds) / (reference.batch / alone)


def beyond_size_table(study: Study) -> str:
    """Return modelled seconds of larger networks in one process of all cores."""
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
    """Return a Markdown table with numbers to the right, under a heading."""
    lines = [heads, ["---:"] * len(heads), *rows]
    return f"### {title}\n\n" + "\n".join("| " + " | ".join(r) + " |" for r in lines)


def folded(text: str, name: str) -> str:
    """Return Markdown that a page shows on a click."""
    return f"<details><summary>All points: {name}</summary>\n\n{text}\n\n</details>"


def _compared(seconds: float, guess: float) -> list[str]:
    return [f"{1e3 * seconds:.1f}", f"{1e3 * guess:.1f}", f"{guess / seconds - 1:+.0%}"]


def _rate(seconds: float) -> str:
    return f"{1e-9 / seconds:.3g} · 10^9 / s" if seconds else "no cost found"
