"""Pools of viewpoints from which sketches are seen: files, or a formula for each class.

The published method draws viewpoints at random from those of real photos, not from a
formula; its pools are .npz files with the arrays `azs` and `eles`
(https://github.com/junyanz/VON, data/images).
"""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from chapter02_3dgan.config import DEFAULT_CLASS
from common.errors import UserError
from common.files import check_file, read_limited
from common.shapes.npy import decoding, load_npz_key
from study_von.config import Config
from synthetic_data.photographs.viewpoints import draw_viewpoints

# Viewpoints of a pool that is drawn from a formula, and the seed of these draws.
DRAWS, SEED = 2_000, 0
AZIMUTHS, ELEVATIONS = (-180, 360), (-90, 90)  # what a file may contain, degrees
# Names of the arrays in a .npz file: the published ones and the full words.
_ARRAYS = (("azs", "eles"), ("azimuths", "elevations"))
_COLUMNS = ("azimuth", "elevation")
_MAX_BYTES = 64 * 2**20
# Width of the bins of `frequent`, degrees [published code].
_AZIMUTH_BIN, _ELEVATION_BIN = 5, 3


@dataclass(frozen=True)
class Viewpoints:
    """Viewpoints, in degrees.

    Attributes:
        azimuths: float32 (N,), in [-180, 180]; 0 looks at the front.
        elevations: float32 (N,), in [-90, 90]; 90 looks from above.
    """

    azimuths: np.ndarray
    elevations: np.ndarray

    def __len__(self) -> int:
        """Return the number of viewpoints."""
        return len(self.azimuths)

    def draw(
        self, count: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw viewpoints, each at random from all of them.

        Args:
            count: number of viewpoints to draw, B.
            rng: source of the random numbers.

        Returns:
            Azimuths and elevations, float32 (B,) each. The azimuth and the elevation of
            a drawn viewpoint belong together.
        """
        rows = rng.integers(len(self), size=count)
        return self.azimuths[rows], self.elevations[rows]


def open_pool(config: Config) -> Viewpoints:
    """Return the pool of viewpoints: that of a file, or one for the class.

    Args:
        config: uses viewpoints and classes. Without a file, 2,000 viewpoints are drawn
            from the formula of the first class, or of a chair; always the same ones.

    Raises:
        UserError: the file is missing or damaged, has no viewpoints, or has one out of
            range.
    """
    if config.viewpoints is not None:
        return read_pool(config.viewpoints)
    class_name = config.classes[0] if config.classes else DEFAULT_CLASS
    return Viewpoints(*draw_viewpoints(class_name, DRAWS, np.random.default_rng(SEED)))


def read_pool(path: Path) -> Viewpoints:
    """Read a pool of viewpoints.

    Args:
        path: a .npz file with the arrays azs and eles, or azimuths and elevations; or a
            .csv file whose first line names the columns azimuth and elevation, in any
            order and beside others. Azimuths are from -180 to 360 degrees, elevations
            from -90 to 90.

    Raises:
        UserError: see `open_pool`.
    """
    suffix = path.suffix.lower()
    if suffix == ".npz":
        azimuths, elevations, place = *_read_npz(path), "number"
    elif suffix == ".csv":
        azimuths, elevations, place = *_read_csv(path), "row"
    else:
        raise UserError(
            f"--viewpoints {path}: expected a .npz or .csv file, found "
            f"{suffix or 'no suffix'}"
        )
    if not len(azimuths):
        raise UserError(f"{path} has no viewpoints; expected at least one")
    _check_range(path, place, "azimuth", azimuths, AZIMUTHS)
    _check_range(path, place, "elevation", elevations, ELEVATIONS)
    azimuths = np.where(azimuths > 180, azimuths - 360, azimuths)
    return Viewpoints(azimuths.astype(np.float32), elevations.astype(np.float32))


def frequent(pool: Viewpoints, count: int) -> list[tuple[float, float]]:
    """Return the most frequent viewpoints of a pool, the most frequent first.

    Azimuths are rounded to multiples of 5 degrees. The most frequent ones are returned,
    each with the most frequent of its elevations, which are rounded to multiples of 3
    degrees. Among equally frequent ones, that nearest to 0 is the first.

    Args:
        pool: the viewpoints.
        count: largest number of viewpoints to return. A pool of few different azimuths
            gives fewer.

    Returns:
        Azimuth and elevation of each, in degrees.
    """
    azimuths = _rounded(pool.azimuths, _AZIMUTH_BIN)
    azimuths[azimuths == -180] = 180  # the same direction
    elevations = _rounded(pool.elevations, _ELEVATION_BIN)
    return [
        (float(azimuth), float(_by_frequency(elevations[azimuths == azimuth])[0]))
        for azimuth in _by_frequency(azimuths)[:count]
    ]


def _rounded(degrees: np.ndarray, step: int) -> np.ndarray:
    """Return the nearest multiples of a step, int."""
    return step * np.floor(degrees / step + 0.5).astype(int)


def _by_frequency(values: np.ndarray) -> np.ndarray:
    """Return the different values, the most frequent first."""
    found, counts = np.unique(values, return_counts=True)
    return found[np.lexsort((found, np.abs(found), -counts))]


def _read_npz(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return azimuths and elevations of a .npz file, float64 (N,) each."""
    check_file(path, _MAX_BYTES)
    with (
        decoding(path, "not a .npz archive, or a damaged one"),
        np.load(path, allow_pickle=False) as archive,
    ):
        keys = list(archive.files)
    names = next((pair for pair in _ARRAYS if set(pair) <= set(keys)), None)
    if names is None:
        raise UserError(
            f"{path}: expected the arrays azs and eles, or azimuths and elevations, "
            f"found {', '.join(keys) or 'none'}; save them with np.savez"
        )
    arrays = []
    for name in names:
        array = np.squeeze(load_npz_key(path, name, _MAX_BYTES))
        if array.dtype.kind not in "fiu" or array.ndim > 1:
            raise UserError(
                f"{path}: expected numbers in one row in {name}, found "
                f"{array.dtype} {array.shape}"
            )
        arrays.append(np.atleast_1d(array).astype(np.float64))
    if len(arrays[0]) != len(arrays[1]):
        raise UserError(
            f"{path}: expected as many values in {names[0]} as in {names[1]}, found "
            f"{len(arrays[0])} and {len(arrays[1])}"
        )
    return arrays[0], arrays[1]


def _read_csv(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return azimuths and elevations of a .csv file, float64 (N,) each."""
    raw = read_limited(path, _MAX_BYTES)
    try:
        rows = [row for row in csv.reader(io.StringIO(raw.decode("utf-8-sig"))) if row]
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(
            f"{path} is not a table in UTF-8; save it as .csv again"
        ) from error
    header = [name.strip().lower() for name in rows[0]] if rows else []
    if not set(_COLUMNS) <= set(header):
        raise UserError(
            f"{path}: expected the columns azimuth and elevation in its first line, "
            f"found {', '.join(header)[:100] or 'nothing'}"
        )
    places = [header.index(name) for name in _COLUMNS]
    values = np.empty((len(rows) - 1, 2))
    for number, row in enumerate(rows[1:]):
        try:
            values[number] = [float(row[place]) for place in places]
        except (IndexError, ValueError) as error:
            raise UserError(
                f"{path}, row {number + 1}: expected two numbers, azimuth and "
                f"elevation, found {', '.join(row)[:100]}"
            ) from error
    return values[:, 0], values[:, 1]


def _check_range(
    path: Path, place: str, name: str, values: np.ndarray, limits: tuple[int, int]
) -> None:
    """Raise a UserError that names the first value out of a range, or NaN.

    Args:
        path: file of the values, for the message.
        place: what the message calls a place in the file.
        name: what the values are.
        values: float (N,).
        limits: lowest and highest value, degrees.
    """
    wrong = np.flatnonzero(~((values >= limits[0]) & (values <= limits[1])))
    if len(wrong):
        raise UserError(
            f"{path}, {place} {wrong[0] + 1}: expected an {name} from {limits[0]} to "
            f"{limits[1]} degrees, found {values[wrong[0]]:g}"
        )
