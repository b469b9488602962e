"""Puts one face together, from the background to the front."""

import numpy as np

from common.synthetic import anime_extras as extras
from common.synthetic import anime_features as features
from common.synthetic import anime_hair as hair
from common.synthetic.anime_parameters import Face
from common.synthetic.anime_pen import OVERSAMPLING, Pen

_PIVOT = (0, 0.4)
_BODY = -0.2  # shoulders sit close under the chin, to be seen at all


def draw(face: Face, size: int = 64) -> np.ndarray:
    """Draw a face.

    Args:
        face: all that the drawing depends on.
        size: pixels along each side.

    Returns:
        uint8 (size, size, 3).
    """
    full = OVERSAMPLING * size
    image = extras.make_background(face, full)
    unit, x, y = full * face.scale, full * (0.5 + face.x), full * (0.5 + face.y)
    body = Pen(image, unit, (x, y + _BODY * unit))
    head = Pen(image, unit, (x, y), _PIVOT, face.tilt)
    front = Pen(image, unit, (x, y), _PIVOT, face.tilt, (face.yaw, face.pitch))
    hair.draw_back_hair(head, face)
    extras.draw_neck(body, face)
    extras.draw_clothes(body, face)
    if not hair.covers_ears(face):
        features.draw_ears(head, face)
    features.draw_head(front, face)
    hair.draw_fringe_shadow(front, face)
    features.draw_nose(front, face)
    features.draw_mouth(front, face)
    features.draw_eyes(front, face)
    features.draw_brows(front, face)
    hair.draw_front_hair(front, face)
    features.draw_brows(front, face, opacity=0.4)
    if face.accessory == "glasses":
        extras.draw_glasses(front, face)
    elif face.accessory == "cat_ears":
        extras.draw_cat_ears(head, face)
    if face.hair_style == "braids":
        extras.draw_braids(body, face)
    elif face.hair_style == "twintails":
        extras.draw_ties(head, face)
    extras.draw_accessory(front, face)
    return np.asarray(image.reduce(OVERSAMPLING))
