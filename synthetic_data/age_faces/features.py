"""Drawing eyes, eyebrows, nose, mouth, beard and glasses."""

import numpy as np

from synthetic_data.age_faces.ageing import Looks
from synthetic_data.age_faces.people import Photo
from synthetic_data.drawing.canvas import Canvas, Layer, noise, planes
from synthetic_data.drawing.pen import curve, darker, ellipse, mirrored, mix, stroke

_LASH = (28, 20, 20)
_DEEP = (48, 22, 18)  # skin in creases and openings that no light reaches


def draw_eyes(canvas: Canvas, looks: Looks, photo: Photo) -> None:
    """Draw both eyes with lids, lashes and the creases above them."""
    uppers, lowers = [], []
    for side in (-1, 1):
        upper, lower = _lids(looks, photo, side)
        opening = canvas.mask(np.concatenate([upper, lower[::-1]]))
        canvas.paint(opening, _eyeball(canvas, opening, looks, photo, side))
        uppers.append(upper[::3])
        lowers.append(lower[::3])
    rims = canvas.mask(*(stroke(lid, 0.02) for lid in lowers), blur=0.008)
    canvas.paint(rims, mix(looks.skin, _DEEP, 0.5), 0.75)
    dark = mix(_LASH, looks.hair, 0.25 + 0.2 * looks.child)
    width = 0.04 + 0.012 * (1 - looks.who.gender) * (1 - looks.child)
    lashes = canvas.mask(*(stroke(lid, width, 0.35, 0.6) for lid in uppers), blur=0.008)
    canvas.paint(lashes, dark, 0.92)
    width, rise = 0.028 + 0.014 * looks.hood, 0.05 - 0.022 * looks.hood
    creases = canvas.mask(*(stroke(u - (0, rise), width) for u in uppers), blur=0.01)
    canvas.paint(creases, mix(looks.skin, _DEEP, 0.7), 0.45 + 0.4 * looks.hood)


def _lids(looks: Looks, photo: Photo, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the curves of an eye's upper and lower lid, (N, 2) each.

    Both run from the inner corner to the outer one.
    """
    x, y, half = side * looks.eye_x, looks.eye_y, looks.eye_width
    high = looks.eye_height * (1 - 0.12 * photo.smile)
    tilt, hang = looks.eye_tilt, 0.45 * high * looks.hood
    upper = [
        (-half, 0.3 * tilt + 0.012),
        (-0.5 * half, -0.85 * high),
        (0.05 * half, -high - 0.3 * tilt),
        (0.6 * half, -0.72 * high - 0.8 * tilt + hang),
        (half, -tilt + 0.6 * hang),
    ]
    lower = [
        upper[0],
        (-0.4 * half, 0.55 * high),
        (0.15 * half, 0.75 * high),
        (0.65 * half, 0.5 * high - 0.6 * tilt),
        upper[-1],
    ]
    first, second = (curve(mirrored(lid, side)) + (x, y) for lid in (upper, lower))
    return first, second


def _eyeball(
    canvas: Canvas,
    opening: Layer,
    looks: Looks,
    photo: Photo,
    side: int,
) -> np.ndarray:
    """Return the colours of the eyeball between the lids, (3, H, W)."""
    x = side * looks.eye_x + 0.022 * photo.gaze[0]
    y = looks.eye_y + 0.01 * photo.gaze[1] - 0.006
    _, rows = canvas.axes(opening)
    radius = 0.076 * (1 + 0.12 * looks.child) * (1 + 0.05 * looks.who.eye_size)
    white = mix((236, 232, 228), (214, 196, 178), 0.8 * looks.dull)
    eye = planes(white) * np.ones_like(opening.alpha)
    for colour, size in (
        (darker(looks.who.eye, 0.6), radius),
        (looks.who.eye, 0.84 * radius),
        ((14, 12, 14), 0.45 * radius),
    ):
        eye += canvas.disc(opening, x, y, size) * (planes(colour) - eye)
    top = ((rows - looks.eye_y) / looks.eye_height + 1.1).clip(0, 1)
    eye *= 0.5 + 0.5 * top
    spark = canvas.disc(opening, x + 0.07 * photo.light[0] - 0.008, y - 0.03, 0.02)
    return eye + spark * (250 - eye)


def draw_brows(canvas: Canvas, looks: Looks, opacity: float = 1) -> None:
    """Draw both eyebrows; they turn grey later than the hair."""
    who, y, width = looks.who, looks.brow_y, looks.brow_width
    hair = darker(looks.hair, 0.35 * (sum(looks.hair) > 200) + 0.1)
    colour = mix(hair, looks.grey_hair, 0.3 * max(0, looks.grey - 0.3))
    arch = 0.045 * who.brow_arch + 0.035
    points = [
        (looks.eye_x - 0.19, y + 0.012 + 0.01 * who.brow_arch),
        (looks.eye_x - 0.03, y - 0.55 * arch),
        (looks.eye_x + 0.1, y - 0.9 * arch),
        (looks.eye_x + 0.22, y + 0.02 + 0.04 * looks.sag),
    ]
    shapes = [stroke(mirrored(points, side), width, 0.75, 0.15) for side in (-1, 1)]
    thick = 0.88 - 0.35 * looks.child
    canvas.paint(canvas.mask(*shapes, blur=0.009), colour, opacity * thick)


def draw_nose(canvas: Canvas, looks: Looks) -> None:
    """Draw the nostrils, the sides of the nose and the shadow under it."""
    width, y = looks.nose_width, looks.nose_y
    under = stroke([(-0.8 * width, y), (0, y + 0.03), (0.8 * width, y)], 0.05)
    canvas.shade(canvas.mask(under, blur=0.022), (0.85, 0.76, 0.73))
    sides = (-1, 1)
    holes = [ellipse(s * 0.48 * width, y - 0.008, 0.3 * width, 0.02) for s in sides]
    canvas.paint(canvas.mask(*holes, blur=0.01), mix(looks.skin, _DEEP, 0.9), 0.65)
    wing = np.array([(0.9, -0.085), (1.12, -0.04), (0.95, 0.0)]) * (width, 1) + (0, y)
    wings = [stroke(mirrored(wing, side), 0.022) for side in sides]
    canvas.shade(canvas.mask(*wings, blur=0.01), (0.76, 0.64, 0.6))


def draw_mouth(canvas: Canvas, looks: Looks, photo: Photo) -> None:
    """Draw the lips and the line between them."""
    y, smile = looks.mouth_y, photo.smile
    half = looks.mouth_width * (1 + 0.1 * smile)
    up, low = looks.upper_lip, looks.lower_lip
    corner = y - 0.05 * smile + 0.018 * looks.sag
    line = [(-half, corner), (-0.4 * half, y + 0.006), (0, y + 0.012)]
    line += mirrored(line[1::-1], -1).tolist()
    top = [(-0.45 * half, y - 0.75 * up), (-0.15 * half, y - up), (0, y - 0.78 * up)]
    top += mirrored(top[1::-1], -1).tolist()
    base = [(-0.55 * half, y + 0.78 * low), (0, y + low), (0.55 * half, y + 0.78 * low)]
    middle = curve(line)
    for edge, tone in ((top, darker(looks.lips, 0.22)), (base, looks.lips)):
        shape = np.concatenate([middle, curve([line[-1], *edge[::-1], line[0]])])
        canvas.paint(canvas.mask(shape, blur=0.012), tone, 0.9)
    shine = canvas.mask(ellipse(0, y + 0.55 * low, 0.45 * half, 0.25 * low), blur=0.02)
    canvas.paint(shine, (255, 235, 230), 0.22 * (1 - looks.dull))
    seam = canvas.mask(stroke(line, 0.03, 0.5, 0.5), blur=0.006)
    canvas.paint(seam, mix(looks.lips, _DEEP, 0.8), 0.9)
    shadow = stroke([(-0.4 * half, y + low + 0.03), (0.4 * half, y + low + 0.03)], 0.03)
    canvas.shade(canvas.mask(shadow, blur=0.02), (0.8, 0.72, 0.7))


def draw_beard(canvas: Canvas, looks: Looks) -> None:
    """Draw a man's beard or moustache; a shaved beard leaves a faint shadow."""
    if not (looks.who.gender and looks.beard):
        return
    kind, y, low = looks.who.beard, looks.mouth_y, looks.bottom
    tone = mix(darker(looks.hair, 0.2), looks.grey_hair, 0.8 * looks.grey)
    half, nose = looks.mouth_width, looks.nose_y
    cheek = [(looks.cheek - 0.01, 0.12), (looks.cheek - 0.06, 0.38), (0.4, 0.56)]
    cheek += [(half + 0.05, nose + 0.1), (0.1, nose + 0.05)]
    jaw = [(looks.jaw + 0.02, 0.68), (looks.chin + 0.09, low - 0.07), (0, low + 0.01)]
    right = [*cheek[::-1], *jaw]
    whole = curve([*right, *mirrored(right[-2::-1], -1)], closed=True)
    lips = ellipse(0, y + 0.02, 0.95 * half, 0.065)
    full = canvas.mask(whole, holes=[lips], blur=0.022)
    opacity = {"stubble": 0.42, "full": 0.88}.get(kind, 0.2)
    rng = np.random.default_rng(looks.who.texture + 3)
    speck = 1 + 0.14 * noise(rng, (50, 50), full.alpha.shape)
    dark = planes(tone) * speck
    canvas.paint(full, dark, opacity * looks.beard)
    lip = [(-half - 0.03, y + 0.03), (-0.5 * half, y - 0.085), (0, y - 0.1)]
    lip += mirrored(lip[1::-1], -1).tolist()
    if kind in ("moustache", "goatee"):
        layer = canvas.mask(stroke(lip, 0.085, 0.35, 0.35), blur=0.012)
        canvas.paint(layer, tone, 0.88 * looks.beard)
    if kind == "goatee":
        top = y + 0.1
        chin = ellipse(0, (top + low) / 2, 0.2, (low - top) / 2)
        canvas.paint(canvas.mask(chin, blur=0.025), tone, 0.8 * looks.beard)


def draw_glasses(canvas: Canvas, looks: Looks) -> None:
    """Draw glasses if the person wears them."""
    if looks.who.glasses is None:
        return
    y, rings, holes = looks.eye_y + 0.03, [], []
    for side in (-1, 1):
        x = side * (looks.eye_x + 0.015)
        rings.append(ellipse(x, y, 0.245, 0.185))
        holes.append(ellipse(x, y, 0.213, 0.155))
        ear = side * (looks.cheek + 0.02)
        rings.append(
            stroke([(x + side * 0.22, y - 0.06), (ear, y - 0.05)], 0.035, 1, 1)
        )
    inner = looks.eye_x - 0.22
    bridge = stroke([(-inner, y - 0.03), (0, y - 0.06), (inner, y - 0.03)], 0.03, 1, 1)
    lenses = canvas.mask(*holes)
    canvas.paint(lenses, (225, 235, 240), 0.08)
    canvas.paint(canvas.mask(*rings, holes=holes), looks.who.glasses, 0.95)
    canvas.paint(canvas.mask(bridge), looks.who.glasses, 0.95)
