"""Drawing background, head, neck and clothes: the surface below all other parts."""

import numpy as np
from scipy import ndimage

from synthetic_data.age_faces import lines
from synthetic_data.age_faces.ageing import Looks
from synthetic_data.age_faces.people import Photo
from synthetic_data.drawing.canvas import Canvas, Layer, blob, noise, pair, planes
from synthetic_data.drawing.pen import curve, darker, ellipse, lighter, mirrored

# Exponents of the light for red, green and blue: skin in shadow turns reddish, because
# light that passes through blood is red.
_SHADOW = np.array([0.82, 1.04, 1.16], np.float32)[:, None, None]
_AMBIENT = 0.42  # brightness of a surface that the light does not reach


def draw_background(canvas: Canvas, photo: Photo) -> None:
    """Fill the canvas with a gradient from the upper left to the lower right."""
    ramp = np.linspace(0, 1, canvas.side, dtype=np.float32)
    share = 0.6 * ramp[:, None] + 0.4 * ramp[None]
    back, other = planes(photo.back), planes(photo.back2)
    canvas.image[:] = back + share * (other - back)


def draw_body(canvas: Canvas, looks: Looks, photo: Photo) -> None:
    """Draw neck, shoulders and clothes."""
    half = (0.36 + 0.08 * looks.who.gender) * (1 - 0.25 * looks.child)
    half += 0.03 * looks.sag
    neck = [(half, 0.5), (half * 0.98, 1.0), (half * 1.25, 1.3), (half * 2, 1.8)]
    skin = canvas.mask(_both(neck))
    x, y = canvas.axes(skin)
    under = 0.62 + 0.2 * _step(y, looks.bottom + 0.05, looks.bottom + 0.35)
    round_neck = 1 - 0.3 * (x / half).clip(-1, 1) ** 2 + 0.1 * photo.light[0] * x / half
    canvas.paint(skin, planes(looks.skin) * (under * round_neck) ** _SHADOW)
    wide = (0.98 + 0.1 * looks.who.gender) * (1 - 0.22 * looks.child)
    cut = 1.28 + 0.2 * photo.collar
    cloth = [(0, cut), (half * 0.75, cut - 0.14), (half * 1.12, 1.12), (wide, 1.32)]
    cloth += [(wide + 0.2, 1.75), (wide, 2.2)]
    layer = canvas.mask(_both(cloth))
    x, y = canvas.axes(layer)
    folds = 1 - 0.22 * np.abs(x) + 0.12 * photo.light[0] * x - 0.1 * (y - 1.2)
    canvas.paint(layer, planes(photo.cloth) * folds)
    for side in (-1, 1):
        edge = [(half * 1.2, 1.1), (half * 0.78, cut - 0.12), (0, cut + 0.02)]
        stripe = [*edge, (0.06, cut + 0.12), (half * 1.05, cut), (half * 1.5, 1.14)]
        canvas.paint(
            canvas.mask(mirrored(stripe, side), blur=0.01),
            darker(lighter(photo.cloth, 0.12), 0.1 if side > 0 else 0.2),
        )


def draw_ears(canvas: Canvas, looks: Looks) -> None:
    """Draw both ears; they keep growing with age."""
    size = 1 + 0.2 * looks.who.ears + 0.1 * looks.sag - 0.08 * looks.child
    y = (looks.eye_y + looks.nose_y) / 2 + 0.02
    for side in (-1, 1):
        x = side * (looks.cheek + 0.02)
        outer = canvas.mask(ellipse(x, y, 0.11 * size, 0.21 * size))
        canvas.paint(outer, planes(looks.skin) * planes((0.9, 0.8, 0.77)))
        inner = ellipse(x + side * 0.02, y, 0.05 * size, 0.13 * size)
        canvas.shade(canvas.mask(inner, blur=0.03), (0.78, 0.66, 0.62))


def outline(looks: Looks) -> np.ndarray:
    """Return the closed outline of the head, skull included.

    Returns:
        Points (N, 2) in head units, clockwise from the top.
    """
    low = looks.bottom
    half = [
        (0.42 * looks.temple / 0.66, -0.92),
        (0.9 * looks.temple, -0.62),
        (looks.temple + 0.015, -0.25),
        (looks.cheek, 0.1),
        (0.5 * (looks.cheek + looks.jaw) + 0.035, 0.42),
        (looks.jaw, 0.68),
        (looks.chin + 0.06, low - 0.08),
        (looks.chin * 0.55, low - 0.008),
    ]
    return curve([(0, -1), *half, (0, low), *mirrored(half[::-1], -1)], closed=True)


def draw_head(canvas: Canvas, looks: Looks, photo: Photo) -> Layer:
    """Draw the shaded skin of the head, wrinkles included.

    The face is a height map, which is lit from the direction of the photo's light.

    Args:
        canvas: the canvas to draw on.
        looks: the appearance at an age.
        photo: the light and the smile.

    Returns:
        The mask of the head.
    """
    edge = outline(looks)
    head = canvas.mask(edge)
    x, y = canvas.axes(head)
    wrinkles = lines.wrinkles(canvas, looks, photo, head)
    height = _base(x, y, edge) + _bones(x, y, looks, photo) - 0.022 * wrinkles
    light, shine = _light(height, canvas.unit, photo)
    light *= 1 - 0.24 * wrinkles.clip(0, 1.1)
    light *= 1 - 0.22 * pair(x, y, (looks.eye_x, looks.eye_y - 0.02), (0.2, 0.13)) * (
        0.6 + 0.4 * looks.relief + 0.45 * looks.bags
    )
    skin = _skin(x, y, looks, photo) * light**_SHADOW
    canvas.paint(head, skin + 0.22 * shine * (255 - skin))
    return head


def _base(x: np.ndarray, y: np.ndarray, edge: np.ndarray) -> np.ndarray:
    """Return the height map of the bare skull.

    It is round from left to right and flatter from top to chin.
    """
    right = edge[edge[:, 0] >= 0]
    right = right[np.argsort(right[:, 1])]
    half = np.interp(y[:, 0], right[:, 1], right[:, 0])[:, None].astype(np.float32)
    half = ndimage.gaussian_filter1d(half, 3, axis=0) + 0.04
    across = np.minimum(np.abs(x) / half, 0.99)
    down = (np.abs(y) / 1.12).clip(0, 0.99)
    return 0.5 * np.sqrt(1 - across**2.4) * (1 - down**3.2)


def _bones(x: np.ndarray, y: np.ndarray, looks: Looks, photo: Photo) -> np.ndarray:
    """Return the height map of nose, cheeks, eye sockets and chin above the skull."""
    eye_y, nose_y, mouth_y = looks.eye_y, looks.nose_y, looks.mouth_y
    firm, soft, width = looks.relief, 1 - looks.sag, looks.nose_width
    length = nose_y - eye_y
    bridge = ((y - eye_y + 0.16) / (length + 0.08)).clip(0, 1) * _step(
        -y, -nose_y - 0.015, -nose_y + 0.07
    )
    height = 0.12 * bridge * np.exp(-((x / (0.06 + 0.35 * width * bridge)) ** 2))
    height += 0.05 * blob(x, y, (0, nose_y - 0.05), (0.75 * width, 0.075))
    height += 0.05 * pair(x, y, (0.78 * width, nose_y - 0.035), (0.055, 0.06))
    height -= (0.03 + 0.03 * firm) * pair(x, y, (looks.eye_x, eye_y), (0.19, 0.12))
    height += (0.01 + 0.03 * firm) * pair(x, y, (0.25, looks.brow_y), (0.26, 0.08))
    round_cheek = 0.035 + 0.05 * looks.child + 0.02 * photo.smile
    height += round_cheek * pair(x, y, (0.36, nose_y - 0.06), (0.2, 0.17))
    height -= 0.05 * firm * (1.4 - soft) * pair(x, y, (0.52, 0.5), (0.13, 0.2))
    height += 0.07 * looks.sag * pair(x, y, (0.4, 0.7), (0.13, 0.13))
    height += 0.025 * looks.bags * pair(x, y, (looks.eye_x, eye_y + 0.15), (0.13, 0.05))
    height -= 0.05 * looks.sag * pair(x, y, (0.62, -0.22), (0.12, 0.22))
    height += 0.03 * blob(x, y, (0, mouth_y), (0.28, 0.2))
    height -= 0.03 * blob(x, y, (0, mouth_y + 0.15), (0.16, 0.05))
    return height + 0.045 * blob(x, y, (0, looks.bottom - 0.13), (0.17, 0.12))


def _light(
    height: np.ndarray, unit: float, photo: Photo
) -> tuple[np.ndarray, np.ndarray]:
    """Return the brightness of a height map and its specular highlights.

    Brightness is 1 where the surface faces the camera.
    """
    down, right = np.gradient(height, 1 / unit)
    side, above = photo.light
    ahead = np.sqrt(1 - side**2 - above**2)
    facing = (ahead - right * side + down * above) / np.sqrt(1 + down**2 + right**2)
    facing = facing.clip(0, 1)
    light = _AMBIENT + (1 - _AMBIENT) * facing / ahead
    return light.clip(0.2, 1.3), facing**24


def _skin(x: np.ndarray, y: np.ndarray, looks: Looks, photo: Photo) -> np.ndarray:
    """Return the colours of the skin without shading, (3, H, W)."""
    rng = np.random.default_rng(looks.who.texture)
    shape = (y.size, x.size)
    red = (0.05 + 0.2 * looks.blush + 0.04 * photo.smile) * pair(
        x, y, (0.4, looks.nose_y - 0.03), (0.2, 0.16)
    )
    red += (0.05 + 0.05 * looks.dull) * blob(
        x, y, (0, looks.nose_y - 0.05), (0.13, 0.1)
    )
    blotches = 0.05 * looks.dull * noise(rng, (14, 10), shape)
    pores = (0.004 + 0.022 * looks.dull) * noise(rng, (60, 44), shape)
    ring = (
        0.17
        * (0.35 + 0.65 * looks.bags)
        * pair(x, y, (looks.eye_x, looks.eye_y + 0.09), (0.14, 0.06))
    )
    plane = planes(looks.skin) * (1 + pores - ring)
    red = red + blotches
    return plane * (1 - red * np.array([0.12, 0.62, 0.55], np.float32)[:, None, None])


def _both(half: list[tuple[float, float]]) -> np.ndarray:
    """Return a smooth symmetric outline (N, 2).

    Args:
        half: points of its right half, from top to bottom.
    """
    right = curve(half)
    return np.concatenate([right, mirrored(right[::-1], -1)])


def _step(value: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return a smooth step: 0 below low, 1 above high."""
    t = ((value - low) / (high - low)).clip(0, 1)
    return t * t * (3 - 2 * t)
