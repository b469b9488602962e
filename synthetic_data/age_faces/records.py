"""The rows of the stand-in's wiki.mat, including faulty ones as in the real set."""

import datetime
import io
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from scipy.io import savemat

from synthetic_data.age_faces.people import person_of

# Youngest and oldest age of each age class, years.
CLASSES = ((2, 18), (19, 29), (30, 39), (40, 49), (50, 59), (60, 85))
MAX_PEOPLE, MAX_PHOTOS = 20_000, 60
Kind = Literal[
    "good", "no_face", "second_face", "too_old", "unborn", "no_image", "no_file"
]
_TRAPS: tuple[Kind, ...] = (
    "no_face",
    "second_face",
    "too_old",
    "unborn",
    "no_image",
    "no_file",
)
_TRAP_SHARE = 0.02  # faulty rows per good row
_MATLAB = 366  # MATLAB counts days from the year 0, Python from the year 1
_FIRST_ID = 10_000

# First names and family names are composed of syllables.
_STARTS = "Al Be Ca Da El Fi Ga Ha Is Jo Ka Le Mi No Or Pa Re Sa Ti Ul Vi Wa Ya".split()
_MIDDLES = "la ri no mi de va so re ti lu".split()
_ENDINGS = ("na", "lia", "ra"), ("n", "ron", "mas")  # women, men
_FAMILY = "Ash Bram Cor Dell Eck Fern Grim Holm Ives Jarl Kell Lund Marl North".split()
_HOUSES = "bury den field gate ham kins ley man quist rup sen ton vale wood".split()


class Record(NamedTuple):
    """One row of wiki.mat.

    Attributes:
        path: path of the image file below the folder, with "/" as separator.
        person: number of the person who is drawn.
        photo: number of the photo of this person.
        age: age at which the person is drawn, years.
        name: name of the person.
        gender: 0 for a woman, 1 for a man.
        born: date of birth in the row; faulty rows may hold an impossible one.
        taken: year of the photo.
        kind: "good", or the fault of the row.
    """

    path: str
    person: int
    photo: int
    age: int
    name: str
    gender: int
    born: datetime.date
    taken: int
    kind: Kind


def make_records(people: int, photos: int, seed: int) -> list[Record]:
    """Return all rows, sorted by path.

    The photos of a person go through the age classes in random order, again and again.

    Args:
        people: number of people with good rows.
        photos: number of good rows of each person.
        seed: seed of the data set. The good rows of a person depend on it and on the
            person's number only.

    Returns:
        people * photos good rows and about 2 % more (at least 6) faulty ones.
    """
    records = []
    for person in range(people):
        records += _life(person, photos, seed)
    count = max(len(_TRAPS), round(_TRAP_SHARE * people * photos))
    for number in range(count):
        row = _life(people + number, 1, seed)[0]
        records.append(_trapped(row, _TRAPS[number % len(_TRAPS)]))
    return sorted(records)


def _ages(photos: int, rng: np.random.Generator) -> list[int]:
    """Draw different ages: one from each class before any class is repeated."""
    left = [rng.permutation(np.arange(low, high + 1)).tolist() for low, high in CLASSES]
    order = [int(k) for _ in range(-(-photos // 6)) for k in rng.permutation(6)]
    return [left[k].pop() for k in order[:photos]]


def _life(person: int, photos: int, seed: int) -> list[Record]:
    """Return the good rows of one person."""
    rng = np.random.default_rng([3, seed, person])
    ages = _ages(photos, rng)
    born = datetime.date(int(rng.integers(1900, 1936)), 1, 1)
    born += datetime.timedelta(days=int(rng.integers(365)))
    gender = person_of(seed, person).gender
    return [
        Record(
            path=_path(person, born, taken),
            person=person,
            photo=photo,
            age=age,
            name=_name(person, gender),
            gender=gender,
            born=born,
            taken=taken,
            kind="good",
        )
        for photo, age in enumerate(ages)
        for taken in [born.year + age + (born.month >= 7)]
    ]


def _path(person: int, born: datetime.date, taken: int) -> str:
    number = _FIRST_ID + 37 * person
    return f"{number % 100:02d}/{number}_{born}_{taken}.jpg"


def _trapped(row: Record, kind: Kind) -> Record:
    """Return a row with a fault of the given kind."""
    years = {"too_old": -120, "unborn": 110}.get(kind, 0)
    born = row.born.replace(year=row.born.year + years, day=min(row.born.day, 28))
    path = _path(row.person, born, row.taken)
    return row._replace(path=path, born=born, kind=kind)


def _name(person: int, gender: int) -> str:
    """Return a unique name: its syllables encode the person's number."""
    parts = []
    for syllables in (_FAMILY, _HOUSES, _STARTS, _MIDDLES):
        person, place = divmod(person, len(syllables))
        parts.append(syllables[place])
    ending = _ENDINGS[gender][person]
    return f"{parts[2]}{parts[3]}{ending} {parts[0]}{parts[1]}"


def write_mat(path: Path, records: list[Record], size: int) -> None:
    """Write the rows as the struct `wiki` of a MATLAB file, as in IMDB-WIKI.

    Args:
        path: path of the file to write.
        records: the rows.
        size: edge of the images, pixels; scales the face boxes.
    """
    rng = np.random.default_rng(len(records))
    edge = size * np.array([0.25, 0.22, 0.75, 0.88])
    boxes = [edge + size * rng.uniform(-0.02, 0.02, 4) for _ in records]
    scores = rng.uniform(2, 6, len(records))
    scores[[r.kind == "no_face" for r in records]] = -np.inf
    second = np.full(len(records), np.nan)
    twice = np.array([r.kind == "second_face" for r in records])
    second[twice] = rng.uniform(1, 3, int(twice.sum()))
    table = {
        "dob": _row([float(r.born.toordinal() + _MATLAB) for r in records]),
        "photo_taken": _row([r.taken for r in records]).astype(np.uint16),
        "full_path": _cells([r.path for r in records]),
        "gender": _row([float(r.gender) for r in records]),
        "name": _cells([r.name for r in records]),
        "face_location": _cells([box[None] for box in boxes]),
        "face_score": _row(scores),
        "second_face_score": _row(second),
    }
    content = io.BytesIO()
    savemat(content, {"wiki": table}, do_compression=True)
    path.write_bytes(content.getvalue())


def _row(values: list | np.ndarray) -> np.ndarray:
    """Return values as an array (1, N)."""
    return np.array(values)[None]


def _cells(values: list) -> np.ndarray:
    """Return values as a MATLAB cell array (1, N)."""
    cells = np.empty((1, len(values)), object)
    for place, value in enumerate(values):
        cells[0, place] = value
    return cells
