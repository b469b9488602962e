"""Random identities of people, and what differs between two photos of a person."""

from dataclasses import dataclass

import numpy as np

from synthetic_data.drawing.pen import Colour, from_hsv, mix

# From the lightest to the darkest skin, sRGB.
_SKINS: tuple[Colour, ...] = (
    (250, 221, 202),
    (242, 203, 176),
    (232, 188, 150),
    (213, 162, 118),
    (182, 128, 88),
    (148, 100, 70),
    (118, 78, 55),
    (92, 61, 45),
)
_HAIRS: dict[str, Colour] = {
    "black": (32, 27, 28),
    "dark": (62, 42, 32),
    "brown": (104, 68, 44),
    "auburn": (128, 58, 32),
    "red": (158, 80, 46),
    "honey": (166, 122, 70),
    "blond": (218, 180, 112),
}
# Weights of the hair colours (in the order of `_HAIRS`) for light, middle and dark
# skin.
_HAIR_WEIGHTS = {
    "light": (1.0, 1.5, 1.5, 1.2, 1.3, 1.2, 1.6),
    "middle": (2.5, 2.0, 1.2, 0.4, 0.0, 0.4, 0.1),
    "dark": (3.0, 1.0, 0.2, 0.2, 0.0, 0.0, 0.0),
}
_EYES: dict[str, Colour] = {
    "brown": (84, 52, 30),
    "dark": (50, 32, 24),
    "hazel": (126, 96, 48),
    "green": (92, 124, 80),
    "blue": (84, 124, 168),
    "grey": (116, 128, 138),
}
# Hairstyles and their weights, women's first: the index is the gender, as in wiki.mat.
_STYLES: tuple[dict[str, float], dict[str, float]] = (
    {"bob": 2, "long": 2, "wavy": 2, "bun": 1.3, "pixie": 1, "curly": 0.5, "afro": 0.7},
    {
        "buzz": 1.3,
        "side_part": 2,
        "quiff": 1.6,
        "pixie": 1.2,
        "curly": 1.4,
        "afro": 0.7,
        "long": 0.5,
    },
)
_BEARDS = {"none": 3.0, "stubble": 1.5, "moustache": 1.2, "goatee": 1.0, "full": 1.6}


@dataclass(frozen=True)
class Person:
    """The identity of a person: all features that do not depend on the age.

    Numbers are in [-1, 1], with 0 for the average, unless stated otherwise.

    Attributes:
        gender: 0 for a woman, 1 for a man.
        skin, hair, eye: colours as a young adult, 0 to 255.
        style: name of the hairstyle.
        beard: name of the kind of beard, "none" for women.
        width, jaw, chin, forehead: shape of the head.
        eye_gap, eye_size, eye_tilt: position, size and slant of the eyes.
        brow_width, brow_arch, brow_height: thickness, arch and height of the eyebrows.
        nose_width, nose_length, mouth_width, lips, ears: sizes of these features.
        freckles: strength of freckles, 0 for none to 1.
        mole: position (x, y) of a mole in head units, or None.
        glasses: colour of the frame of the glasses, or None.
        balding: strength of hair loss, 0 for none to 1.
        greying: how many years later than average the hair turns grey, -3 to 3.
        side: where the hair is parted, 1 for left or -1 for right in the image.
        volume: volume of the hair.
        texture: seed of the irregularities of skin and hair.
    """

    gender: int
    skin: Colour
    hair: Colour
    eye: Colour
    style: str
    beard: str
    width: float
    jaw: float
    chin: float
    forehead: float
    eye_gap: float
    eye_size: float
    eye_tilt: float
    brow_width: float
    brow_arch: float
    brow_height: float
    nose_width: float
    nose_length: float
    mouth_width: float
    lips: float
    ears: float
    freckles: float
    mole: tuple[float, float] | None
    glasses: Colour | None
    balding: float
    greying: float
    side: int
    volume: float
    texture: int


@dataclass(frozen=True)
class Photo:
    """What differs between two photos of a person at the same age.

    Attributes:
        x, y: shift of the head to the right and down, in head units.
        scale: size of the head, about 1.
        tilt: clockwise rotation of the head in degrees.
        light: components, to the right and upwards, of the unit vector that points
            to the light; the third component points to the camera.
        brightness: factor on all colours, about 1.
        smile: strength of the smile, 0 to 1.
        gaze: how far the eyes look to the right and down, each in [-1, 1].
        back, back2: colours of the background in the upper left and lower right
            corner, 0 to 255.
        cloth: colour of the clothes, 0 to 255.
        collar: depth of the neckline, 0 for high to 1 for low.
        grain: seed of the sensor noise.
    """

    x: float
    y: float
    scale: float
    tilt: float
    light: tuple[float, float]
    brightness: float
    smile: float
    gaze: tuple[float, float]
    back: Colour
    back2: Colour
    cloth: Colour
    collar: float
    grain: int


def person_of(seed: int, number: int) -> Person:
    """Return a person by number.

    Args:
        seed: seed of the data set, a whole number from 0.
        number: number of the person, from 0.

    Returns:
        The same person for the same seed and number.
    """
    return sample_person(np.random.default_rng([1, seed, number]))


def photo_of(seed: int, number: int, photo: int) -> Photo:
    """Return pose, light, smile, clothes and background of a photo by number.

    Args:
        seed: seed of the data set, a whole number from 0.
        number: number of the person, from 0.
        photo: number of the photo of this person, from 0.

    Returns:
        The same values for the same three numbers.
    """
    return sample_photo(np.random.default_rng([2, seed, number, photo]))


def sample_person(rng: np.random.Generator) -> Person:
    """Draw a random identity.

    Args:
        rng: the source of all random numbers.
    """
    gender = int(rng.integers(2))
    tone = rng.uniform(0, len(_SKINS) - 1)
    style = _pick(_STYLES[gender], rng)
    mole = (rng.choice([-1, 1]) * rng.uniform(0.22, 0.45), rng.uniform(0.3, 0.78))
    moles, glasses = rng.random() < 0.3, rng.random() < 0.1
    frame = from_hsv(rng.choice([20, 215, 350]), rng.uniform(0.2, 0.6), 0.22)
    bald = (0.0, rng.uniform(0, 1) if rng.random() < 0.45 else 0.0)
    return Person(
        gender=gender,
        **_colours(tone, rng),
        style=style,
        beard=_pick(_BEARDS, rng) if gender else "none",
        **_shape(rng),
        freckles=max(0, rng.uniform(-2.5, 1)) if tone < 2.5 else 0.0,
        mole=mole if moles else None,
        glasses=frame if glasses else None,
        balding=bald[gender],
        greying=3 * float(rng.uniform(-1, 1)),
        side=int(rng.choice([-1, 1])),
        volume=rng.uniform(-1, 1),
        texture=int(rng.integers(2**31)),
    )


def sample_photo(rng: np.random.Generator) -> Photo:
    """Draw random pose, light, smile, clothes and background of one photo.

    Args:
        rng: the source of all random numbers.
    """
    normal = rng.standard_normal(6).clip(-2, 2).tolist()
    hue = rng.uniform(0, 360)
    bright = rng.uniform(0.45, 0.92)
    return Photo(
        x=0.025 * normal[0],
        y=0.025 * normal[1],
        scale=1 + 0.015 * normal[2],
        tilt=2.5 * normal[3],
        light=(0.3 * rng.uniform(-1, 1), 0.34 + 0.1 * rng.uniform(-1, 1)),
        brightness=1 + 0.025 * normal[4],
        smile=rng.uniform(0, 1),
        gaze=(rng.uniform(-1, 1), rng.uniform(-1, 1)),
        back=from_hsv(hue, rng.uniform(0.05, 0.3), bright),
        back2=from_hsv(hue + 20, rng.uniform(0.05, 0.3), bright * 0.82),
        cloth=from_hsv(rng.uniform(0, 360), rng.uniform(0, 0.6), rng.uniform(0.2, 0.8)),
        collar=rng.uniform(0, 1),
        grain=int(rng.integers(2**31)),
    )


def _pick(weights: dict[str, float], rng: np.random.Generator) -> str:
    """Draw a name with a probability proportional to its weight."""
    chances = np.array(list(weights.values()))
    return str(rng.choice(list(weights), p=chances / chances.sum()))


def _colours(tone: float, rng: np.random.Generator) -> dict[str, Colour]:
    """Draw colours of skin, hair and eyes that occur together.

    Args:
        tone: index into `_SKINS`, 0 for the lightest; in between, two are mixed.
        rng: the source of all random numbers.
    """
    low = min(int(tone), len(_SKINS) - 2)
    skin = mix(_SKINS[low], _SKINS[low + 1], tone - low)
    reddish = rng.uniform(-4, 4)
    kind = "light" if tone < 2.5 else "middle" if tone < 4.5 else "dark"
    hair = _pick(dict(zip(_HAIRS, _HAIR_WEIGHTS[kind], strict=True)), rng)
    eyes = (
        list(_EYES) if kind == "light" else list(_EYES)[: 3 if kind == "middle" else 2]
    )
    shade = rng.uniform(0.85, 1.15)
    return {
        "skin": (skin[0] + reddish, skin[1], skin[2] - reddish),
        "hair": tuple(shade * c for c in _HAIRS[hair]),
        "eye": _EYES[str(rng.choice(eyes))],
    }


def _shape(rng: np.random.Generator) -> dict[str, float]:
    """Draw the proportions of a face.

    The distributions are uniform, so that fewer people look alike than with normal
    ones.
    """
    names = (
        "width jaw chin forehead eye_gap eye_size eye_tilt brow_width brow_arch "
        "brow_height nose_width nose_length mouth_width lips ears"
    ).split()
    return dict(zip(names, rng.uniform(-1, 1, len(names)).tolist(), strict=True))
