"""What a reconstruction has to beat: the mean shape, retrieval, fitted latents."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from chapter02_3dgan.evaluation import blocks
from common.images.pixels import to_floats
from study_3dvaegan.data import Pairs
from study_3dvaegan.prediction_scores import MAX_VALIDATION, Predictor, mean_iou

# From photos, uint8 (n, H, H, 3), to features, float32 (n, D).
Features = Callable[[np.ndarray], np.ndarray]

# Photos in a batch of a network, and in a block whose features are computed.
BATCH = 32
BLOCK = 256
# Steps and learning rate of Adam when latents are fitted.
FIT_STEPS = 200
FIT_RATE = 0.05


def network_predictor(encoder: keras.Model, generator: keras.Model) -> Predictor:
    """Return what both networks make of photos: the occupancy of the encoder's mean.

    Args:
        encoder: photo (B, H, H, 3) -> mean (B, d) and log-variance.
        generator: z (B, d) -> occupancy (B, S, S, S, 1).

    Returns:
        Function from uint8 (n, H, H, 3) to float32 (n, S, S, S).
    """
    means = encoder_means(encoder)

    def predict(images: np.ndarray) -> np.ndarray:
        return occupancies(generator, means(images))

    return predict


def encoder_means(encoder: keras.Model) -> Features:
    """Return the function from photos to the means of their latents."""

    def means(images: np.ndarray) -> np.ndarray:
        batches = [images[i : i + BATCH] for i in range(0, len(images), BATCH)]
        parts = [encoder(to_floats(batch), training=False)[0] for batch in batches]
        return np.concatenate([np.asarray(part) for part in parts])

    return means


def occupancies(generator: keras.Model, latents: np.ndarray) -> np.ndarray:
    """Return the occupancies of latents.

    Args:
        generator: z (B, d) -> occupancy (B, S, S, S, 1).
        latents: float32 (N, d).

    Returns:
        float32 (N, S, S, S) in [0, 1].
    """
    batches = [latents[i : i + BATCH] for i in range(0, len(latents), BATCH)]
    parts = [np.asarray(generator(batch, training=False)) for batch in batches]
    return np.concatenate(parts)[..., 0]


def mean_shape_predictor(pairs: Pairs) -> Predictor:
    """Return a function that predicts the mean training shape for every photo.

    Args:
        pairs: training photos; each shape counts once.
    """
    sums = sum(block.sum(axis=0, dtype=np.int64) for block in blocks(pairs.shapes))
    mean = (sums / len(pairs.shapes)).astype(np.float32)
    return lambda images: np.broadcast_to(mean, (len(images), *mean.shape))


@dataclass(frozen=True)
class Way:
    """A way to compare photos: by the distance between their features.

    Attributes:
        extract: photos -> features, which may take long.
        prepare: features -> features of the same shape.
    """

    extract: Features
    prepare: Callable[[np.ndarray], np.ndarray] = np.asarray


class Retrieval:
    """Predicts the shape of the training photo whose features are nearest.

    The predictions are bool, so they need no threshold.
    """

    def __init__(self, pairs: Pairs, way: Way, known: np.ndarray) -> None:
        """Keep the features of the training photos.

        Args:
            pairs: training photos, N.
            way: way to compare photos.
            known: what `way.extract` makes of these photos, float32 (N, D).
        """
        self._pairs = pairs
        self._way = way
        self._known = way.prepare(known)
        self._squares = np.einsum("nd,nd->n", self._known, self._known)

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Return the retrieved shapes, bool (n, S, S, S), of photos (n, H, H, 3)."""
        rows = self._pairs.shape_rows[self.nearest(images)]
        return self._pairs.shapes.voxels(rows)

    def nearest(
        self, images: np.ndarray, allowed: np.ndarray | None = None
    ) -> np.ndarray:
        """Return the rows of the training photos that are nearest to some photos.

        Args:
            images: uint8 (n, H, H, 3).
            allowed: bool (N,), which training photos may be found; by default all.

        Returns:
            int64 (n,).
        """
        squares = self._squares
        if allowed is not None:
            squares = np.where(allowed, squares, np.inf)
        # |a - b|^2 without |a|^2, which is the same for all training photos.
        found = self._way.prepare(self._way.extract(images))
        return np.argmin(squares - 2 * found @ self._known.T, axis=1)


def pixel_features(edge: int, kind: str) -> Features:
    """Return a function from photos to small pictures that can be compared.

    The mean over each picture is taken off, so that the light does not matter.

    Args:
        edge: height and width of the small pictures in pixels.
        kind: colours, greys, or gradients: how much the brightness changes from each
            pixel to the next, which depends less on the colours of object and
            background.
    """

    def features(images: np.ndarray) -> np.ndarray:
        pictures = images.astype(np.float32)
        if kind != "colours":
            pictures = pictures.mean(axis=3, keepdims=True)
        if kind == "gradients":
            down, right = (np.diff(pictures, axis=a, append=0) for a in (1, 2))
            # The last row and column have no next one.
            down[:, -1], right[:, :, -1] = 0, 0
            pictures = np.concatenate([abs(down), abs(right)], axis=3)
        count, size, _, channels = pictures.shape
        each = size // edge
        small = pictures.reshape(count, edge, each, edge, each, channels)
        small = small.mean(axis=(2, 4))
        small -= small.mean(axis=(1, 2), keepdims=True)
        return small.reshape(count, -1)

    return features


def of_length_1(vectors: np.ndarray) -> np.ndarray:
    """Return vectors, float32 (N, D), divided by their lengths."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.maximum(lengths, 1e-6)


# Ways to compare photos by their pixels.
PIXELS = {
    f"{edge} x {edge} {kind}": Way(pixel_features(edge, kind), of_length_1)
    for edge, kind in (
        (8, "colours"),
        (16, "colours"),
        (16, "greys"),
        (32, "greys"),
        (8, "gradients"),
        (16, "gradients"),
    )
}


def encoder_ways(encoder: keras.Model) -> dict[str, Way]:
    """Return the ways to compare photos by the means of an encoder."""
    means = encoder_means(encoder)
    return {
        "means by distance": Way(means),
        "means by angle": Way(means, of_length_1),
    }


def best_retrieval(
    ways: Mapping[str, Way], pairs: Pairs, validation: Pairs
) -> tuple[str, Retrieval]:
    """Return the retrieval with the largest mean IoU on validation photos.

    While the way is chosen, photos of the validation shapes cannot be found. The
    retrieval that is returned finds them, too.

    Args:
        ways: ways to compare photos by their names; those with the same features one
            after another.
        pairs: training photos.
        validation: all photos of some training shapes, of which at most MAX_VALIDATION
            are compared; photos have the same names in both.

    Returns:
        The name of the best way, and its retrieval.
    """
    own = set(validation.names)
    allowed = np.array([name not in own for name in pairs.names])
    if not allowed.any():  # all training shapes are validation shapes
        allowed[:] = True
    validation = validation.spread(MAX_VALIDATION)
    truth = validation.shapes.voxels(validation.shape_rows)
    best, best_iou, extracted = None, -1.0, None
    for name, way in ways.items():
        if way.extract is not extracted:
            extracted, known = way.extract, _all_features(pairs, way.extract, name)
        retrieval = Retrieval(pairs, way, known)
        nearest = retrieval.nearest(np.asarray(validation.images), allowed)
        shapes = pairs.shapes.voxels(pairs.shape_rows[nearest])
        iou = mean_iou(shapes, truth, 0.5)
        if iou > best_iou:
            best, best_iou = (name, retrieval), iou
    return best


def _all_features(pairs: Pairs, features: Features, name: str) -> np.ndarray:
    """Return the features of all photos, block by block."""
    starts = range(0, len(pairs), BLOCK)
    bar = tqdm(starts, name, unit="block", disable=None, delay=1, leave=False)
    parts = [features(np.asarray(pairs.images[i : i + BLOCK])) for i in bar]
    return np.concatenate(parts)


def fit_latents(
    generator: keras.Model,
    shapes: np.ndarray,
    start: np.ndarray,
) -> np.ndarray:
    """Return the occupancies of latents that were fitted to the shapes themselves.

    An encoder can hardly do better with this generator: Adam decreases the
    cross-entropy between the generator's occupancy and the true shape itself.

    Args:
        generator: z (B, d) -> occupancy (B, S, S, S, 1).
        shapes: bool (N, S, S, S).
        start: latents to start from, float32 (N, d).

    Returns:
        float32 (N, S, S, S) in [0, 1].
    """
    latents = tf.Variable(start, dtype=tf.float32)
    truth = tf.constant(shapes[..., None], tf.float32)
    optimizer = keras.optimizers.Adam(FIT_RATE)
    optimizer.build([latents])

    @tf.function
    def step() -> None:
        with tf.GradientTape() as tape:
            occupancy = generator(latents, training=False)
            loss = keras.ops.binary_crossentropy(truth, occupancy)
            # The latents are independent, so the sum fits each of them alone.
            loss = tf.reduce_sum(loss)
        optimizer.apply([tape.gradient(loss, latents)], [latents])

    steps = range(FIT_STEPS)
    for _ in tqdm(steps, "fitting latents", unit="step", disable=None, leave=False):
        step()
    return occupancies(generator, latents.numpy())
