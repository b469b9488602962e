"""Drawing hair: behind the head, beside the face and on top of the head."""

import numpy as np

from synthetic_data.anime_faces.features import SIDES
from synthetic_data.anime_faces.fringe import Fringe, make_fringe
from synthetic_data.anime_faces.parameters import Face
from synthetic_data.drawing.pen import (
    Colour,
    Pen,
    bows,
    curve,
    darker,
    ellipse,
    lighter,
    mirrored,
    stroke,
)

_COVERS_EARS = ("long", "bob", "twintails", "braids")


def shadow(face: Face) -> Colour:
    """Return the colour of hair in shadow."""
    return darker(face.hair_rgb, 0.36)


def edge(face: Face) -> Colour:
    """Return the colour of outlines of hair."""
    return darker(face.hair_rgb, 0.7)


def covers_ears(face: Face) -> bool:
    """Return whether the hair hides the ears."""
    return face.hair_style in _COVERS_EARS


def draw_back_hair(pen: Pen, face: Face) -> None:
    """Draw the hair behind head and body, including tails and buns."""
    if face.hair_style == "ponytail":
        _draw_ponytail(pen, face)
    for side in SIDES:
        if face.hair_style == "twintails":
            _draw_tail(pen, face, side)
        elif face.hair_style == "buns":
            _draw_bun(pen, face, side)
    outline = _back_outline(face)
    if face.hair_style not in ("long", "bob"):
        pen.shape(outline, shadow(face), edge(face))
        return
    pen.shape(outline, face.hair_rgb, edge(face))
    pen.fill(outline * (0.8, 1) + (0, -0.06), shadow(face))
    low = outline[:, 1].max()
    for side in SIDES:
        x = side * face.volume
        points = [(x, 0.3), (x + 0.1 * side * face.wave, 0.6 * low), (x, low)]
        pen.fill(stroke(points, 0.06), shadow(face))


def _back_outline(face: Face) -> np.ndarray:
    """Return the closed outline of the hair behind the neck, (N, 2)."""
    v, j = face.volume, face.locks
    if face.hair_style == "long":
        low, wave = 1.55 + 0.4 * face.hair_length, 0.13 * face.wave
        right = [
            (1.06 * v, 0.1),
            (1.11 * v + wave, 0.55),
            (1.07 * v - 0.5 * wave, 1.05),
            (1.22 * v + wave, low),
            (0.6, low + 0.2),
        ]
    elif face.hair_style == "bob":
        low = 0.9 + 0.3 * face.hair_length
        right = [
            (1.1 * v, 0.1),
            (1.17 * v, 0.6 * low),
            (1.08 * v + 0.12 * j[0], 0.97 * low),
            (0.8, low + 0.1),
            (0.78, low - 0.06),
            (0.5, low + 0.04),
        ]
    elif face.hair_style == "braids":
        right = [(1.02 * v, 0.1), (0.97 * v, 0.6), (0.8, 0.95), (0.4, 1.0)]
    else:
        right = [(0.96 * v, 0.0), (0.8, 0.45), (0.5, 0.75), (0.2, 0.8)]
    side = [(0.6 * v, -1.1), (1.0 * v, -0.5), *right]
    return curve([*side, *((-x, y) for x, y in side[::-1])], closed=True)


def _draw_ponytail(pen: Pen, face: Face) -> None:
    """Draw a ponytail, which starts behind the head."""
    tail = [
        (0.2, -1.1),
        (0.9, -1.32),
        (1.38, -0.8),
        (1.3 + 0.1 * face.wave, 0.1),
        (1.5, 1.0 + 0.3 * face.hair_length),
        (1.08, 0.6),
        (0.95, -0.2),
        (0.6, -0.7),
    ]
    pen.shape(mirrored(curve(tail, closed=True), face.side), face.hair_rgb, edge(face))
    inner = [(0.95, -1.0), (1.15, -0.5), (1.1, 0.2), (1.3, 0.85)]
    pen.fill(mirrored(stroke(inner, 0.16), face.side), shadow(face))
    light = [(1.02, -1.1), (1.22, -0.8), (1.24, -0.4)]
    pen.fill(mirrored(stroke(light, 0.08), face.side), lighter(face.hair_rgb, 0.4))


def _draw_tail(pen: Pen, face: Face, side: int) -> None:
    """Draw one of the twintails."""
    out = 0.1 * face.wave
    tail = [
        (0.82, -0.95),
        (1.15, -1.02),
        (1.45, -0.55),
        (1.42 + out, 0.3),
        (1.47 - out, 1.0),
        (1.3, 1.75),
        (1.1, 1.1),
        (1.02 + out, 0.3),
        (1.0, -0.4),
    ]
    pen.shape(mirrored(curve(tail, closed=True), side), face.hair_rgb, edge(face))
    inner = [(1.08, -0.7), (1.2, -0.1), (1.16 + out, 0.6), (1.25, 1.4)]
    pen.fill(mirrored(stroke(inner, 0.16), side), shadow(face))
    light = [(1.22, -0.75), (1.36, -0.35), (1.35, 0.05)]
    pen.fill(mirrored(stroke(light, 0.08), side), lighter(face.hair_rgb, 0.4))


def _draw_bun(pen: Pen, face: Face, side: int) -> None:
    """Draw one of two buns."""
    x, y, r = side * 0.78, -1.02, 0.29 + 0.05 * face.hair_length
    pen.shape(ellipse(x, y, r, r), face.hair_rgb, edge(face))
    turns = [(0.6, 0.5), (0.7, -0.3), (0, -0.55), (-0.45, -0.1), (0, 0.3)]
    swirl = [(x + side * r * s, y + r * t) for s, t in turns]
    pen.fill(stroke(swirl, 0.07), shadow(face))
    light = ellipse(x - 0.3 * r, y - 0.42 * r, 0.3 * r, 0.17 * r)
    pen.fill(light, lighter(face.hair_rgb, 0.5))


def draw_front_hair(pen: Pen, face: Face) -> None:
    """Draw the locks beside the face, the fringe and the hair on top of the head."""
    fringe, top = make_fringe(face), _crown(face)
    for side in SIDES:
        _draw_side_lock(pen, face, side)
    pen.fill(np.concatenate([top, fringe.rim]), face.hair_rgb)
    _shade_fringe(pen, face, fringe)
    _draw_shine(pen, face)
    pen.line(top, edge(face), 0.05)
    pen.line(fringe.rim, edge(face), 0.045)


def draw_fringe_shadow(pen: Pen, face: Face) -> None:
    """Draw the shadow of the fringe on the forehead."""
    low = make_fringe(face).rim + (0.02, 0.09)
    pen.fill(np.concatenate([low, [(-0.7, -1), (0.7, -1)]]), (150, 60, 70), 0.24)


def _crown(face: Face) -> np.ndarray:
    """Return the outline of the hair on top of the head, from left to right, (N, 2)."""
    v, low = face.volume, 0.3 if covers_ears(face) else 0.0
    half = [(1.02 * v, low), (1.05 * v, -0.4), (0.88 * v, -0.9), (0.47 * v, -1.2 * v)]
    smooth = curve([*((-x, y) for x, y in half), (0, -1.28 * v), *half[::-1]])
    if face.hair_style != "spiky":
        return smooth
    # One spike grows on each section of the outline; the lower spikes hang down.
    roots = smooth[::6]
    middle = 0.5 * (roots[1:] + roots[:-1])
    lift = 1.2 + 0.06 * np.array(face.locks[: len(middle)])
    lean = np.where(middle[:, 1] > -0.4, 0.12, -0.1 * middle[:, 1] ** 2)
    tips = lift[:, None] * middle + np.stack([0.08 * np.sign(middle[:, 0]), lean], 1)
    up = bows(roots[:-1], 0.515 * (roots[:-1] + tips), tips)
    down = bows(tips, 0.485 * (roots[1:] + tips), roots[1:])
    return np.concatenate([up, down]).transpose(1, 0, 2).reshape(-1, 2)


def _shade_fringe(pen: Pen, face: Face, fringe: Fringe) -> None:
    """Draw the shaded side of each lock, and lines from the notches to the crown."""
    dark = shadow(face)
    crown = np.array((0.25 * face.part, -1.25))
    starts, ends = fringe.notches[:-1], fringe.notches[1:]
    for start, end, tip in zip(starts, ends, fringe.tips, strict=True):
        root = end + 0.45 * (crown - end)
        lock = curve([tip, 0.5 * (tip + end) + (0.03, 0), end, root])
        inner = curve([root, 0.55 * end + 0.45 * start + (0.02, -0.06), tip])
        pen.fill(np.concatenate([lock, inner]), dark)
    for notch in fringe.notches[1:-1]:
        way = crown - notch
        if way[1] > -0.45:
            continue  # a parting, which is close to the crown already
        points = [notch, notch + 0.3 * way * (0.7, 1), notch + 0.6 * way]
        pen.fill(stroke(points, 0.045, start=0.9), edge(face))
    if len(fringe.tips) == 0:
        # Lines of hair that is combed back.
        for x in np.linspace(-0.7, 0.7, 7):
            y = -0.76 + 0.55 * x * x
            points = [(x, y), (0.85 * x, y - 0.15), (0.6 * x, y - 0.28)]
            pen.fill(stroke(points, 0.045, start=0.6), dark)


def _draw_shine(pen: Pen, face: Face) -> None:
    """Draw the jagged highlight around the top of the head, if there is one."""
    if face.shine < 0.15 or face.accessory == "hairband":
        return
    angles = np.linspace(-2.5, -0.64, 25)
    height = 0.6 if face.fringe != "open" else 0.78
    ring = np.stack([0.78 * np.cos(angles), -0.28 + height * np.sin(angles)], 1)
    teeth = np.where(np.arange(25) % 2, 0.13, 0.05) * np.sin(np.linspace(0, np.pi, 25))
    teeth = (0.6 + 0.6 * face.shine) * teeth[:, None]
    band = np.concatenate([ring - teeth * (0, 0.6), (ring + teeth * (0, 1))[::-1]])
    pen.fill(band, lighter(face.hair_rgb, 0.5))


def _draw_side_lock(pen: Pen, face: Face, side: int) -> None:
    """Draw the lock of hair beside the cheek."""
    w, v, j = face.face_width, face.volume, face.locks[11 + side]
    bushy = covers_ears(face) or (face.hair_style == "ponytail" and face.wave > 0)
    low, width = (0.7 + 0.75 * face.hair_length, 0.26) if bushy else (0.42, 0.15)
    low += 0.08 * j
    tip = (v - 0.16 + 0.06 * j, low)
    outer = [(v, -0.5), (v + 0.02, 0.1), (v + 0.01 + 0.04 * j, 0.6 * low), tip]
    inner = [tip, (w - 0.6 * width, 0.6 * low), (w - 0.75 * width, 0.3 * low)]
    inner += [(w - 0.08, -0.1), (w - 0.1, -0.5)]
    lock = np.concatenate([curve(outer), curve(inner)])
    pen.shape(mirrored(lock, side), face.hair_rgb, edge(face), 0.045)
    shade = [(w + 0.03, -0.1), (w - 0.1 * width, 0.35 * low), (v - 0.17, 0.9 * low)]
    pen.fill(mirrored(stroke(shade, 0.5 * width), side), shadow(face))
