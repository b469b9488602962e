"""Compare the projection of study_von with others: images a second, and memory.

    python -m benchmarks.projection

The forms, all at the same rays, samples and volumes:
  separable  projection.project: steps along one axis each, and a gradient written out
  lookup     projection.project_by_lookup: one trilinear lookup for each sample, and the
             same compositing
  naive      the equations as they stand: one lookup of eight corners for each sample,
             tf.math.cumprod, and the gradients of automatic differentiation
  torch      the same with PyTorch's grid_sample and cumprod, where PyTorch is installed

The table goes to stderr; the output is one JSON object. ratio_naive, ratio_lookup and
ratio_torch say how many times as fast the separable form is as these, forward and
backward at 32^3, 64^2 and a batch of 8. At 128^3 each form would take minutes;
only the separable one runs, in a process of its own whose peak memory counts.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
import tyro

from benchmarks.image_loading import in_own_process, peak_mb
from benchmarks.timing import take_turns
from common.training.environment import describe_environment
from study_von import projection

try:
    import torch
except ImportError:
    torch = None


@dataclass(frozen=True)
class Options:
    """Compare forms of the projection from volumes to silhouette and depth."""

    batch_size: int = 8
    """Volumes in a batch at 32^3."""

    rounds: int = 5
    """Rounds of measurements."""

    calls: int = 2
    """Projections of each form in one round."""


@dataclass(frozen=True)
class Case:
    """The size of a projection: batch, edges of volume and image, samples of a ray."""

    batch: int
    size: int
    pixels: int
    samples: int

    def inputs(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return volumes (B, S, S, S) in [0, 1], azimuths and elevations (B,)."""
        rng = np.random.default_rng(0)
        volumes = np.zeros((self.batch, *[self.size] * 3), np.float32)
        # A box that fills a part of the cube, with values that are not limited.
        inner = slice(self.size // 4, 3 * self.size // 4)
        edge = 3 * self.size // 4 - self.size // 4
        volumes[:, inner, inner, inner] = rng.uniform(0.1, 0.9, (edge,) * 3)
        azimuth = np.linspace(10, 350, self.batch, dtype=np.float32)
        return volumes, azimuth, np.linspace(5, 40, self.batch, dtype=np.float32)


def naive(
    voxels: tf.Tensor,
    azimuth: tf.Tensor,
    elevation: tf.Tensor,
    pixels: int,
    samples: int,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return silhouette and depth by the equations of `projection` as they stand."""
    points = projection.rotations(azimuth, elevation) @ rays(pixels, samples).T
    values = projection.trilinear(voxels[..., None], tf.transpose(points, (0, 2, 1)))
    occupied = tf.reshape(values, (-1, samples, pixels, pixels))
    least = projection.LEAST
    occupied = tf.clip_by_value(occupied, least, 1 - least)
    passing = tf.math.cumprod(1 - occupied, axis=1)
    before = tf.math.cumprod(1 - occupied, axis=1, exclusive=True)
    stops = occupied * before
    depths = tf.linspace(projection.NEAR, projection.FAR, samples)
    depth = tf.einsum("bkrc,k->brc", stops, depths) + projection.FAR * passing[:, -1]
    return tf.reduce_sum(stops, axis=1), depth


def rays(pixels: int, samples: int) -> np.ndarray:
    """Return all samples in the camera's axes, float32 (n * H * H, 3)."""
    depths = projection.sample_depths(samples)[:, None, None]
    slopes = projection.sensor_slopes(pixels)
    across, up = depths * slopes, depths * slopes[:, None]
    ahead = depths - projection.DISTANCE
    return np.stack(np.broadcast_arrays(ahead, across, up), axis=-1).reshape(-1, 3)


def tensorflow_work(form: Callable, case: Case, backward: bool) -> Callable[[], object]:
    """Return a function that projects once and waits for the result."""
    volumes, azimuth, elevation = map(tf.constant, case.inputs())

    @tf.function
    def work(volumes: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(volumes)
            images = form(volumes, azimuth, elevation, case.pixels, case.samples)
            total = tf.add_n([tf.reduce_sum(image**2) for image in images])
        return tape.gradient(total, volumes) if backward else total

    return lambda: work(volumes).numpy()


def torch_work(case: Case, backward: bool) -> Callable[[], object]:
    """Return the same as `tensorflow_work` for PyTorch's grid_sample."""
    volumes, azimuth, elevation = case.inputs()
    turn = projection.rotations(azimuth, elevation).numpy()
    points = rays(case.pixels, case.samples) @ turn.transpose(0, 2, 1)
    # grid_sample's positions are in the reversed order of the axes.
    shape = (case.batch, case.samples, case.pixels, case.pixels, 3)
    grid = torch.from_numpy(points[..., ::-1].reshape(shape).copy())
    volumes = torch.from_numpy(volumes)[:, None].requires_grad_(backward)
    depths = torch.linspace(projection.NEAR, projection.FAR, case.samples)

    def work() -> object:
        values = torch.nn.functional.grid_sample(volumes, grid, align_corners=True)
        occupied = values[:, 0].clamp(projection.LEAST, 1 - projection.LEAST)
        passing = torch.cumprod(1 - occupied, 1)
        before = torch.cat([torch.ones_like(passing[:, :1]), passing[:, :-1]], 1)
        stops = occupied * before
        depth = (stops * depths[:, None, None]).sum(1) + projection.FAR * passing[:, -1]
        total = (stops.sum(1) ** 2).sum() + (depth**2).sum()
        if not backward:
            return total.item()
        return torch.autograd.grad(total, volumes)[0].numpy()

    return work


def forms(case: Case, backward: bool) -> dict[str, Callable[[], object]]:
    """Return the work of each form by name."""
    works = {
        "separable": tensorflow_work(projection.project, case, backward),
        "lookup": tensorflow_work(projection.project_by_lookup, case, backward),
        "naive": tensorflow_work(naive, case, backward),
    }
    if torch is not None:
        works["torch"] = torch_work(case, backward)
    return works


def parts(case: Case) -> dict[str, Callable[[], object]]:
    """Return the work of the steps up to each one, forward and backward, by name."""
    volumes, azimuth, elevation = map(tf.constant, case.inputs())

    def turn(x: tf.Tensor) -> tf.Tensor:
        return projection.turn(x, azimuth)

    def tilt(x: tf.Tensor) -> tf.Tensor:
        return projection.tilt(x, elevation)

    def look_up_rows(x: tf.Tensor) -> tf.Tensor:
        return projection.look_up_rows(x, case.pixels, case.samples)

    steps = (turn, tilt, look_up_rows, projection.composite)
    works, values = {}, volumes
    for step in steps:
        works[step.__name__] = _work_of(step, values)
        values = step(values)
    return works


def _work_of(step: Callable, values: tf.Tensor) -> Callable[[], object]:
    """Return a function that runs one step and its gradient."""

    @tf.function
    def work(values: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(values)
            total = tf.add_n(
                [tf.reduce_sum(x**2) for x in tf.nest.flatten(step(values))]
            )
        return tf.reduce_sum(tape.gradient(total, values))

    return lambda: work(values).numpy()


def at_128(backward: bool) -> dict[str, float]:
    """Return images a second at 128^3, 128^2, 320 samples, and the peak MB."""
    case = Case(4, 128, 128, 320)
    work = tensorflow_work(projection.project, case, backward)
    seconds = take_turns({"separable": work}, 2, 1)["separable"]
    return {
        "images_per_second": round(case.batch / seconds, 2),
        "peak_mb": round(peak_mb()),
    }


def report(options: Options) -> dict:
    """Measure all forms and return the JSON object."""
    # First, because the peak memory of a new process is at least this one's.
    large = {}
    for name, backward in (("forward", False), ("forward_backward", True)):
        large[name] = in_own_process(at_128, backward)
    case = Case(options.batch_size, 32, 64, 48)
    rates, seconds = {}, {}
    for name, backward in (("forward", False), ("forward_backward", True)):
        seconds = take_turns(forms(case, backward), options.rounds, options.calls)
        rates[name] = {form: round(case.batch / s, 1) for form, s in seconds.items()}
    own = seconds["separable"]
    ratios = {
        f"ratio_{form}": round(seconds[form] / own, 2) if form in seconds else None
        for form in ("naive", "lookup", "torch")
    }
    of_parts = take_turns(parts(case), options.rounds, options.calls)
    total = sum(of_parts.values())
    shares = {name: round(part / total, 2) for name, part in of_parts.items()}
    sys.stderr.write(tabulate(rates, shares, large))
    machine = describe_environment()
    facts = {key: machine[key] for key in ("processor", "cores", "devices")}
    found = {"images_per_second": rates, "shares": shares, "at_128": large}
    return ratios | found | {"batch_size": case.batch} | facts


def tabulate(rates: dict, shares: dict, large: dict) -> str:
    """Return the results as a text of Markdown tables."""
    lines = [
        "| form, 32^3 to 64^2 | forward | forward and backward |",
        "|---|---:|---:|",
    ]
    for form in rates["forward"]:
        cells = [str(rates[name][form]) for name in rates]
        lines.append(f"| {form} | {' | '.join(cells)} |")
    lines += ["", "Images a second. Shares of the separable form's steps: "]
    lines[-1] += ", ".join(f"{name} {share}" for name, share in shares.items()) + "."
    for name, found in large.items():
        lines.append(
            f"128^3 to 128^2, {name}: {found['images_per_second']} images a second, "
            f"peak memory {found['peak_mb']} MB."
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(json.dumps(report(tyro.cli(Options))) + "\n")
