"""How age changes a person: proportions of the face and strength of the age signs."""

from dataclasses import dataclass

import numpy as np

from synthetic_data.age_faces.people import Person
from synthetic_data.drawing.pen import Colour, mix

_GREY: Colour = (142, 140, 140)
_WHITE: Colour = (192, 191, 190)


@dataclass(frozen=True)
class Looks:
    """The appearance of a person at one age.

    Lengths and positions are in head units: half the height of the head, with the
    origin in its middle, x to the right and y down. Strengths go from 0 to 1.

    Attributes:
        who: the person.
        skin, lips: colours at this age, 0 to 255.
        child: 1 for a newborn, 0 from the age of 20.
        temple, cheek, jaw, chin: half widths of the head, from top to bottom.
        bottom: y of the chin.
        eye_x, eye_y: centre of the right-hand eye in the image.
        eye_width, eye_height: half sizes of an eye.
        eye_tilt: how much higher the outer corner of an eye is than the inner one.
        hood: strength of drooping upper eyelids.
        brow_y, brow_width: y and thickness of the eyebrows.
        nose_y, nose_width: y of the base and half width of the nose.
        mouth_y, mouth_width: y and half width of the mouth.
        upper_lip, lower_lip: heights of the lips.
        hairline: y of the hairline at the middle of the forehead.
        bald: strength of hair loss on the top of the head.
        grey: strength of greying; white: how white the grey hairs are.
        forehead_lines, crow_feet, folds, bags, mouth_lines, frown: strengths of the
            wrinkles; `folds` run from the nose to the corners of the mouth, `bags`
            are below the eyes.
        sag: strength of sagging cheeks and jaw.
        relief: how clearly the bones show under the skin.
        blush: redness of the cheeks.
        spots: strength of age spots; dull: unevenness of the skin.
        beard: how far the beard has grown.
    """

    who: Person
    skin: Colour
    lips: Colour
    child: float
    temple: float
    cheek: float
    jaw: float
    chin: float
    bottom: float
    eye_x: float
    eye_y: float
    eye_width: float
    eye_height: float
    eye_tilt: float
    hood: float
    brow_y: float
    brow_width: float
    nose_y: float
    nose_width: float
    mouth_y: float
    mouth_width: float
    upper_lip: float
    lower_lip: float
    hairline: float
    bald: float
    grey: float
    white: float
    forehead_lines: float
    crow_feet: float
    folds: float
    bags: float
    mouth_lines: float
    frown: float
    sag: float
    relief: float
    blush: float
    spots: float
    dull: float
    beard: float

    @property
    def hair(self) -> Colour:
        """The colour of hairs that are not grey; lighter in children, unless dark."""
        pale = mix(self.who.hair, (236, 204, 150), 0.22)
        return mix(self.who.hair, pale, self.child * (sum(self.who.hair) > 180))

    @property
    def grey_hair(self) -> Colour:
        """The colour of grey hairs."""
        return mix(_GREY, _WHITE, self.white)


def at_age(who: Person, age: float) -> Looks:
    """Compute the appearance of a person at an age.

    Args:
        who: the person.
        age: age in years, 0 to 100.

    Returns:
        The appearance; the same arguments always give the same values.
    """
    child = 1 - _ramp(age, 0, 20)
    sag = _ramp(age, 32, 80)
    return Looks(
        who=who,
        child=child,
        sag=sag,
        **_tints(who, age, child),
        **_outline(who, age, child, sag),
        **_features(who, age, child, sag),
        **_signs(age),
        bald=who.balding * _ramp(age, 22, 62),
        grey=_ramp(age - who.greying, 34, 66),
        white=_ramp(age, 50, 80),
        hairline=-0.6 - 0.05 * who.forehead - 0.12 * who.balding * _ramp(age, 22, 55),
        beard=_ramp(age, 15, 21),
    )


def _ramp(age: float, start: float, end: float) -> float:
    """Return a linear ramp over age: 0 up to start, 1 from end."""
    return float(np.clip((age - start) / (end - start), 0, 1))


def _tints(who: Person, age: float, child: float) -> dict[str, Colour]:
    """Return the colours of skin and lips, which become duller with age."""
    grey = sum(who.skin) / 3
    dull = mix(who.skin, (grey * 1.02, grey * 0.96, grey * 0.86), 0.5)
    skin = mix(who.skin, dull, _ramp(age, 20, 78))
    skin = tuple(c * (1 + 0.03 * child) for c in skin)
    red = mix(skin, (186, 70, 78), 0.42 + 0.1 * who.lips)
    lips = mix(red, mix(skin, (120, 70, 66), 0.3), 0.75 * _ramp(age, 25, 85))
    return {"skin": skin, "lips": lips}


def _outline(who: Person, age: float, child: float, sag: float) -> dict[str, float]:
    """Return the half widths of the head.

    Children have round heads; old people have square jaws.
    """
    width = 1 + 0.075 * who.width
    full = 0.03 * _ramp(age, 20, 48)
    return {
        "temple": width * (0.65 + 0.09 * child),
        "cheek": width * (0.66 + 0.09 * child + full),
        "jaw": width * (0.51 + 0.06 * who.jaw + 0.065 * child + full + 0.05 * sag),
        "chin": 0.25 + 0.06 * who.chin - 0.035 * child + 0.04 * sag,
        "bottom": 1 - 0.05 * child,
    }


def _features(who: Person, age: float, child: float, sag: float) -> dict[str, float]:
    """Return positions and sizes of eyes, eyebrows, nose and mouth."""
    eye_y = 0.01 + 0.19 * child
    brow_y = eye_y - 0.205 - 0.03 * who.brow_height + 0.025 * sag
    nose = (0.36 + 0.05 * who.nose_length) * (1 - 0.32 * child)
    nose_y = eye_y + nose + 0.035 * _ramp(age, 30, 85)
    lips = (1 + 0.35 * who.lips) * (1 - 0.5 * _ramp(age, 25, 85))
    size = 1 + 0.13 * who.eye_size
    return {
        "eye_x": 0.3 + 0.03 * who.eye_gap + 0.012 * child,
        "eye_y": eye_y,
        "eye_width": 0.138 * size * (1 + 0.2 * child),
        "eye_height": 0.066 * size * (1 + 0.45 * child) * (1 - 0.25 * sag),
        "eye_tilt": 0.022 * who.eye_tilt - 0.012 * sag,
        "hood": _ramp(age, 28, 78),
        "brow_y": brow_y,
        "brow_width": (0.062 + 0.026 * who.brow_width) * (1 - 0.45 * child),
        "nose_y": nose_y,
        "nose_width": (0.135 + 0.03 * who.nose_width)
        * (1 - 0.2 * child + 0.12 * _ramp(age, 25, 85)),
        "mouth_y": nose_y + 0.2 - 0.02 * child,
        "mouth_width": (0.225 + 0.04 * who.mouth_width) * (1 - 0.17 * child),
        "upper_lip": 0.055 * lips,
        "lower_lip": 0.08 * lips,
    }


def _signs(age: float) -> dict[str, float]:
    """Return the strengths of the age signs."""
    return {
        "forehead_lines": _ramp(age, 26, 72),
        "crow_feet": _ramp(age, 30, 70),
        "folds": _ramp(age, 20, 70),
        "bags": _ramp(age, 28, 76),
        "mouth_lines": _ramp(age, 44, 80),
        "frown": _ramp(age, 34, 72),
        "relief": _ramp(age, 12, 45),
        "blush": 1 - _ramp(age, 2, 38),
        "spots": _ramp(age, 48, 80),
        "dull": _ramp(age, 24, 80),
    }
