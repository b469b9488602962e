"""A stand-in for IMDB-WIKI: procedurally drawn faces with an identity and an age.

Identity and age are independent: any person can be drawn at any age. A written data
set has the same layout as the archive wiki_crop, including its kinds of faulty rows.

Reference:
    Rothe, Timofte & Van Gool 2018, "Deep expectation of real and apparent age from
    a single image without facial landmarks".
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from common.errors import UserError
from synthetic_data.age_faces import features, hair, head, lines
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
_LEAST = 192  # smallest edge of a canvas, pixels: it is shrunk for smaller images
_CHUNK = 25  # images per job; a process can be stopped between two jobs
_ALONE = 100  # up to this many images, one process is faster than starting several
_QUALITY = 92  # of the JPEG files, 1 to 95
_GRAIN = 2.2  # standard deviation of the sensor noise, on a scale of 0 to 255


class _Job(NamedTuple):
    """A part of the images, which one process draws and writes."""

    folder: Path
    records: list[Record]
    seed: int
    size: int


def draw_person(
    person: int, age: float, photo: int = 0, *, seed: int = 0, size: int = 128
) -> np.ndarray:
    """Draw a person at an age.

    Args:
        person: number of the person, from 0. The identity depends only on it and on
            `seed`.
        age: age in years, 0 to 100.
        photo: number of the photo of this person, from 0. It determines pose, light,
            smile, clothes and background, independently of the age.
        seed: seed of the data set, a whole number from 0.
        size: edge of the image, pixels, 16 to 512.

    Returns:
        RGB image, uint8 (size, size, 3).

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
    """Write faces as JPEG files, and their people and dates as wiki.mat.

    The photos of a person fall into different age classes: with six photos, one into
    each class. About 2 % more rows have the faults of the real set: no face, a second
    face, an impossible date of birth, a file that is not an image, or a missing file.

    All files appear at once, after the last one is written. If the folder already
    holds the same data set, perhaps because another process has just written it, it
    is left unchanged.

    Args:
        folder: the folder to write into.
        people: number of people, 1 to 20,000.
        photos: number of photos of each person, 1 to 60.
        seed: seed of the data set, a whole number from 0; the same seed gives the
            same images.
        size: edge of the images, pixels, 16 to 512.

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
    """Draw a photo from the back to the front, uint8 (size, size, 3)."""
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
    # Once more, faintly: eyebrows show through a fringe.
    features.draw_brows(canvas, looks, opacity=0.4)
    features.draw_glasses(canvas, looks)
    return _expose(canvas, how, size)


def _expose(canvas: Canvas, how: Photo, size: int) -> np.ndarray:
    """Turn a canvas into a photo: shift, rotate and shrink it, then add noise.

    Returns:
        uint8 (size, size, 3).
    """
    picture = canvas.image.clip(0, 255).astype(np.uint8).transpose(1, 2, 0)
    # Images below 128 pixels are shrunk from 128, which avoids aliasing.
    full = max(size, 128)
    # The affine map goes from pixels of the photo to pixels of the canvas.
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
    """Write the images of all records into a new folder."""
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
    """Write the images of one job; return the paths of its records."""
    for record in job.records:
        path = job.folder / record.path
        if record.kind == "no_image":
            path.write_bytes(b"\xff\xd8\xff not a picture")
        elif record.kind != "no_file":
            picture = Image.fromarray(_picture(record, job.seed, job.size))
            picture.save(path, quality=_QUALITY)
    return [record.path for record in job.records]


def _picture(record: Record, seed: int, size: int) -> np.ndarray:
    """Return the image of a record, uint8 (size, size, 3)."""
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
