"""Applying a network to images of any size, tile by tile, in bounded memory."""

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

# Edge of a tile, including its overlap, in pixels of the small image.
TILE = 256
# Neighbouring tiles are blended over this number of pixels of the small image. If the
# overlap is large enough, both tiles are equal there; if not, blending hides the seam.
BLEND = 4
# Smallest step from tile to tile; with less, a tile would be nearly all overlap.
MIN_STEP = 16
# Small images get smaller tiles, whose edge is a multiple of this: every new size costs
# another trace of the network.
_TILE_STEP = 64
# Reach of the interpolations, in input pixels.
_INTERPOLATION = {"nearest": 0, "bilinear": 1, "bicubic": 2}
# Layers whose result at a pixel depends only on the input at that pixel.
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


def enlarge(
    network: Callable,
    image: np.ndarray,
    scale: int,
    *,
    tile: int = TILE,
    overlap: int | None = None,
    out: np.ndarray | None = None,
) -> np.ndarray:
    """Enlarge an image of any size by overlapping tiles of equal size.

    The outermost `overlap` pixels of a tile only give the network context; beyond the
    edges of the image, it is mirrored. Neighbouring tiles are blended over a few
    pixels. If the overlap is at least the network's reach, the result equals that of
    the whole image at once, except near the image's edges, where the network's own
    padding would be zeros instead of a mirror image.

    Args:
        network: the network, float32 (1, h, w, 3) in [-1, 1] -> (1, s h, s w, 3). A
            result of `compiled` is fastest; a keras.Model is compiled on every call.
        image: the image, uint8, uint16, or float in [-1, 1], (H, W, 3).
        scale: the factor s.
        tile: edge of a tile including its overlap, pixels of `image`. Small images get
            smaller tiles.
        overlap: width of the overlap on each side, pixels of `image`. The default is
            the reach of a keras.Model or of a result of `compiled`; for other
            functions it is required.
        out: array to write to, uint8 or uint16 (s H, s W, 3), for example mapped from
            a file. Without it, an array of this size is allocated; all other memory
            grows at most with the image's width.

    Returns:
        `out`, or a new array: uint16 if the image is uint16, otherwise uint8.

    Raises:
        UserError: the tile is too small for the overlap.
        TrainingError: the network returned values that are not finite.
        ValueError: `out` or the network's result has the wrong shape, or the overlap
            is missing.
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
    """Enlarge an image like `enlarge`, but without rounding and clipping.

    Args:
        network: as for `enlarge`.
        image: as for `enlarge`.
        scale: as for `enlarge`.
        tile: as for `enlarge`.
        overlap: as for `enlarge`.

    Returns:
        The network's values, float32 (s H, s W, 3).
    """
    out = np.empty(_large_shape(image, scale), np.float32)
    _fill(network, image, scale, tile, overlap, out)
    return out


@dataclass(frozen=True)
class Compiled:
    """A network as a function that is traced once for each tile size.

    Attributes:
        function: the network, float32 (B, h, w, 3) -> (B, s h, s w, 3).
        reach: radius of its receptive field, in input pixels.
    """

    function: Callable
    reach: int

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Enlarge images, float32 (B, h, w, 3) -> (B, s h, s w, 3)."""
        return self.function(images)


def compiled(network: keras.Model, overlap: int | None = None) -> Compiled:
    """Compile a network for `enlarge`, several times faster than calling it eagerly.

    Args:
        network: the network, (B, h, w, 3) -> (B, s h, s w, 3).
        overlap: reach of the network, in input pixels; default is computed by `reach`.

    Returns:
        The compiled network.

    Raises:
        ValueError: the reach cannot be computed, see `reach`.
    """
    function = tf.function(lambda images: network(images, training=False))
    return Compiled(function, reach(network) if overlap is None else overlap)


def reach(network: keras.Model) -> int:
    r"""Compute the radius of a network's receptive field.

    It is $\lceil \sum_l d_l (k_l - 1) / (2 s_l) \rceil$ over the layers l, with
    kernel size k and dilation d, on feature maps s times as large as the input. For a
    network with branches it is an upper bound, because all branches are added up.

    Args:
        network: a network of local layers, whose feature maps are at least as large as
            its input.

    Returns:
        The radius in input pixels.

    Raises:
        ValueError: the network has a layer that is not known to be local; pass
            `overlap` to `enlarge` or `compiled` in this case.

    Reference: Araujo et al. 2019, "Computing receptive fields of convolutional
        neural networks", distill.pub, equation 2.
    """
    # A clone with an input of known size, so that all feature maps have known sizes.
    images = keras.Input((_TILE_STEP, _TILE_STEP, network.input_shape[-1]))
    total = Fraction(0)
    for layer in keras.models.clone_model(network, images).layers:
        radius = _around(layer)
        if radius:
            total += Fraction(radius * _TILE_STEP, layer.input.shape[1])
    return math.ceil(total)


def _around(layer: layers.Layer) -> int:
    """Return the radius of a layer's receptive field, in pixels of its own input."""
    if isinstance(layer, _POINTWISE):
        return 0
    if isinstance(layer, layers.UpSampling2D):
        if layer.interpolation in _INTERPOLATION:
            return _INTERPOLATION[layer.interpolation]
    elif isinstance(layer, layers.Conv2D) and layer.strides == (1, 1):
        sizes = zip(layer.kernel_size, layer.dilation_rate, strict=True)
        # An even kernel reaches further to one side; that side counts.
        return max(-(-dilation * (size - 1) // 2) for size, dilation in sizes)
    raise ValueError(f"layer {layer.name} is of a kind whose reach is not known")


def check_tile(tile: int, overlap: int) -> None:
    """Raise a UserError if a tile is too small for the overlap on both sides.

    Args:
        tile: edge of a tile, pixels.
        overlap: width of the overlap on each side, pixels.
    """
    least = 2 * overlap + BLEND + MIN_STEP
    if tile < least:
        raise UserError(
            f"tile must be at least {least}, because each result of this network "
            f"depends on {overlap} pixels around it; found {tile}"
        )


def _large_shape(image: np.ndarray, scale: int) -> tuple[int, int, int]:
    """Return the shape of an enlarged image."""
    height, width, _ = image.shape
    return height * scale, width * scale, 3


class _Axis:
    """The positions of the tiles along one axis of an image.

    Attributes:
        overlap: pixels on each side of a tile that only give the network context.
        starts: first pixel of each tile, not counting its overlap.
    """

    def __init__(self, length: int, tile: int, overlap: int) -> None:
        """Place the tiles.

        Args:
            length: length of the axis, pixels.
            tile: largest edge of a tile, pixels.
            overlap: overlap on each side of a tile, pixels.
        """
        needed = -(-(length + 2 * overlap) // _TILE_STEP) * _TILE_STEP
        self._length = length
        self._tile = min(tile, needed)
        self.overlap = overlap
        step = self._tile - 2 * overlap - BLEND
        self.starts = range(0, max(1, length - BLEND), step)

    def places(self, start: int) -> np.ndarray:
        """Return the indices of a tile's pixels, mirrored at the edges of the image.

        Args:
            start: first pixel of the tile, an element of `starts`.
        """
        period = max(1, 2 * self._length - 2)
        indices = np.arange(start - self.overlap, start - self.overlap + self._tile)
        return np.minimum(indices % period, -indices % period)


def _fill(
    network: Callable,
    image: np.ndarray,
    scale: int,
    tile: int,
    overlap: int | None,
    out: np.ndarray,
) -> None:
    """Enlarge an image into `out`: uint8 or uint16 are rounded, float32 is not."""
    if out.shape != _large_shape(image, scale):
        raise ValueError(f"out must be {_large_shape(image, scale)}, is {out.shape}")
    if isinstance(network, keras.Model):
        network = compiled(network, overlap)
    if overlap is None:
        overlap = getattr(network, "reach", None)
        if overlap is None:
            raise ValueError("a network without an attribute reach needs an overlap")
    check_tile(tile, overlap)
    rows, columns = (_Axis(side, tile, overlap) for side in image.shape[:2])
    zone = BLEND * scale
    count = len(rows.starts) * len(columns.starts)
    with tqdm(total=count, unit="tile", leave=False, disable=None) as bar:
        # The last pixels of the previous row of tiles, to blend with the next row.
        above = []
        for y in rows.starts:
            below = []
            band = image[rows.places(y)]
            for number, (x, part) in enumerate(_parts(network, band, columns, scale)):
                if above:
                    part[:zone] = _mixed(above[number], part[:zone], axis=0)
                below.append(part[-zone:].copy())
                # The last tiles extend beyond the image and are cropped.
                target = out[y * scale :, x * scale :][: len(part), : part.shape[1]]
                part = part[: len(target), : target.shape[1]]
                target[...] = _to_dtype(part, out.dtype)
                bar.update()
            above = below
            forget(out)


def _parts(
    network: Callable, band: np.ndarray, columns: _Axis, scale: int
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield the enlarged tiles of a row from left to right, without their overlap.

    Each tile is already blended with its left neighbour.

    Args:
        network: the network.
        band: the pixels of the row including the overlap above and below, (h, W, 3).
        columns: the tiles along the row.
        scale: the factor of the enlargement.

    Yields:
        The tile's first column in the image, and its pixels, float32.
    """
    edge = columns.overlap * scale
    zone = BLEND * scale
    left = None
    for x in columns.starts:
        seen = _to_floats(band[:, columns.places(x)])
        result = np.array(network(seen[None]), np.float32)
        wanted = (1, *_large_shape(seen, scale))
        if result.shape != wanted:
            raise ValueError(
                f"expected the network to return shape {wanted}, found {result.shape}"
            )
        if not np.isfinite(result).all():
            raise TrainingError(
                "expected finite values from the network, found NaN or infinity; "
                "train it again"
            )
        part = result[0, edge : wanted[1] - edge, edge : wanted[2] - edge]
        if left is not None:
            part[:, :zone] = _mixed(left, part[:, :zone], axis=1)
        left = part[:, -zone:].copy()
        yield x, part


def _mixed(old: np.ndarray, new: np.ndarray, axis: int) -> np.ndarray:
    """Blend from one array to another along an axis, with linear weights."""
    count = old.shape[axis]
    share = (np.arange(count, dtype=np.float32) + 0.5) / count
    return old + (new - old) * np.expand_dims(share, (1 - axis, 2))


def _to_floats(image: np.ndarray) -> np.ndarray:
    """Convert integers to float32 in [-1, 1]; their dtype determines their range."""
    values = image.astype(np.float32)
    if np.issubdtype(image.dtype, np.integer):
        values = values / (np.iinfo(image.dtype).max / 2) - 1
    return values


def _to_dtype(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Undo `_to_floats`, clipping to [-1, 1]; for a float dtype change nothing."""
    if not np.issubdtype(dtype, np.integer):
        return values
    peak = np.iinfo(dtype).max
    return np.clip(np.rint((values + 1) * (peak / 2)), 0, peak).astype(dtype)
