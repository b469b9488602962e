"""Drawing the parts of a face: head, ears, eyes, eyebrows, nose and mouth."""

import numpy as np

from synthetic_data.anime_faces.parameters import Face
from synthetic_data.drawing.pen import (
    WHITE,
    Colour,
    Pen,
    Points,
    curve,
    darker,
    ellipse,
    lighter,
    mirrored,
    mix,
    stroke,
)

SIDES = (-1, 1)
_MOUTH: Colour = (140, 42, 58)
_TONGUE: Colour = (242, 128, 128)
# The lids in half sizes of an eye: x from the inner corner -1 to the outer corner 1,
# y down.
_UPPER_LID = ((-1, 0.3), (-0.78, -0.5), (-0.1, -1), (0.58, -0.74), (1, 0))
_LOWER_LID = ((-1, 0.3), (-0.6, 0.78), (0.1, 0.95), (0.75, 0.62), (1, 0))
_LID = curve(_UPPER_LID)
_UNDER = curve(_LOWER_LID)


def skin_shadow(face: Face) -> Colour:
    """Return the colour of skin in shadow."""
    red, green, blue = face.skin_rgb
    return (0.93 * red, 0.78 * green, 0.79 * blue)


def skin_edge(face: Face) -> Colour:
    """Return the colour of lines on skin."""
    return darker(skin_shadow(face), 0.5)


def head(face: Face) -> np.ndarray:
    """Return the outline of cheeks and chin.

    Returns:
        Points (N, 2) in head units, from the left temple to the right one.
    """
    w, c = face.face_width, face.chin
    right = [
        (w, -0.35),
        (w + 0.015, 0.1),
        (0.93 * w, 0.45),
        (0.7 * w, 0.8),
        (c + 0.1, 1.04),
    ]
    left = [(-x, y) for x, y in right]
    return curve([*left, (0, 1.13), *right[::-1]])


def draw_ears(pen: Pen, face: Face) -> None:
    """Draw both ears."""
    for side in SIDES:
        w = face.face_width
        outer = [
            (w - 0.12, 0.02),
            (w + 0.1, -0.02),
            (w + 0.14, 0.18),
            (w + 0.05, 0.44),
            (w - 0.12, 0.5),
        ]
        inner = [(w + 0.06, 0.08), (w + 0.05, 0.22), (w, 0.34)]
        pen.shape(mirrored(curve(outer), side), face.skin_rgb, skin_edge(face))
        pen.fill(mirrored(stroke(inner, 0.07), side), skin_shadow(face))


def draw_head(pen: Pen, face: Face) -> None:
    """Draw the skin, the shadow on one cheek and the blush."""
    outline = head(face)
    skull = curve([(face.face_width, -0.35), (0, -1.05), (-face.face_width, -0.35)])
    pen.fill(np.concatenate([outline, skull]), face.skin_rgb)
    # The light comes from the left, so the shadow is on the right.
    edge = outline[len(outline) // 2 :]
    inset = edge * (0.86, 0.97) + (0.0, -0.02)
    pen.fill(np.concatenate([edge, inset[::-1]]), skin_shadow(face), 0.75)
    if face.blush > 0.05:
        pink = mix(skin_shadow(face), (255, 96, 112), 0.5)
        for side in SIDES:
            for size in (0.7, 1):
                cheek = ellipse(side * 0.52, 0.62, 0.2 * size, 0.095 * size)
                pen.fill(cheek, pink, 0.3 * face.blush)
    pen.line(outline, skin_edge(face), 0.045)


def draw_nose(pen: Pen, face: Face) -> None:
    """Draw the nose as one short line."""
    y = 0.5 * (face.eye_y + face.mouth_y) + 0.07
    nose = [(0.0, y - 0.07), (0.035, y), (-0.02, y + 0.02)]
    pen.fill(stroke(nose, 0.06, start=0.2), darker(skin_shadow(face), 0.22))


def draw_mouth(pen: Pen, face: Face) -> None:
    """Draw the mouth that `face.mouth` names."""
    y, w = face.mouth_y, face.mouth_width
    line = mix(skin_edge(face), _MOUTH, 0.6)
    if face.mouth == "open":
        lips = [(-w, y - 0.03), (0, y), (w, y - 0.03)]
        jaw = [(w, y - 0.03), (0.62 * w, y + 0.15), (0, y + 0.21)]
        jaw += [(-x, v) for x, v in jaw[-2::-1]]
        inside = np.concatenate([curve(lips), curve(jaw)[1:]])
        pen.fill(inside, _MOUTH)
        pen.fill(ellipse(0, y + 0.145, 0.5 * w, 0.05), _TONGUE)
        pen.outline(inside, line, 0.03)
    elif face.mouth == "surprised":
        pen.shape(ellipse(0, y + 0.05, 0.42 * w, 0.085), _MOUTH, line, 0.03)
    else:
        bend = {
            "closed": [(-0.75, 0), (0, 0.012), (0.75, 0)],
            "smile": [(-1.1, -0.045), (-0.5, 0.025), (0.5, 0.025), (1.1, -0.045)],
            "cat": [(-1, -0.03), (-0.5, 0.05), (0, -0.015), (0.5, 0.05), (1, -0.03)],
            "pout": [(-0.6, 0.05), (0, -0.005), (0.6, 0.05)],
        }[face.mouth]
        points = [(w * x, y + v) for x, v in bend]
        pen.fill(stroke(points, 0.055, 0.35, 0.35), line)
        if face.mouth != "cat":
            lip = [(-0.3 * w, y + 0.1), (0.3 * w, y + 0.1)]
            pen.fill(stroke(lip, 0.04), skin_shadow(face))


def draw_eyes(pen: Pen, face: Face) -> None:
    """Draw both eyes, open or closed."""
    for side in SIDES:
        shut = face.eye_shape == "closed" or (
            face.eye_shape == "wink" and side == face.side
        )
        if shut:
            _draw_shut_eye(pen, face, side)
        else:
            _draw_open_eye(pen, face, side)


def draw_brows(pen: Pen, face: Face, opacity: float = 1) -> None:
    """Draw the eyebrows."""
    colour = darker(face.hair_rgb, 0.62)
    rise = 1 + face.brow_y / face.eye_height
    for side in SIDES:
        points = np.array([(-0.7, 0.06), (0.1, -0.1), (0.9, 0.04)]) - (0, rise)
        points[:, 1] -= 2 * face.brow_slant * points[:, 0]
        brow = stroke(_placed(points, face, side), face.brow_width, 0.6)
        pen.fill(brow, colour, opacity)


def _placed(points: Points, face: Face, side: int) -> np.ndarray:
    """Transform points from the coordinates of an eye to head units.

    Args:
        points: (N, 2), x outwards and y down, in half sizes of an eye.
        face: the face, which has position, size and slant of the eyes.
        side: which eye, -1 for left or 1 for right in the image.

    Returns:
        Points (N, 2) in head units.
    """
    u, v = np.asarray(points, float).T
    x = side * (face.eye_gap + face.eye_width * u)
    y = face.eye_y + face.eye_height * v - face.eye_slant * u
    return np.stack([x, y], axis=1)


def _lash_colour(face: Face) -> Colour:
    """Return the colour of lashes: nearly black, with a tint of the hair colour."""
    return mix(darker(face.hair_rgb, 0.9), (34, 20, 36), 0.55)


def _draw_shut_eye(pen: Pen, face: Face, side: int) -> None:
    """Draw a closed, laughing eye: one arc and a lash."""
    arc = [(-1, 0.35), (-0.55, -0.12), (0, -0.25), (0.55, -0.12), (1.05, 0.4)]
    pen.fill(stroke(_placed(arc, face, side), 0.11, 0.2, 0.3), _lash_colour(face))
    wing = [(0.7, 0.02), (1.25, 0.02)]
    pen.fill(stroke(_placed(wing, face, side), 0.07, 0.8), _lash_colour(face))


def _draw_open_eye(pen: Pen, face: Face, side: int) -> None:
    """Draw an open eye: white, shadow of the lid, iris, lashes and crease."""
    lid, under = _placed(_LID, face, side), _placed(_UNDER, face, side)
    white = np.concatenate([lid, under[::-1]])
    pen.fill(white, (253, 252, 255))
    shadow = np.concatenate([_LID, (_LID + (0, 0.34))[::-1]])
    pen.fill(_placed(_inside(shadow), face, side), (198, 196, 220))
    _draw_iris(pen, face, side)
    colour = _lash_colour(face)
    # The upper lashes become thicker towards the outer corner and end in a point.
    thick = np.interp(_LID[:, 0], (-1, 0, 1), (0.13, 0.24, 0.34))
    top = _LID - np.stack([-0.07 * thick, thick], axis=1)
    wing = np.array([(1.22, -0.12), (1.02, 0.12)])
    lash = np.concatenate([_LID[::-1], top, wing])
    pen.fill(_placed(lash, face, side), colour)
    low = stroke(_placed([(0.1, 0.97), (0.6, 0.8), (0.97, 0.15)], face, side), 0.045)
    pen.fill(low, mix(colour, skin_edge(face), 0.4))
    crease = [(-0.6, -1.12), (0.1, -1.45), (0.85, -1.0)]
    pen.fill(stroke(_placed(crease, face, side), 0.035), skin_edge(face))


def _inside(points: np.ndarray) -> np.ndarray:
    """Clip points, in the coordinates of an eye, to the area between its lids."""
    u, v = points.T
    low = np.interp(u, *_LID.T)
    high = np.interp(u, *_UNDER.T)
    return np.stack([u, np.minimum(np.maximum(v, low), high)], axis=1)


def _draw_iris(pen: Pen, face: Face, side: int) -> None:
    """Draw the iris (dark at the top, light at the bottom), pupil and highlights."""
    colour = face.eye_rgb
    u, v = 0.2 * side * face.gaze[0] - 0.04, 0.02 + 0.1 * face.gaze[1]
    rx, ry = face.iris, 0.97

    def disc(x: float, y: float, width: float, height: float) -> np.ndarray:
        return ellipse(u + x * rx, v + y * ry, width * rx, height * ry)

    def fill(points: np.ndarray, ink: Colour) -> None:
        pen.fill(_placed(_inside(points), face, side), ink)

    fill(disc(0, 0, 1, 1), darker(colour, 0.8))
    fill(disc(0, 0.04, 0.84, 0.88), darker(colour, 0.12))
    fill(disc(0, 0.48, 0.6, 0.4), lighter(colour, 0.42))
    top = disc(0, 0, 0.9, 0.95)
    top[:, 1] = np.minimum(top[:, 1], v - 0.3 * ry)
    fill(top, darker(colour, 0.72))
    fill(disc(0, 0.02, 0.36, 0.44), darker(colour, 0.92))
    # Both highlights come from the same light, so they are on the left of both irises.
    fill(disc(-0.36 * side, -0.42, 0.34, 0.27), WHITE)
    fill(disc(0.4 * side, 0.5, 0.17, 0.14), lighter(colour, 0.85))
