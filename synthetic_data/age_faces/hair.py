"""Drawing hair: the part behind the head and the part above the forehead."""

from typing import NamedTuple

import numpy as np
from scipy import ndimage

from synthetic_data.age_faces.ageing import Looks
from synthetic_data.drawing.canvas import Canvas, Layer, blob, noise, planes
from synthetic_data.drawing.pen import curve, ellipse, mirrored


class _Style(NamedTuple):
    """A hairstyle; lengths in head units.

    Attributes:
        top, side: thickness of the hair above and beside the skull.
        low: y at which the hair beside the face ends.
        front: shape of the hairline at the forehead, a key of `_hairline`'s table.
        back: y at which the hair behind the head ends, 0 if none is visible.
        curl: size of the curls, 0 for none.
        wave: size of the waves, 0 for none.
    """

    top: float
    side: float
    low: float
    front: str
    back: float = 0
    curl: float = 0
    wave: float = 0


_STYLES = {
    "buzz": _Style(0.03, 0.02, 0.0, "open"),
    "side_part": _Style(0.11, 0.06, 0.1, "side"),
    "quiff": _Style(0.17, 0.03, 0.02, "up"),
    "pixie": _Style(0.1, 0.06, 0.22, "fringe"),
    "curly": _Style(0.19, 0.14, 0.2, "open", 0, 0.055),
    "afro": _Style(0.24, 0.33, 0.28, "open", 0.5, 0.04),
    "bob": _Style(0.1, 0.14, 0.78, "fringe", 0.8),
    "long": _Style(0.09, 0.11, 1.7, "curtain", 1.75),
    "wavy": _Style(0.14, 0.19, 1.4, "side", 1.45, 0, 0.06),
    "bun": _Style(0.06, 0.03, 0.05, "open"),
}


def draw_back_hair(canvas: Canvas, looks: Looks) -> None:
    """Draw the hair that is visible behind the head."""
    style = _STYLES[looks.who.style]
    if looks.who.style == "bun":
        knot = canvas.mask(ellipse(0, -1.04, 0.27, 0.22))
        canvas.paint(knot, _colours(canvas, knot, looks, style) * 0.85)
    if style.back:
        side = looks.cheek + style.side + 0.02
        right = [
            (0, -1),
            (0.8 * side, -0.7),
            (side, 0),
            (side + 0.02, 0.6 * style.back),
        ]
        end = 0.68 if style.curl else 0.92
        right += [(end * side, style.back), (0.5 * side, style.back + 0.04)]
        edge = curve([*right, *mirrored(right[:0:-1], -1)], closed=True)
        layer = canvas.mask(_ruffled(edge, style))
        canvas.paint(layer, _colours(canvas, layer, looks, style) * 0.6)


def draw_front_hair(canvas: Canvas, looks: Looks) -> None:
    """Draw the hair on the head and its shadow on the forehead."""
    style = _STYLES[looks.who.style]
    layer = _thinned(canvas, canvas.mask(_cap(looks, style), blur=0.008), looks)
    shadow = ndimage.shift(layer.alpha, (0.05 * canvas.unit, 0), order=1)
    shadow = ndimage.gaussian_filter(shadow, 0.03 * canvas.unit)
    canvas.shade(layer._replace(alpha=shadow), (0.84, 0.77, 0.75))
    opacity = 0.86 if looks.who.style == "buzz" else 1
    canvas.paint(layer, _colours(canvas, layer, looks, style), opacity)


def _cap(looks: Looks, style: _Style) -> np.ndarray:
    """Return the outline of the hair in front of the head, (N, 2)."""
    grown = 1 + 0.22 * looks.who.volume - 0.15 * looks.sag
    side = looks.temple + style.side * grown
    top = -1 - style.top * grown
    low = style.low
    outer = [
        (side - 0.01, min(low, 0) - 0.18),
        (0.86 * side, -0.72),
        (0.48 * side, top + 0.09),
    ]
    if low > 0.3:
        outer = [(side + 0.03, low), (side + 0.05, 0.35 + 0.3 * low), *outer]
        outer.insert(2, (side + 0.02, 0.15))
    else:
        outer = [(looks.cheek + 0.4 * style.side + 0.01, low), *outer]
    if style.front == "up":
        outer[-1] = (0.62 * side, top + 0.07)
    right = curve([*outer, (0, top)])
    edge = np.concatenate([right, mirrored(right[-2::-1], -1)])
    return np.concatenate([_ruffled(edge, style), _hairline(looks, style)])


def _hairline(looks: Looks, style: _Style) -> np.ndarray:
    """Return the edge of the hair around the face, from left to right, (N, 2)."""
    y, temple, cheek = looks.hairline, looks.temple, looks.cheek
    recede = 0.22 * looks.bald
    corner = [(0.72 * temple, y + 0.1 - recede), (0.9 * temple, -0.22)]
    if style.front in ("curtain", "side"):
        corner = [(0.76 * temple, y + 0.27 - recede), (0.9 * temple, -0.08)]
    if style.low > 0.3:
        down = [(0.95 * cheek, 0.2), (0.9 * cheek, 0.5), (0.93 * cheek, 0.9)]
        side = [*corner, *[p for p in down if p[1] < style.low], (cheek, style.low)]
    else:
        side = [*corner, (0.95 * temple, style.low - 0.08), (cheek, style.low)]
    left, right = mirrored(side[::-1], -1), np.array(side)
    low = looks.brow_y - 0.1
    middle = {
        "open": [(-0.35 * temple, y + 0.01), (0, y + 0.02), (0.35 * temple, y + 0.01)],
        "up": [(-0.4 * temple, y - 0.04), (0, y - 0.02), (0.4 * temple, y - 0.04)],
        "fringe": [(-0.45, low), (-0.2, low + 0.02), (0.1, low), (0.45, low - 0.01)],
        "curtain": [
            (-0.34, y + 0.1),
            (-0.08, y - 0.06),
            (0.08, y - 0.06),
            (0.34, y + 0.1),
        ],
        "side": [(-0.38, y + 0.06), (-0.3, y - 0.08), (0.0, y + 0.08), (0.4, y + 0.17)],
    }[style.front]
    if style.front == "fringe":
        left[-2:, 1] = right[:2, 1] = (low - 0.02, low + 0.05)
        left[-2:, 1] = (low + 0.05, low - 0.02)
    if style.front == "side":
        middle = mirrored(middle, looks.who.side)
        middle = middle[np.argsort(middle[:, 0])]
    return curve(np.concatenate([left, middle, right]))


def _ruffled(edge: np.ndarray, style: _Style) -> np.ndarray:
    """Add the bumps of curls or waves to an outline (N, 2); return it, (M, 2)."""
    if not (style.curl or style.wave):
        return edge
    steps = np.hypot(*np.diff(edge, axis=0, append=edge[:1]).T)
    along = np.concatenate([[0], np.cumsum(steps)])
    even = np.arange(0, along[-1], 0.02)
    closed = np.concatenate([edge, edge[:1]])
    x, y = (np.interp(even, along, axis) for axis in closed.T)
    bump = style.curl * (np.abs(np.sin(even * np.pi / 0.17)) - 0.5)
    bump += style.wave * np.sin(even * 2 * np.pi / 0.62) * (y > -0.5)
    away = np.stack([x, y + 0.2]) / np.hypot(x, y + 0.2)
    return np.stack([x, y], 1)[even < along[-2]] + (bump * away).T[even < along[-2]]


def _thinned(canvas: Canvas, layer: Layer, looks: Looks) -> Layer:
    """Return a hair mask that is fainter where the head is going bald."""
    if not looks.bald:
        return layer
    x, y = canvas.axes(layer)
    bare = blob(x, y, (0, -0.85), (0.62 * looks.temple / 0.66, 0.46))
    kept = 1 - (2.3 * looks.bald * bare - 0.35).clip(0, 1)
    return layer._replace(alpha=layer.alpha * kept)


def _colours(canvas: Canvas, layer: Layer, looks: Looks, style: _Style) -> np.ndarray:
    """Return the colours of the strands, some of them grey, (3, H, W)."""
    x, y = canvas.axes(layer)
    rng = np.random.default_rng(looks.who.texture + 4)
    if style.curl:
        strands = noise(rng, (34, 34), layer.alpha.shape)
        gloss = 0.1
    else:
        strands = _strands(rng, x, y, style)
        gloss = 0.28
    shine = (
        gloss
        * np.exp(-(((np.hypot(x, y + 0.1) - 0.78) / 0.13) ** 2))
        * (-2 * y).clip(0, 1)
    )
    light = 0.86 + 0.16 * strands - 0.16 * (x / 0.8) ** 2
    place = 0.35 * (1 - np.abs(y + 0.35).clip(0, 1))  # temples turn grey first
    share = (1.7 * looks.grey - 0.45 + place * looks.grey + 0.22 * strands).clip(0, 1)
    young, old = planes(looks.hair), planes(looks.grey_hair)
    return (young + share * (old - young)) * (light + shine * (1 - 0.7 * share)).clip(
        0.45, 1.5
    )


def _strands(
    rng: np.random.Generator, x: np.ndarray, y: np.ndarray, style: _Style
) -> np.ndarray:
    """Return noise that is constant along each strand, (H, W).

    Strands spread from the crown and hang down from there.
    """
    table = ndimage.gaussian_filter1d(rng.standard_normal(256), 1.2, mode="wrap") * 1.6
    fall = np.maximum(y + 0.5, 0)
    around = np.arctan2(x, 1.25 + np.minimum(y, -0.45)) * 0.55
    across = around + 0.25 * x + style.wave * np.sin(10 * y) * (fall > 0)
    return table[(across * 60).astype(int) % 256].astype(np.float32)
