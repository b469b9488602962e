"""Drawing what surrounds a face: background, neck, clothes and accessories."""

import numpy as np
from PIL import Image, ImageDraw

from synthetic_data.anime_faces import hair
from synthetic_data.anime_faces.features import SIDES, skin_edge, skin_shadow
from synthetic_data.anime_faces.parameters import Face
from synthetic_data.drawing.pen import (
    WHITE,
    Colour,
    Pen,
    curve,
    darker,
    ellipse,
    lighter,
    mirrored,
    mix,
    stroke,
)


def make_background(face: Face, size: int) -> Image.Image:
    """Return an image of the background that `face.background` names.

    Args:
        face: the face, of which only background colours and `locks` are used.
        size: edge of the image, pixels.

    Returns:
        RGB image (size, size).
    """
    first, second = face.back_rgb, face.back2_rgb
    if face.background == "gradient":
        rows = np.linspace(first, second, size)[:, None].round().astype(np.uint8)
        return Image.fromarray(rows).resize((size, size))
    image = Image.new("RGB", (size, size), _bytes(first))
    pen, ink = ImageDraw.Draw(image), _bytes(mix(first, second, 0.7))
    shift = 0.5 + 0.5 * face.locks[5]
    if face.background == "dots":
        step = size / (4.5 + shift)
        for row in range(8):
            for column in range(8):
                x, y = (column - 0.5 * (row % 2)) * step, (row - 0.5 * shift) * step
                pen.ellipse((x, y, x + 0.42 * step, y + 0.42 * step), ink)
    elif face.background == "stripes":
        step = size / (4 + 3 * shift)
        for k in range(-8, 8):
            x = 2 * k * step
            pen.polygon((x, 0, x + step, 0, x + step + size, size, x + size, size), ink)
    elif face.background == "rays":
        for k in range(8):
            a = (k + shift) * np.pi / 4 + np.array([0, np.pi / 8])
            x, y = size * (0.5 + 1.5 * np.cos(a)), size * (0.5 + 1.5 * np.sin(a))
            pen.polygon((size / 2, size / 2, x[0], y[0], x[1], y[1]), ink)
    return image


def _bytes(colour: Colour) -> tuple[int, ...]:
    """Return a colour as integers, which Pillow needs."""
    return tuple(round(c) for c in colour)


def draw_neck(pen: Pen, face: Face) -> None:
    """Draw the neck with the shadow of the chin on it."""
    neck = [
        (-0.3, 0.7),
        (-0.28, 1.25),
        (-0.5, 1.45),
        (0.5, 1.45),
        (0.28, 1.25),
        (0.3, 0.7),
    ]
    pen.shape(neck, face.skin_rgb, skin_edge(face), 0.045)
    shade = curve(
        [(-0.29, 0.9), (-0.27, 1.18), (0.05, 1.32), (0.28, 1.22), (0.29, 0.9)]
    )
    pen.fill(shade, skin_shadow(face))


def draw_clothes(pen: Pen, face: Face) -> None:
    """Draw the shoulders and the kind of clothes that `face.clothes` names."""
    cloth, line = face.cloth_rgb, darker(face.cloth_rgb, 0.7)
    half = [(0.33, 1.3), (0.62, 1.4), (1.05, 1.52), (1.35, 1.8), (1.45, 2.4)]
    neckline = [(-0.33, 1.3), (0, 1.46), (0.33, 1.3)]
    body = np.concatenate(
        [curve(neckline), curve(half), curve([(-x, y) for x, y in half[::-1]])]
    )
    plain = {"sailor": (250, 248, 250), "shirt": (248, 248, 252)}
    pen.shape(body, plain.get(face.clothes, cloth), line)
    _COLLARS[face.clothes](pen, face, cloth, line)


def _sailor(pen: Pen, face: Face, cloth: Colour, line: Colour) -> None:
    """Draw a sailor's collar with a stripe and a bow."""
    for side in SIDES:
        collar = [
            (0.36, 1.24),
            (0.75, 1.42),
            (1.0, 1.62),
            (0.5, 1.9),
            (0.0, 2.05),
            (0.12, 1.62),
        ]
        pen.shape(mirrored(collar, side), cloth, line, 0.04)
        stripe = [(0.9, 1.6), (0.45, 1.8), (0.05, 1.94)]
        pen.line(mirrored(stripe, side), WHITE, 0.045)
    _draw_bow(pen, (0, 1.66), 0.3, face.accent_rgb)


def _shirt(pen: Pen, face: Face, cloth: Colour, line: Colour) -> None:
    """Draw a jacket over a shirt with a pointed collar and a tie."""
    for side in SIDES:
        lapel = [(0.42, 1.28), (1.1, 1.5), (1.5, 2.4), (0.12, 2.4)]
        pen.shape(mirrored(lapel, side), cloth, line, 0.04)
        point = [(0.3, 1.22), (0.44, 1.36), (0.3, 1.66), (0.02, 1.46)]
        pen.shape(mirrored(point, side), WHITE, darker(WHITE, 0.4), 0.035)
    tie = [(-0.1, 1.48), (0.1, 1.48), (0.15, 2.2), (-0.15, 2.2)]
    pen.shape(tie, face.accent_rgb, darker(face.accent_rgb, 0.6), 0.035)


def _hoodie(pen: Pen, face: Face, cloth: Colour, line: Colour) -> None:
    """Draw a thick hood around the neck with two strings."""
    for side in SIDES:
        hood = [
            (0.0, 1.62),
            (0.34, 1.42),
            (0.36, 1.18),
            (0.8, 1.3),
            (0.75, 1.6),
            (0.25, 1.85),
        ]
        hood = mirrored(curve(hood, closed=True), side)
        pen.shape(hood, lighter(cloth, 0.2), line, 0.04)
        string = [(0.16, 1.72), (0.17, 2.1)]
        pen.line(mirrored(string, side), lighter(face.accent_rgb, 0.5), 0.05)


def _dress(pen: Pen, face: Face, cloth: Colour, line: Colour) -> None:
    """Draw bare shoulders with straps and a choker."""
    skin = [
        (0.33, 1.26),
        (0.62, 1.38),
        (1.02, 1.5),
        (1.2, 1.75),
        (0.0, 1.75),
        (0.0, 1.3),
    ]
    for side in SIDES:
        pen.fill(mirrored(curve(skin), side), face.skin_rgb)
        strap = [(0.62, 1.36), (0.76, 1.42), (0.6, 1.8), (0.45, 1.8)]
        pen.fill(mirrored(strap, side), cloth)
    bust = curve([(-1.2, 1.8), (-0.5, 1.68), (0, 1.78), (0.5, 1.68), (1.2, 1.8)])
    pen.shape(np.concatenate([bust, [(1.4, 2.4), (-1.4, 2.4)]]), cloth, line, 0.04)
    choker = curve([(-0.28, 1.2), (0, 1.3), (0.28, 1.2)])
    pen.line(choker, face.accent_rgb, 0.08)


_COLLARS = {"sailor": _sailor, "shirt": _shirt, "hoodie": _hoodie, "dress": _dress}


def _draw_bow(
    pen: Pen, middle: tuple[float, float], size: float, colour: Colour
) -> None:
    """Draw a bow with two loops and a knot; `size` is half its width."""
    line = darker(colour, 0.6)
    for side in SIDES:
        loop = [(0, 0), (0.45, -0.55), (1, -0.6), (0.95, 0.5), (0.45, 0.4)]
        loop = np.array(middle) + size * mirrored(curve(loop, closed=True), side)
        pen.shape(loop, colour, line, 0.04)
        fold = np.array(middle) + size * mirrored([(0.2, 0.0), (0.7, -0.05)], side)
        pen.fill(stroke(fold, 0.05, start=1), line)
    knot = ellipse(*middle, 0.24 * size, 0.3 * size)
    pen.shape(knot, lighter(colour, 0.25), line, 0.04)


def draw_braids(pen: Pen, face: Face) -> None:
    """Draw two braids that hang down over the shoulders."""
    colour, line = face.hair_rgb, hair.edge(face)
    strand = curve(
        [(-0.02, 0.16), (0.15, 0.02), (0.16, -0.14), (0, -0.05)], closed=True
    )
    for side in SIDES:
        for k in range(6):
            middle = (side * 0.93, 0.92 + 0.2 * k)
            for half in SIDES:
                pen.shape(middle + mirrored(strand, half), colour, line, 0.035)
        knot = ellipse(side * 0.93, 0.8, 0.15, 0.08)
        pen.shape(knot, face.accent_rgb, darker(face.accent_rgb, 0.6), 0.035)


def draw_ties(pen: Pen, face: Face) -> None:
    """Draw the two bands that hold twintails."""
    for side in SIDES:
        tie = ellipse(side * 0.98, -0.86, 0.11, 0.17)
        pen.shape(tie, face.accent_rgb, darker(face.accent_rgb, 0.6), 0.04)


def draw_glasses(pen: Pen, face: Face) -> None:
    """Draw the frame of glasses over the eyes."""
    frame = darker(face.accent_rgb, 0.65)
    w, h = face.eye_width + 0.1, face.eye_height + 0.08
    for side in SIDES:
        x = side * (face.eye_gap + 0.01)
        lens = ellipse(x, face.eye_y + 0.02, w, h)
        pen.fill(lens, (225, 240, 255), 0.14)
        pen.outline(lens, frame, 0.055)
        arm = [(x + side * w, face.eye_y), (side * 0.9, face.eye_y - 0.04)]
        pen.line(arm, frame, 0.05)
    gap = face.eye_gap - w
    bridge = [(-gap, face.eye_y), (0, face.eye_y - 0.04), (gap, face.eye_y)]
    pen.line(bridge, frame, 0.05)


def draw_accessory(pen: Pen, face: Face) -> None:
    """Draw an accessory in or on the hair; other accessories have functions above."""
    colour, side = face.accent_rgb, face.side
    line = darker(colour, 0.6)
    if face.accessory == "ribbon":
        _draw_bow(pen, (0.62 * side, -1.0), 0.42, colour)
    elif face.accessory == "hairband":
        v = face.volume
        band = [(v * x, v * y) for x, y in ((1.04, -0.12), (0.95, -0.5), (0.62, -0.9))]
        band = curve([*band, (0, -1.06 * v), *((-x, y) for x, y in band[::-1])])
        pen.line(band, line, 0.17)
        pen.line(band, colour, 0.11)
    elif face.accessory == "hair_clip":
        for y in (-0.5, -0.36):
            clip = [(0.52, y), (0.84, y + 0.1)]
            pen.line(mirrored(clip, side), line, 0.11)
            pen.line(mirrored(clip, side), lighter(colour, 0.2), 0.065)
    elif face.accessory == "flower":
        _draw_flower(pen, (0.74 * side, -0.62), colour)
    elif face.accessory == "headphones":
        band = curve(
            [(-1.08, 0.0), (-0.96, -0.8), (0, -1.36), (0.96, -0.8), (1.08, 0.0)]
        )
        pen.line(band, line, 0.16)
        pen.line(band, colour, 0.09)
        for s in SIDES:
            pen.shape(ellipse(1.06 * s, 0.15, 0.18, 0.3), colour, line)
            pen.fill(ellipse(1.1 * s, 0.15, 0.08, 0.18), lighter(colour, 0.5))


def _draw_flower(pen: Pen, middle: tuple[float, float], colour: Colour) -> None:
    """Draw a flower of five petals."""
    x, y = middle
    for k in range(5):
        a = k * 2 * np.pi / 5 - 0.3
        petal = ellipse(x + 0.15 * np.cos(a), y + 0.15 * np.sin(a), 0.125, 0.125)
        pen.shape(petal, lighter(colour, 0.3), darker(colour, 0.45), 0.03)
    pen.fill(ellipse(x, y, 0.08, 0.08), (255, 226, 120))


def draw_cat_ears(pen: Pen, face: Face) -> None:
    """Draw cat ears on top of the hair."""
    ear = curve(
        [(0.36, -1.02), (0.66, -1.26), (1.0, -1.38), (1.06, -1.0), (0.97, -0.6)]
    )
    inner = [(0.56, -0.98), (0.76, -1.14), (0.93, -1.22), (0.96, -0.98), (0.87, -0.72)]
    for side in SIDES:
        fit = face.volume * np.array((side * 0.97, 1))
        pen.fill(fit * ear, face.hair_rgb)
        pen.line(fit * ear, hair.edge(face), 0.05)
        pen.fill(fit * inner, (250, 190, 196))
