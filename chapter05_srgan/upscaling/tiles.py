"""A network on pictures of any size: tile by tile, so that memory stays bounded."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from tqdm import tqdm

from chapter05_srgan.upscaling.writing import forget
from common.errors import TrainingError, UserError
from common.layers.pixel_shuffle import PixelShuffle

# Edge of what the network sees at a time, pixels.
TILE = 256
# Neighbouring tiles are mixed over so many low-resolution pixels. Where the overlap
# is large enough they are equal there; where it is not, this hides the seam.
BLEND = 4
# Below this a tile would be nearly all overlap.
MIN_STEP = 16
# Small pictures need small tiles; few different ones, as each is traced anew.
_TILE_STEP = 64
# How far around a place the kinds of enlargement look.
_INTERPOLATION = {"nearest": 0, "bilinear": 1, "bicubic": 2}
_POINTWISE = (
    layers.Activation,
    layers.Add,
    layers.BatchNormalization,
    layers.Concatenate,
    layers.InputLayer,
    layers.LeakyReLU,
    layers.PReLU,
    layers.ReLU,
    layers.Rescaling,
    PixelShuffle,
)


@dataclass(frozen=True)
class Compiled:
    """A network as a function that is traced once for each size of its tiles.

    Attributes:
        function: float32 (B, h, w, 3) -> (B, s h, s w, 3).
        reach: how many pixels around a place its result there depends on.
    """

    function: Callable
    reach: int

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Return enlarged images."""
        return self.function(images)


def compiled(network: keras.Model, overlap: int | None = None) -> Compiled:
    """Compile a network for `enlarge`; that is several times faster than calling it.

    Args:
        network: (B, h, w, 3) -> (B, s h, s w, 3).
        overlap: what to take for its reach; default `reach` finds it.

    Raises:
        ValueError: as of `reach`.
    """
    function = tf.function(lambda images: network(images, training=False))
    return Compiled(function, reach(network) if overlap is None else overlap)


def reach(network: keras.Model) -> int:
    r"""Return how many input pixels around a place a network's result depends on.

    That is $\lceil \sum_l d_l (k_l - 1) / (2 s_l) \rceil$ over the layers l with
    kernels of size k and dilation d, on maps s times as large as the input. In a
    network with branches it is an upper bound, since all of them are added up.

    Args:
        network: of local layers whose maps are at least as large as its input.

    Returns:
        The radius of the receptive field, pixels.

    Raises:
        ValueError: it has a layer of a kind that is not known to be local; give
            `enlarge` the overlap then.

    Reference: Araujo et al. 2019, "Computing receptive fields of convolutional
        neural networks", distill.pub, equation 2.
    """
    # The same layers on maps of a known size.
    images = keras.Input((_TILE_STEP, _TILE_STEP, network.input_shape[-1]))
    total = Fraction(0)
    for layer in keras.models.clone_model(network, images).layers:
        if around := _around(layer):
            total += Fraction(around * _TILE_STEP, layer.input.shape[1])
    return math.ceil(total)


def _around(layer: layers.Layer) -> int:
    """Return how many places of its own input around one a layer looks at."""
    if isinstance(layer, _POINTWISE):
        return 0
    if isinstance(layer, layers.UpSampling2D):
        if layer.interpolation in _INTERPOLATION:
            return _INTERPOLATION[layer.interpolation]
    elif isinstance(layer, layers.Conv2D) and layer.strides == (1, 1):
        sizes = zip(layer.kernel_size, layer.dilation_rate, strict=True)
        # An even kernel looks further to one side.
        return max(-(-dilation * (size - 1) // 2) for size, dilation in sizes)
    raise ValueError(f"layer {layer.name} is of a kind whose reach is not known")


def enlarge(
    network: Callable,
    image: np.ndarray,
    scale: int,
    *,
    tile: int = TILE,
    overlap: int | None = None,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Enlarge a picture of any size by overlapping tiles of one size.

    Around each tile the network sees `overlap` pixels more, which beyond the
    picture's edges are its mirror image. Neighbours are mixed over a few pixels.
    With an overlap of at least the network's reach, the result is that of the whole
    picture at once, but for the edges, which are mirrored instead of filled with 0.

    Args:
        network: float32 (1, h, w, 3) in [-1, 1] -> (1, s h, s w, 3). What `compiled`
            returns is fastest; a keras.Model is compiled on every call.
        image: (H, W, 3), uint8, uint16, or float in [-1, 1].
        scale: s.
        tile: edge of what the network gets at a time, pixels. Smaller pictures get
            smaller tiles.
        overlap: pixels; default the reach of a keras.Model or of what `compiled`
            returns. Other networks need one.
        out: array (s H, s W, 3) to write to, uint8 or uint16, for example mapped
            from a file: nothing else here grows with the square of the size.

    Returns:
        `out`, or a new array: uint16 where the image is, else uint8.

    Raises:
        UserError: the tile is too small for the overlap.
        TrainingError: the network's values are no numbers.
    """
    if out is None:
        dtype = np.uint16 if image.dtype == np.uint16 else np.uint8
        out = np.empty(_large_shape(image, scale), dtype)
    _fill(network, image, scale, tile, overlap, out)
    return out


def enlarge_floats(
    network: Callable,
    image: np.ndarray,
    scale: int,
    *,
    tile: int = TILE,
    overlap: int | None = None,
) -> np.ndarray:
    """Return what `enlarge` does as the network's own values, float32 (s H, s W, 3)."""
    out = np.empty(_large_shape(image, scale), np.float32)
    _fill(network, image, scale, tile, overlap, out)
    return out


def check_tile(tile: int, overlap: int) -> None:
    """Raise a UserError where a tile is too small for an overlap on both sides."""
    least = 2 * overlap + BLEND + MIN_STEP
    if tile < least:
        raise UserError(
            f"tile must be at least {least}, because this network sees {overlap} "
            f"pixels around each; found {tile}"
        )


def _large_shape(image: np.ndarray, scale: int) -> tuple[int, int, int]:
    height, width, _ = image.shape
    return height * scale, width * scale, 3


class _Axis:
    """Tiles along one side of a picture.

    Attributes:
        overlap: how much, on either side, the network only sees.
        starts: where the tiles begin, without that.
    """

    def __init__(self, length: int, tile: int, overlap: int) -> None:
        """Lay tiles along a side of a length, all pixels."""
        needed = -(-(length + 2 * overlap) // _TILE_STEP) * _TILE_STEP
        self._length, self._tile, self.overlap = length, min(tile, needed), overlap
        step = self._tile - 2 * overlap - BLEND
        self.starts = range(0, max(1, length - BLEND), step)

    def places(self, start: int) -> np.ndarray:
        """Return which pixels the network sees of a tile, mirrored at the edges."""
        period = max(1, 2 * self._length - 2)
        seen = np.arange(start - self.overlap, start - self.overlap + self._tile)
        return np.minimum(seen % period, -seen % period)


def _fill(
    network: Callable,
    image: np.ndarray,
    scale: int,
    tile: int,
    overlap: int | None,
    out: np.ndarray,
) -> None:
    """Enlarge a picture into an array, whose dtype says what is written."""
    if out.shape != _large_shape(image, scale):
        raise ValueError(f"out must be {_large_shape(image, scale)}, is {out.shape}")
    if isinstance(network, keras.Model):
        network = compiled(network, overlap)
    if overlap is None:
        overlap = getattr(network, "reach", None)
        if overlap is None:
            raise ValueError("a network that tells no reach needs an overlap")
    check_tile(tile, overlap)
    rows, columns = (_Axis(side, tile, overlap) for side in image.shape[:2])
    zone = BLEND * scale
    count = len(rows.starts) * len(columns.starts)
    with tqdm(total=count, unit="tile", leave=False, disable=None) as bar:
        above = []
        for y in rows.starts:
            below = []
            band = image[rows.places(y)]
            for number, (x, part) in enumerate(_parts(network, band, columns, scale)):
                if above:
                    part[:zone] = _mixed(above[number], part[:zone], axis=0)
                below.append(part[-zone:].copy())
                target = out[y * scale :, x * scale :][: len(part), : part.shape[1]]
                part = part[: len(target), : target.shape[1]]
                target[...] = _to_dtype(part, out.dtype)
                bar.update()
            above = below
            forget(out)


def _parts(
    network: Callable, band: np.ndarray, columns: _Axis, scale: int
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield the enlarged tiles of a row, each with its place and mixed with the last.

    `band` is what the network sees of the picture in that row.
    """
    edge, zone, left = columns.overlap * scale, BLEND * scale, None
    for x in columns.starts:
        seen = _to_floats(band[:, columns.places(x)])
        result = np.array(network(seen[None]), np.float32)
        wanted = (1, *_large_shape(seen, scale))
        if result.shape != wanted:
            raise ValueError(f"expected {wanted} of the network, found {result.shape}")
        if not np.isfinite(result).all():
            raise TrainingError("the network's values are no numbers; train it anew")
        part = result[0, edge : wanted[1] - edge, edge : wanted[2] - edge]
        if left is not None:
            part[:, :zone] = _mixed(left, part[:, :zone], axis=1)
        left = part[:, -zone:].copy()
        yield x, part


def _mixed(old: np.ndarray, new: np.ndarray, axis: int) -> np.ndarray:
    """Go over from one array to another along an axis, in equal steps."""
    count = old.shape[axis]
    share = (np.arange(count, dtype=np.float32) + 0.5) / count
    return old + (new - old) * np.expand_dims(share, (1 - axis, 2))


def _to_floats(image: np.ndarray) -> np.ndarray:
    """Return float32 in [-1, 1] of integers, whose dtype tells their range."""
    values = image.astype(np.float32)
    if np.issubdtype(image.dtype, np.integer):
        values = values / (np.iinfo(image.dtype).max / 2) - 1
    return values


def _to_dtype(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Undo `_to_floats`; what lies outside of [-1, 1] is cut off."""
    if not np.issubdtype(dtype, np.integer):
        return values
    peak = np.iinfo(dtype).max
    return np.clip(np.rint((values + 1) * (peak / 2)), 0, peak).astype(dtype)
