"""Pictures of shapes by a renderer, from known viewpoints; no network takes part.

`test` trains and checks a reader of viewpoints on them; see `pose_regression`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from common.images.pixels import on_white
from synthetic_data.drawing.pool import run_jobs
from synthetic_data.photographs.objects import photograph, prepare_object

# For up to this many pictures, starting more processes takes longer than drawing.
ALONE = 200


class Renders(NamedTuple):
    """Pictures of shapes in random colours and light.

    Attributes:
        images: uint8 (N, H, H, 3), on white.
        azimuths: degrees (N,).
        elevations: degrees (N,).
    """

    images: np.ndarray
    azimuths: np.ndarray
    elevations: np.ndarray


class _Job(NamedTuple):
    """Pictures of one shape, which one process draws."""

    bits: bytes
    edge: int
    azimuths: Sequence[float]
    elevations: Sequence[float]
    size: int
    seed: tuple[int, int]


def render(
    shapes: np.ndarray,
    azimuths: np.ndarray,
    elevations: np.ndarray,
    size: int,
    seed: int = 0,
) -> Renders:
    """Draw shapes, each from several viewpoints, in several processes.

    Args:
        shapes: bool (N, S, S, S), none of them empty.
        azimuths: degrees (N, K).
        elevations: degrees (N, K).
        size: edge of the pictures in pixels, H.
        seed: seed of colours and light.

    Returns:
        N K pictures, those of a shape one after another.
    """
    jobs = [
        _Job(
            np.packbits(shape).tobytes(),
            len(shape),
            azimuths[number].tolist(),
            elevations[number].tolist(),
            size,
            (seed, number),
        )
        for number, shape in enumerate(shapes)
    ]
    images = run_jobs(
        _draw,
        jobs,
        total=azimuths.size,
        title="rendering",
        processes=1 if azimuths.size <= ALONE else None,
    )
    return Renders(np.stack(images), azimuths.ravel(), elevations.ravel())


def _draw(job: _Job) -> list[np.ndarray]:
    """Return the pictures of one shape, uint8 (H, H, 3) each."""
    bits = np.unpackbits(np.frombuffer(job.bits, np.uint8), count=job.edge**3)
    scene = prepare_object(bits.astype(bool).reshape((job.edge,) * 3))
    rng = np.random.default_rng(job.seed)
    pictures = [
        photograph(scene, azimuth, elevation, job.size, rng)
        for azimuth, elevation in zip(job.azimuths, job.elevations, strict=True)
    ]
    return [on_white(picture[..., :3], picture[..., 3:]) for picture in pictures]
