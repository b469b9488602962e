"""Compare time and memory of opening a folder of images with the book's loop.

    python -m benchmarks.image_loading --counts 1000 4000 16000

Folders of random smooth JPEG files of 96 x 96 pixels are opened at 64 x 64 pixels:
  first     ImageStore.open without a cache: all files are decoded
  second    ImageStore.open with the cache
  plain     one file at a time, appended to an array of float64 with np.concatenate, as
            books write it; only for the smallest folder
Each opening has a process of its own. The growth of memory is the increase of the
largest resident size during the opening. The last line of the output is one JSON
object.
"""

import json
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tyro
from PIL import Image

from common.images.square_store import ImageStore
from common.training.environment import describe_environment

# Edges of the files and of the images in the store, pixels.
SIDE = 96
SIZE = 64
# Linux counts in units of 1024 bytes, macOS in bytes.
RSS_UNIT_MB = 1e-6 if sys.platform == "darwin" else 1.024e-3


@dataclass(frozen=True)
class Options:
    """Measure how time and memory grow with the number of images."""

    counts: tuple[int, ...] = (1000, 4000, 16000)
    """Numbers of images."""

    memory_mb: float = 16
    """More decoded images than this many MB are memory-mapped from the cache."""

    threads: int | None = None
    """Threads that decode; by default one per core, at most 8."""


def write_images(folder: Path, count: int) -> None:
    """Write smooth JPEG images: 8 x 8 random colours, enlarged."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for i in range(count):
        colours = Image.fromarray(rng.integers(0, 256, (8, 8, 3), np.uint8))
        image = colours.resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        image.save(folder / f"{i:06}.jpg", quality=90)


def open_store(folder: Path, cache: Path, options: Options) -> dict[str, float]:
    """Open a store and return the cost; see `cost`."""
    return cost(
        lambda: ImageStore.open(
            folder,
            SIZE,
            memory_mb=options.memory_mb,
            cache_dir=cache,
            threads=options.threads,
        )
    )


def open_plainly(folder: Path) -> dict[str, float]:
    """Read a folder with the book's loop and return the cost; see `cost`."""

    def read_all() -> np.ndarray:
        images = np.empty((0, SIZE, SIZE, 3))
        for path in sorted(folder.iterdir()):
            with Image.open(path) as file:
                image = file.convert("RGB").resize((SIZE, SIZE))
            pixels = np.asarray(image, np.float64)
            images = np.concatenate([images, pixels[None]])
        return images

    return cost(read_all)


def cost(work: Callable[[], object]) -> dict[str, float]:
    """Call a function; return seconds, CPU seconds of all cores, and MB of memory."""
    before = peak_mb()
    start = time.perf_counter()
    cpu_start = time.process_time()
    # The result is kept, so that the time does not include its release.
    kept = work()
    seconds = time.perf_counter() - start
    cpu_seconds = time.process_time() - cpu_start
    del kept
    return {
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "growth_mb": peak_mb() - before,
    }


def peak_mb() -> float:
    """Return the largest resident size of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * RSS_UNIT_MB


def in_own_process(work: Callable, *arguments: object) -> dict[str, float]:
    """Call a function in a new process, so that its memory is measured alone."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        return pool.submit(work, *arguments).result()


def measure(count: int, options: Options, with_plain: bool) -> dict[str, float]:
    """Write a folder of images and return the costs of opening it."""
    with tempfile.TemporaryDirectory() as place:
        folder, cache = Path(place) / "images", Path(place) / "cache"
        in_own_process(write_images, folder, count)
        costs = {
            name: in_own_process(open_store, folder, cache, options)
            for name in ("first", "second")
        }
        if with_plain:
            costs["plain"] = in_own_process(open_plainly, folder)
    found = {
        f"{name}_{key}": value
        for name, each in costs.items()
        for key, value in each.items()
    }
    return {"images": count, "images_per_s": count / found["first_seconds"]} | found


def report(options: Options) -> dict:
    """Measure each count, print a line for each and return the JSON object."""
    counts = sorted(options.counts)
    rows: list[dict[str, float]] = []
    for count in counts:
        row = measure(count, options, with_plain=count == counts[0])
        rows.append(row)
        for key in ("seconds", "cpu_seconds"):
            smallest = rows[0][f"first_{key}"] / counts[0]
            row[f"ratio_{key}_per_image"] = row[f"first_{key}"] / count / smallest
        line = ", ".join(f"{key} {value:.4g}" for key, value in row.items())
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
    result = {
        "rows": [{k: round(v, 4) for k, v in row.items()} for row in rows],
        "ratio_plain": round(rows[0]["plain_seconds"] / rows[0]["first_seconds"], 2),
    }
    # Last, because it loads TensorFlow: a process may inherit the peak of its parent.
    machine = describe_environment()
    return result | {key: machine[key] for key in ("processor", "cores")}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(report(tyro.cli(Options))) + "\n")
