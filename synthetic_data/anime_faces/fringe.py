"""The shape of the fringe: locks of hair that hang over the forehead."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from synthetic_data.anime_faces.parameters import Face
from synthetic_data.drawing.pen import bows, curve

_TEMPLE = (0.93, 0.05)


class Fringe(NamedTuple):
    """The lower edge of the hair over the forehead; K locks, lengths in head units.

    Attributes:
        rim: the edge, (N, 2), from the right temple to the left one.
        notches: points between neighbouring locks and at both temples, (K + 1, 2),
            from left to right.
        tips: lowest point of each lock, (K, 2); K is 0 for combed-back hair.
    """

    rim: np.ndarray
    notches: np.ndarray
    tips: np.ndarray


class _Layout(NamedTuple):
    """Start and end points of K locks.

    Attributes:
        notches: points between neighbouring locks, (K + 1, 2).
        tips: lowest points of the locks, (K, 2).
        bow: position of the Bezier control point of a lock's edges on the way from
            notch to tip, as shares of that way in x and y.
    """

    notches: np.ndarray
    tips: np.ndarray
    bow: tuple[float, float]


def make_fringe(face: Face) -> Fringe:
    """Return the fringe that `face.fringe` names.

    The irregularities `face.locks` shift notches and tips.
    """
    if face.fringe == "open":
        half = [_TEMPLE, (0.8, -0.3), (0.52, -0.6), (0.2, -0.72)]
        rim = curve([*half, (0, -0.66), *((-x, y) for x, y in half[::-1])])
        return Fringe(rim, np.empty((0, 2)), np.empty((0, 2)))
    notches, tips, bow = _LAYOUTS[face.fringe](face, np.array(face.locks))
    notches[[0, -1]] = (-_TEMPLE[0], _TEMPLE[1]), _TEMPLE

    def edge(root: np.ndarray) -> np.ndarray:
        return bows(root, root + (tips - root) * bow, tips)

    locks = np.concatenate([edge(notches[:-1]), edge(notches[1:])[-2::-1]])
    rim = locks.transpose(1, 0, 2).reshape(-1, 2)
    return Fringe(rim[::-1], notches, tips)


def _choppy(face: Face, jitter: np.ndarray) -> _Layout:
    """Lay out pointed locks of different lengths."""
    x = np.linspace(-0.9, 0.9, 6)
    middle = (x[1:] + x[:-1]) / 2 + 0.1 * face.part
    notch = -0.42 + 0.1 * jitter[6:12] + 0.25 * x * x
    notches = np.stack([x + 0.06 * jitter[:6], notch], 1)
    low = 0.02 + 0.13 * jitter[:5]
    return _Layout(
        notches, np.stack([middle + 0.1 * jitter[8:13], low], 1), (0.25, 0.6)
    )


def _blunt(face: Face, jitter: np.ndarray) -> _Layout:
    """Lay out locks that are cut straight above the eyes."""
    x = np.linspace(-0.9, 0.9, 7)
    middle = (x[1:] + x[:-1]) / 2
    notches = np.stack([x + 0.05 * jitter[:7], -0.24 + 0.06 * jitter[7:14]], 1)
    low = -0.09 + 0.025 * jitter[:6] + 0.06 * middle**2
    return _Layout(notches, np.stack([middle, low], 1), (0, 1.05))


def _parted(face: Face, jitter: np.ndarray) -> _Layout:
    """Lay out locks that fall to both sides of a parting near the middle."""
    x = np.array([-0.93, -0.6, -0.3, 0, 0.3, 0.6, 0.93])
    x += 0.2 * face.part * (1 - np.abs(x))
    notch = np.array([0, -0.3, -0.55, -0.92, -0.55, -0.3, 0]) + 0.05 * jitter[:7]
    middle = (x[1:] + x[:-1]) / 2 + np.array([-0.1, -0.2, -0.3, 0.3, 0.2, 0.1])
    low = np.array([0.3, 0.08, -0.18, -0.18, 0.08, 0.3]) + 0.07 * jitter[7:13]
    return _Layout(np.stack([x, notch], 1), np.stack([middle, low], 1), (0.45, 0.35))


def _swept(face: Face, jitter: np.ndarray) -> _Layout:
    """Lay out locks that sweep away from a parting on one side."""
    x = np.array([-0.93, -0.55, -0.2, 0.15, 0.5, 0.93])
    notch = np.array([0, -0.3, -0.42, -0.6, -0.85, 0]) + 0.05 * jitter[:6]
    lean = np.array([-0.2, -0.28, -0.3, -0.3, 0.12]) + 0.05 * jitter[6:11]
    low = np.array([0.32, 0.12, -0.02, -0.2, 0.15]) + 0.06 * jitter[:5]
    notches = np.stack([x, notch], 1)
    tips = np.stack([(x[1:] + x[:-1]) / 2 + lean, low], 1)
    if face.part > 0:
        notches, tips = notches[::-1] * (-1, 1), tips[::-1] * (-1, 1)
    return _Layout(notches, tips, (0.4, 0.45))


_LAYOUTS: dict[str, Callable[[Face, np.ndarray], _Layout]] = {
    "choppy": _choppy,
    "blunt": _blunt,
    "parted": _parted,
    "swept": _swept,
}
