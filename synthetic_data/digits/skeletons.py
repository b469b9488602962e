"""The skeletons of digits, as fields of the distance to each skeleton.

Some are thinned from fonts that are distributed with Matplotlib. The others are
smooth strokes through a few points, because people write digits that no font has.
"""

import functools
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy.interpolate import CubicSpline
from scipy.spatial import KDTree
from skimage.morphology import skeletonize

DIGITS = "0123456789"
REACH = 0.9  # fields span [-REACH, REACH] along both axes; the height of a digit is 1
_FIELD = 72  # cells of a field along each axis
_FAR = 0.3  # largest distance in a field; no pen is that wide
_COPIES = 8  # variants of each hand-drawn digit
# Only the digits that people write in this form: no old-style numerals, no dotted 0,
# no 9 with a curled foot. Bold and oblique variants have the same skeletons.
_FONTS = {
    "DejaVuSans": "02357",
    "DejaVuSansMono": "357",
    "DejaVuSerif": "0258",
    "STIXGeneral": "0123456789",
    "STIXGeneralItalic": "01234578",
    "cmr10": "02357",
    "cmss10": "01234578",
    "cmtt10": "023457",
}
# The strokes of each digit: points "x,y" in tenths of the height from the top left,
# with ";" where the pen is lifted or turns sharply. No font has an open 4, a crossed
# 7, a 1 of one stroke or a 2 with a loop.
_STROKES = (
    (
        "4,0 1,1.7 0,5 1,8.5 4,10 7,8.2 8,5 7,1.7 4,0 2.5,.5",
        "4,.5 1,2 0,6 1.2,9 3,10 5,9 6,6 5.5,2 4,0",
        "6,2 4.5,.3 2.5,.5 .5,3 0,6.5 1.5,9.5 4,9.6 6,7 6.5,3.5 5.5,1 3.5,.2",
        "1,1.5 0,4.5 .5,8 2.5,10 4.8,8.5 5.5,5 4.5,1.5 2.5,0 .8,1.8",
    ),
    (
        "0,0 0,5 0,10",
        "0,0 .3,5 0,10",
        "0,0 0,10",
        "0,0 -.2,4 .2,10",
        "-1.5,1.5 0,0; 0,0 0,10",
    ),
    (
        "0,2 2,0 5,1 5,4 2,8 0,10; 0,10 3,9.8 7,10",
        "0,2 3,0 5,2 4,6 1,10 0,9 2,8.5 4,9.5 7,9.5",
        "1,2 3,0 6,1 5,5 0,10; 0,10 7,9.5",
        "0,1 4,0 6,2 3,6 0,9.5; 0,9.5 3,9 7,10",
        "1,2 4,0 6,2 4,6 1,9.7 0,9 1.5,8 4,9.5 8,9",
        "0,2 3,0 6,1.5 6,5 4,8.5 1.5,9.5 .3,8 2.5,7 5,8.5 8,9.8",
        "1,1 3,0 5,1 4,4.5 2,8 0,9.6; 0,9.6 4,9 9,9",
    ),
    (
        "0,1 3,0 6,2 5,4 2,5; 2,5 6,6 6,9 3,10 0,9",
        "0,0 5,0; 5,0 2,4; 2,4 6,6 5,9 2,10 0,9",
        "0,2 3,0 5,2 3,4.5 2,5 4,5 6,7 4,10 0,9",
        "0,1 4,0 5,3 2,4.5; 2,4.5 5,5 6,8 3,10 0,9.5",
    ),
    (
        "1,0 0,4 0,5; 0,5 7,5; 6,1 5,10",
        "0,0 0,4 2,5.5 6,4.5; 6,0 6,10",
        "5,0 0,6; 0,6 7,6; 5,0 5,10",
        "1,0 0,4 2,6 6,4; 6,0 5,5 5,10",
        "1,0 0,5; 0,5 7,4.5; 5,1 4,10",
        "0,0 -.2,3 .8,5.5 3,5 5,2; 4.5,0 4,5 3.4,10",
        "0,1 .5,4.7 2,5.5 4,4.5; 4,1 3.8,6 3,10",
    ),
    (
        "6,0 1,0; 1,0 0,4; 0,4 4,4 6,7 4,10 0,9",
        "1,0 0,5; 0,5 4,4 6,7 3,10 0,9; 1,0 6,0",
        "7,0 2,.5; 2,.5 1,4 5,5.5 5,9 0,10",
        "6,0 1,1; 1,1 1,5; 1,5 5,5.5 4,9 0,9.5",
        "8,.3 3,.5; 3,.5 2,4; 2,4 4.5,5 4.5,8.5 2,10 0,9.2",
    ),
    (
        "5,0 2,2.5 0,6 .5,9 3,10 5.5,8.5 5,6 3,5.3 .5,7",
        "4,0 1,3 .3,7 1.5,9.7 4,9.8 6,8 5,6 3,6 1.2,8",
        "3,0 .5,4 0,7.5 1.5,10 4,9.5 5.5,7.5 4,5.7 2,6 .5,8",
        "6,0 2.5,3 .5,7 1.5,9.7 4,9.3 5,7.5 3.5,6.5 1.5,8.5",
    ),
    (
        "0,0 6,0; 6,0 2,10",
        "0,1 6,0; 6,0 4,5 3,10",
        "0,0 6,0; 6,0 2,10; 1,5 6,5",
        "0,2 0,.5; 0,.5 6,0; 6,0 3,10",
        "0,1 2,0 5,.7 5,4 3,10",
    ),
    (
        "5,1.3 3,0 1.2,1 1.4,3 3,5 4.3,7 4,9.3 2.3,10 .7,9 1.2,7 3,5 4.8,3 5,1.5",
        "5.3,.8 3.3,0 1.3,1.5 2,3.7 4,6 4.4,8.7 2.6,10 .6,8.7 1.4,6.6 4,4 5.4,1.2",
        "4,0 1.8,1 1.8,3.2 4,5.5 4.5,8.5 2.5,10 .6,8.5 1.5,6 4,4 5.3,2 4,0",
        "3,5 1.2,3 1.4,.8 3.2,0 5,1.2 4.8,3.2 3,5 1,6.5 .6,9 2.4,10 4.3,9 4.4,7 3,5",
    ),
    (
        "4.8,2 3.2,.3 1,1 .2,3 1.6,4.7 3.8,4 4.8,2; 4.8,.8 4.6,5 4.4,10",
        "5,1 3,.2 .8,1.5 .5,3.8 2,4.8 4,3.5 5,1.5; 5,1.5 4.2,6 3.4,10",
        "5,2 3.2,.2 1,.8 .2,3 1.8,4.8 4,4 5,2.2 5,6 4.4,10",
        "4.8,1 2.6,.2 .7,1.7 1,4.3 3,4.4 4.6,2.2 4.4,5 2.8,10",
        "4.6,1.2 3,0 .8,1 .4,3 1.8,4.4 4,3.4 5,1.5 5,6 4,9.4 1.6,10",
    ),
)


@functools.cache
def distance_fields() -> tuple[np.ndarray, np.ndarray]:
    """Return the distance from the centre of each cell to each skeleton.

    Returns:
        Fields float32 (F, 72, 72), distances in heights of a digit, at most 0.3,
        rows from the top; and `first`, int (11,): the fields of digit d are first[d]
        to first[d + 1] - 1.
    """
    rng = np.random.default_rng(0)
    grid = np.stack(np.meshgrid(cells(_FIELD), cells(_FIELD)), axis=-1)
    fields, first = [], [0]
    for digit, pens in zip(DIGITS, _STROKES, strict=True):
        fonts = [name for name, digits in _FONTS.items() if digit in digits]
        skeletons = [_font_skeleton(name, digit) for name in fonts]
        skeletons += [_pen_skeleton(pen, rng) for pen in pens for _ in range(_COPIES)]
        for points in skeletons:
            # Centre the digit and scale its height to 1.
            low, high = points.min(axis=0), points.max(axis=0)
            points = (points - (low + high) / 2) / (high[1] - low[1])
            distance, _ = KDTree(points).query(grid, distance_upper_bound=_FAR)
            fields.append(np.minimum(distance, _FAR).astype(np.float32))
        first.append(len(fields))
    return np.stack(fields), np.array(first)


def cells(count: int) -> np.ndarray:
    """Return the centres of `count` equal cells from -REACH to REACH, float32."""
    return (((np.arange(count) + 0.5) / count * 2 - 1) * REACH).astype(np.float32)


def _font_skeleton(font: str, digit: str) -> np.ndarray:
    """Return the pixels (P, 2), x and y, of the skeleton of a font's digit."""
    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{font}.ttf"
    picture = Image.new("L", (200, 250))
    pen = ImageDraw.Draw(picture)
    pen.text((20, 20), digit, 255, ImageFont.truetype(str(path), 150))
    return np.argwhere(skeletonize(np.asarray(picture) > 127))[:, ::-1]


def _pen_skeleton(strokes: str, rng: np.random.Generator) -> np.ndarray:
    """Return points (P, 2) on smooth strokes that pass near the given points."""
    points = []
    for stroke in strokes.split(";"):
        given = np.array([p.split(",") for p in stroke.split()], float)
        given += 0.3 * rng.standard_normal(given.shape)
        # Spacing the knots by the square roots of the distances (centripetal
        # parametrisation) keeps the curve from overshooting.
        gaps = np.sqrt(np.linalg.norm(np.diff(given, axis=0), axis=1))
        times = np.concatenate([[0], np.cumsum(gaps)])
        points.append(CubicSpline(times, given)(np.linspace(0, times[-1], 120)))
    return np.concatenate(points)
