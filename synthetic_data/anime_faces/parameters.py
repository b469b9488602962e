"""The parameters of a face, and how they are drawn at random."""

from dataclasses import dataclass

import numpy as np

from synthetic_data.drawing.pen import Colour, from_hsv

LOCKS = 16  # number of random irregularities of the locks of hair

# Mean colours as hue (degrees), saturation and value (0 to 1).
_HAIR = {
    "blond": (46, 0.50, 0.97),
    "brown": (22, 0.58, 0.52),
    "black": (240, 0.28, 0.25),
    "red": (4, 0.72, 0.82),
    "pink": (336, 0.38, 0.98),
    "blue": (213, 0.62, 0.84),
    "green": (142, 0.46, 0.68),
    "silver": (225, 0.07, 0.86),
    "purple": (270, 0.50, 0.70),
}
_EYES = {
    "brown": (22, 0.70, 0.50),
    "blue": (212, 0.75, 0.80),
    "green": (140, 0.65, 0.62),
    "red": (355, 0.78, 0.78),
    "purple": (278, 0.60, 0.70),
    "amber": (40, 0.85, 0.85),
    "grey": (215, 0.18, 0.55),
}
_SKIN = {
    "pale": (22, 0.09, 1.00),
    "light": (24, 0.19, 0.99),
    "tan": (26, 0.36, 0.90),
    "brown": (22, 0.48, 0.66),
}

# Weight of each value of an attribute: its probability relative to the others.
_WEIGHTS = {
    "hair_colour": dict.fromkeys(_HAIR, 1.0),
    "hair_style": {
        "long": 3.0,
        "bob": 2.0,
        "short": 1.5,
        "spiky": 1.2,
        "twintails": 1.5,
        "ponytail": 1.2,
        "braids": 1.0,
        "buns": 1.0,
    },
    "fringe": {"choppy": 3.0, "blunt": 2.0, "swept": 2.0, "parted": 1.7, "open": 0.8},
    "eye_colour": dict.fromkeys(_EYES, 1.0),
    "eye_shape": {
        "round": 3.0,
        "tall": 2.5,
        "sharp": 2.0,
        "drooping": 1.5,
        "wink": 0.35,
        "closed": 0.35,
    },
    "skin": {"pale": 3.0, "light": 3.5, "tan": 1.2, "brown": 0.8},
    "mouth": {
        "closed": 2.0,
        "smile": 3.0,
        "open": 2.0,
        "surprised": 0.8,
        "cat": 0.8,
        "pout": 0.8,
    },
    "accessory": {
        "none": 5.0,
        "glasses": 1.2,
        "ribbon": 1.2,
        "hairband": 1.0,
        "hair_clip": 1.0,
        "flower": 1.0,
        "cat_ears": 0.8,
        "headphones": 0.7,
    },
    "clothes": {"sailor": 1.5, "shirt": 1.5, "hoodie": 1.0, "dress": 1.0},
    "background": {
        "plain": 2.5,
        "gradient": 2.0,
        "dots": 1.0,
        "stripes": 1.0,
        "rays": 1.0,
    },
}

# The possible values of each attribute.
ATTRIBUTES: dict[str, tuple[str, ...]] = {
    name: tuple(weights) for name, weights in _WEIGHTS.items()
}


@dataclass(frozen=True)
class Face:
    """All parameters that a drawing depends on.

    Lengths are in head units: the origin is the middle of the head, x points right, y
    points down, and a face is about 1.8 wide and 2.2 high.

    Attributes:
        hair_colour, ..., background: values of the attributes; each is one of
            `ATTRIBUTES[name]`.
        hair_rgb, eye_rgb, skin_rgb: random shades of the named colours, 0 to 255.
        accent_rgb: colour of the accessory, 0 to 255.
        cloth_rgb: colour of the clothes, 0 to 255.
        back_rgb, back2_rgb: colours of the background, 0 to 255.
        x, y: offset of the head from the middle of the image to the right and down,
            as a share of the image's edge.
        scale: size of a head unit, as a share of the image's edge.
        tilt: clockwise rotation of the head in degrees.
        yaw, pitch: how far the middle of the face is shifted to the right and down,
            as if the head were turned.
        face_width, chin: half widths of the cheeks and of the chin.
        eye_width, eye_height: half sizes of an eye.
        eye_gap: horizontal distance of an eye from the middle of the face.
        eye_y: y of the eyes.
        eye_slant: how much the outer corner of an eye is raised.
        gaze: how far the eyes look to the right and down, each in [-1, 1].
        iris: horizontal radius of the iris, as a share of `eye_width`.
        brow_y: distance of the eyebrows above the eyes.
        brow_slant, brow_width: slant and thickness of the eyebrows.
        mouth_y, mouth_width: y and half width of the mouth.
        blush: strength of the blush, 0 for none to 1.
        volume: size of the hair around the head, about 1.
        hair_length: 0 for short to 1 for long.
        part: position of the parting in [-1, 1]; positive values are right of the
            middle, but left of it for a swept fringe.
        wave: strength of waves, 0 for straight hair to 1.
        shine: strength of the highlight on the hair, 0 to 1.
        side: side of the accessory, the ponytail or the winking eye, 1 for right or
            -1 for left in the image.
        locks: `LOCKS` irregularities of the hair, each in [-1, 1].
    """

    hair_colour: str
    hair_style: str
    fringe: str
    eye_colour: str
    eye_shape: str
    skin: str
    mouth: str
    accessory: str
    clothes: str
    background: str
    hair_rgb: Colour
    eye_rgb: Colour
    skin_rgb: Colour
    accent_rgb: Colour
    cloth_rgb: Colour
    back_rgb: Colour
    back2_rgb: Colour
    x: float
    y: float
    scale: float
    tilt: float
    yaw: float
    pitch: float
    face_width: float
    chin: float
    eye_width: float
    eye_height: float
    eye_gap: float
    eye_y: float
    eye_slant: float
    gaze: tuple[float, float]
    iris: float
    brow_y: float
    brow_slant: float
    brow_width: float
    mouth_y: float
    mouth_width: float
    blush: float
    volume: float
    hair_length: float
    part: float
    wave: float
    shine: float
    side: int
    locks: tuple[float, ...]


def sample_face(rng: np.random.Generator) -> Face:
    """Draw random parameters of a face.

    Args:
        rng: the source of all random numbers.
    """
    names = {name: _pick(weights, rng) for name, weights in _WEIGHTS.items()}
    return Face(
        **names,
        **_colours(names, rng),
        **_pose(rng),
        **_features(names["eye_shape"], rng),
        **_hair(rng),
    )


def _pick(weights: dict[str, float], rng: np.random.Generator) -> str:
    """Draw a name with a probability proportional to its weight."""
    limits = np.cumsum(list(weights.values()))
    return list(weights)[int(np.searchsorted(limits, rng.random() * limits[-1]))]


def _shade(
    base: tuple[float, float, float], spread: float, rng: np.random.Generator
) -> Colour:
    """Draw a colour near a base colour.

    Args:
        base: hue in degrees, saturation and value in [0, 1].
        spread: size of the random changes.
        rng: the source of all random numbers.
    """
    hue, saturation, value = base
    jitter = rng.uniform(-spread, spread, 3)
    saturation *= 1 + 1.5 * jitter[1]
    return from_hsv(hue + 45 * jitter[0], saturation, value * (1 + 0.7 * jitter[2]))


def _colours(names: dict[str, str], rng: np.random.Generator) -> dict[str, Colour]:
    """Draw all colours."""
    back, pale = rng.uniform(0, 360), rng.uniform(0.0, 0.24)
    return {
        "hair_rgb": _shade(_HAIR[names["hair_colour"]], 0.16, rng),
        "eye_rgb": _shade(_EYES[names["eye_colour"]], 0.16, rng),
        "skin_rgb": _shade(_SKIN[names["skin"]], 0.06, rng),
        "accent_rgb": from_hsv(rng.uniform(0, 360), rng.uniform(0.5, 0.85), 0.9),
        "cloth_rgb": from_hsv(
            rng.uniform(0, 360), rng.uniform(0.1, 0.75), rng.uniform(0.3, 0.95)
        ),
        "back_rgb": from_hsv(back, pale, rng.uniform(0.9, 1)),
        "back2_rgb": from_hsv(
            back + rng.uniform(-50, 50), pale + 0.12, rng.uniform(0.82, 1)
        ),
    }


def _pose(rng: np.random.Generator) -> dict[str, float]:
    """Draw position, size and rotation of the head."""
    normal = rng.standard_normal(5).clip(-2.2, 2.2).tolist()
    scale, yaw = rng.uniform(0.36, 0.4), 0.13 * normal[3]
    return {
        # A face detector centres the face, so a head that is turned to the right is
        # further left, and the other way round.
        "x": 0.012 * normal[0] - 0.6 * scale * yaw,
        "y": -0.01 + 0.01 * normal[1],
        "scale": scale,
        "tilt": 5.0 * normal[2],
        "yaw": yaw,
        "pitch": 0.03 * normal[4],
    }


def _features(eye_shape: str, rng: np.random.Generator) -> dict[str, object]:
    """Draw positions and sizes of the parts of the face."""
    width, height, slant = {
        "round": (0.29, 0.31, 0.02),
        "tall": (0.25, 0.36, 0.0),
        "sharp": (0.29, 0.235, 0.11),
        "drooping": (0.29, 0.27, -0.09),
    }.get(eye_shape, (0.28, 0.30, 0.01))
    scale = rng.uniform(0.92, 1.1)
    gaze = (rng.standard_normal(2).clip(-1.8, 1.8) / 1.8).tolist()
    return {
        "face_width": rng.uniform(0.84, 0.94),
        "chin": rng.uniform(0.13, 0.26),
        "eye_width": width * scale,
        "eye_height": height * scale,
        "eye_gap": rng.uniform(0.44, 0.49),
        "eye_y": rng.uniform(0.16, 0.23),
        "eye_slant": slant + rng.uniform(-0.02, 0.02),
        "gaze": tuple(gaze),
        "iris": rng.uniform(0.72, 0.84),
        "brow_y": rng.uniform(0.17, 0.26),
        "brow_slant": 0.045 * float(rng.standard_normal()),
        "brow_width": rng.uniform(0.05, 0.085),
        "mouth_y": rng.uniform(0.72, 0.79),
        "mouth_width": rng.uniform(0.13, 0.2),
        "blush": max(0, rng.uniform(-0.4, 1)),
    }


def _hair(rng: np.random.Generator) -> dict[str, object]:
    """Draw the shape of the hair."""
    return {
        "volume": rng.uniform(0.94, 1.1),
        "hair_length": rng.uniform(0, 1),
        "part": rng.uniform(-1, 1),
        "wave": max(0, rng.uniform(-0.6, 1)),
        "shine": rng.uniform(0, 1),
        "side": int(rng.choice([-1, 1])),
        "locks": tuple(rng.uniform(-1, 1, LOCKS).tolist()),
    }
