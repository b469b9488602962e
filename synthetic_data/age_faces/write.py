"""A stand-in for IMDB-WIKI: faces by procedure that have an identity and an age.

The two are independent: one person can be drawn at every age. A folder of them is
laid out as the archive wiki_crop is, with its traps.

Reference:
    Rothe, Timofte & Van Gool 2018, "Deep expectation of real and apparent age from
    a single image without facial landmarks".
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from common.errors import UserError
from synthetic_data.age_faces import features as features
from synthetic_data.age_faces import hair as hair
from synthetic_data.age_faces import head as head
from synthetic_data.age_faces import lines as lines
from synthetic_data.age_faces.ageing import at_age
from synthetic_data.age_faces.people import Person, Photo, person_of, photo_of
from synthetic_data.age_faces.records import (
    MAX_PEOPLE,
    MAX_PHOTOS,
    Record,
    make_records,
    write_mat,
)
from synthetic_data.drawing.canvas import FRAME, Canvas
from synthetic_data.drawing.folders import check_numbers, write_once
from synthetic_data.drawing.pool import run_jobs

MIN_SIZE, MAX_SIZE = 16, 512
_LIMITS = {
    "people": (1, MAX_PEOPLE, ""),
    "photos": (1, MAX_PHOTOS, ""),
    "size": (MIN_SIZE, MAX_SIZE, " pixels"),
}
_MAT = "wiki.mat"
_LEAST = 192  # pixels of a canvas: small pictures are shrunk from one of this size
_CHUNK = 25  # pictures that a process draws between two looks at what comes next
_ALONE = 100  # pictures that are drawn before other processes would have started
_QUALITY = 92
_GRAIN = 2.2  # standard deviation of the sensor's noise, of 255


class _Job(NamedTuple):
    """Pictures that are drawn and written one after the other."""

    folder: Path
    records: list[Record]
    seed: int
    size: int


def draw_person(
    person: int, age: float, photo: int = 0, *, seed: int = 0, size: int = 128
) -> np.ndarray:
    """Draw a person at an age.

    Args:
        person: who, a whole number from 0; the identity depends on it and on
            `seed` alone.
        age: years, 0 to 100.
        photo: which photo of the person, from 0: pose, light, smile, clothes and
            background, whatever the age.
        seed: any whole number from 0.
        size: pixels along each side, 16 to 512.

    Returns:
        uint8 (size, size, 3).

    Raises:
        UserError: a number is out of its range.
    """
    numbers = {"person": person, "photo": photo, "seed": seed, "size": size}
    check_numbers(numbers, _LIMITS)
    if not 0 <= age <= 100:
        raise UserError(f"age: expected 0 to 100 years, found {age}")
    return _draw(person_of(seed, person), age, photo_of(seed, person, photo), size)


def write_wiki(
    folder: Path, people: int = 500, photos: int = 6, seed: int = 0, size: int = 128
) -> None:
    """Write faces as JPEG files, and wiki.mat, which says who they are and how old.

    The photos of a person fall into different classes of age: with six photos,
    one into each. About 2 % more rows hold the traps of the real set: no face, a
    second face, an impossible date of birth, a file that is no picture, and one
    that is missing. All files appear at once, when the last one is done. A folder
    that was written with the same arguments before, or by another process
    meanwhile, is left as it is.

    Args:
        folder: the folder to write into.
        people: how many, 1 to 20,000.
        photos: of each person, 1 to 60.
        seed: any whole number from 0; the same seed gives the same pictures.
        size: pixels along each side, 16 to 512.

    Raises:
        UserError: an argument is out of its range, `folder` holds other files, or
            it cannot be written.
    """
    counts = {"people": people, "photos": photos, "seed": seed, "size": size}
    check_numbers(counts, _LIMITS)
    records = make_records(people, photos, seed)
    files = {record.path for record in records if record.kind != "no_file"}

    def write(temporary: Path) -> None:
        _write_pictures(temporary, records, seed, size)
        write_mat(temporary / _MAT, records, size)

    write_once(Path(folder), counts, files | {_MAT}, write)


def _draw(who: Person, age: float, how: Photo, size: int) -> np.ndarray:
    """Draw from the back to the front, then take the photo."""
    looks = at_age(who, age)
    canvas = Canvas(max(_LEAST, round(1.5 * size)))
    head.draw_background(canvas, how)
    hair.draw_back_hair(canvas, looks)
    head.draw_body(canvas, looks, how)
    head.draw_ears(canvas, looks)
    skull = head.draw_head(canvas, looks, how)
    lines.draw_dots(canvas, looks, skull)
    features.draw_nose(canvas, looks)
    features.draw_beard(canvas, looks)
    features.draw_mouth(canvas, looks, how)
    features.draw_eyes(canvas, looks, how)
    features.draw_brows(canvas, looks)
    hair.draw_front_hair(canvas, looks)
    features.draw_brows(canvas, looks, opacity=0.4)
    features.draw_glasses(canvas, looks)
    return _expose(canvas, how, size)


def _expose(canvas: Canvas, how: Photo, size: int) -> np.ndarray:
    """Return what the camera sees: a canvas moved, leaned, shrunk and grainy."""
    picture = canvas.image.clip(0, 255).astype(np.uint8).transpose(1, 2, 0)
    full = max(size, 128)
    step = FRAME * canvas.unit / full / how.scale
    angle = np.radians(how.tilt)
    cos, sin = step * np.cos(angle), step * np.sin(angle)
    turn = np.array([[cos, sin], [-sin, cos]])
    middle = np.array(
        [full / 2 * (1 + 2 * how.x / FRAME), full / 2 * (1 + 2 * how.y / FRAME)]
    )
    offset = canvas.side / 2 - turn @ middle
    matrix = (*turn[0], offset[0], *turn[1], offset[1])
    image = Image.fromarray(np.ascontiguousarray(picture)).transform(
        (full, full), Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC
    )
    if full > size:
        image = image.resize((size, size), Image.Resampling.BOX)
    rng = np.random.default_rng(how.grain)
    grain = _GRAIN * rng.standard_normal((size, size, 1), np.float32)
    return (
        (np.float32(how.brightness) * np.asarray(image) + grain)
        .clip(0, 255)
        .astype(np.uint8)
    )


def _write_pictures(folder: Path, records: list[Record], seed: int, size: int) -> None:
    """Write the pictures of all records into a new folder."""
    for number in range(100):
        (folder / f"{number:02d}").mkdir(parents=True)
    jobs = [
        _Job(folder, records[start : start + _CHUNK], seed, size)
        for start in range(0, len(records), _CHUNK)
    ]
    run_jobs(
        _write_part,
        jobs,
        total=len(records),
        title="drawing faces",
        unit="face",
        processes=1 if len(records) <= _ALONE else None,
    )


def _write_part(job: _Job) -> list[str]:
    """Write the pictures of one job; return the paths of its records."""
    for record in job.records:
        path = job.folder / record.path
        if record.kind == "no_image":
            path.write_bytes(b"\xff\xd8\xff not a picture")
        elif record.kind != "no_file":
            picture = Image.fromarray(_picture(record, job.seed, job.size))
            picture.save(path, quality=_QUALITY)
    return [record.path for record in job.records]


def _picture(record: Record, seed: int, size: int) -> np.ndarray:
    """Return the picture of a record, uint8 (size, size, 3)."""
    if record.kind == "no_face":
        how = photo_of(seed, record.person, record.photo)
        canvas = Canvas(_LEAST)
        head.draw_background(canvas, how)
        return _expose(canvas, how, size)
    face = draw_person(record.person, record.age, record.photo, seed=seed, size=size)
    if record.kind == "second_face":
        corner = draw_person(record.person + 1, record.age, seed=seed, size=size)
        small = Image.fromarray(corner).resize((size // 3, size // 3))
        face[-(size // 3) :, : size // 3] = np.asarray(small)
    return face
