"""Networks that turn images into the features that the scores compare.

`inceptionv3` is the network of the published scores and needs a file of weights.
`local` needs no file: it is a small classifier that is trained on the user's own
labelled images. `local_unlabelled` does the same for images without labels.
"""

import dataclasses
import functools
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import keras
import numpy as np
import tensorflow as tf

from common.errors import UserError
from common.features import local_classifier, pretext_task
from common.features.cached_network import fingerprint, float32, load_or_train
from common.features.keras_weights import KerasWeights
from common.files import default_cache_dir

logger = logging.getLogger(__name__)

INCEPTION_FILE = "inception_v3_weights_tf_dim_ordering_tf_kernels.h5"
_INCEPTION = KerasWeights(
    name="InceptionV3",
    outputs="with its 1000 classes",
    call="keras.applications.InceptionV3()",
    file=INCEPTION_FILE,
    md5="9a0d58056eeedaa3f26cb7ebd46da564",
)
# Largest number of input values in a batch: 31 images of 299 x 299 x 3.
_BATCH_VALUES = 2**23
# Largest number of images in a batch.
_MAX_BATCH = 256


@dataclasses.dataclass(frozen=True)
class Extractor:
    """A network that computes features and class probabilities of images.

    Attributes:
        name: "local" or "inceptionv3"; part of the names of scores.
        network: network from (B, H, W, C) float32 to [(B, D) features, (B, K)
            probabilities].
        key: hash that identifies the weights; only features of the same key can be
            compared.
    """

    name: Literal["local", "inceptionv3"]
    network: keras.Model
    key: str = ""

    @property
    def dimensions(self) -> int:
        """D, the width of a feature."""
        return self.network.output_shape[0][-1]

    @property
    def classes(self) -> int:
        """K, the number of classes."""
        return self.network.output_shape[1][-1]

    def __call__(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the features and class probabilities of images.

        Images of another size than the network's input are resized, bilinearly and
        with antialiasing. A single channel is repeated if the network needs three.

        Args:
            images: (B, H, W) or (B, H, W, C) float32 in [-1, 1], B >= 1.

        Returns:
            (B, D) float32 features and (B, K) float32 probabilities.

        Raises:
            ValueError: the images have a wrong shape, type or range.
        """
        images = _checked_images(images)
        height, width, channels = self.network.input_shape[1:]
        if images.shape[-1] not in (1, channels):
            raise ValueError(
                f"the network {self.name} takes 1 or {channels} channels, "
                f"found {images.shape[-1]}"
            )
        step = max(1, min(_MAX_BATCH, _BATCH_VALUES // (height * width * channels)))
        parts = []
        for start in range(0, len(images), step):
            batch = tf.constant(images[start : start + step], tf.float32)
            if batch.shape[1:3] != (height, width):
                batch = tf.image.resize(batch, (height, width), antialias=True)
            if batch.shape[-1] != channels:
                batch = tf.repeat(batch, channels, axis=-1)
            parts.append(self._compiled(batch))
        features, probabilities = zip(*parts, strict=True)
        return np.concatenate(features), np.concatenate(probabilities)

    @functools.cached_property
    def _compiled(self) -> tf.types.experimental.PolymorphicFunction:
        """The network as one compiled graph that accepts batches of any size."""
        inputs = tf.TensorSpec((None, *self.network.input_shape[1:]), tf.float32)
        return tf.function(
            lambda batch: self.network(batch, training=False), input_signature=[inputs]
        )


def inceptionv3(weights: Path | None = None) -> Extractor:
    """Load InceptionV3 with Keras's ImageNet weights; nothing is downloaded.

    The features are the 2048 channels after global average pooling, the probabilities
    those of the 1000 ImageNet classes. Neither the weights nor the resizing are those
    of the paper that introduced the FID. Therefore compare scores only with scores of
    this extractor, not with published ones.

    Args:
        weights: path of an .h5 or .weights.h5 file of the whole network; default the
            file in Keras's own cache, $KERAS_HOME/models or ~/.keras/models.

    Returns:
        The extractor, for images of 299 x 299 x 3 or resized to it.

    Raises:
        UserError: the file is missing, damaged or of another network.

    Reference:
        Szegedy et al. 2016, arXiv:1512.00567 (the network);
        Heusel et al. 2017, arXiv:1706.08500 (FID);
        Parmar et al. 2022, arXiv:2104.11222 (resizing).
    """
    path, key = _INCEPTION.find(weights)
    with float32():
        network = keras.applications.InceptionV3(weights=None)
        _INCEPTION.load_into(network, path, key)
        pool = network.get_layer("avg_pool").output
        network = keras.Model(network.input, [pool, network.output])
    return Extractor("inceptionv3", network, key)


def local(
    images: np.ndarray,
    labels: np.ndarray | None,
    *,
    steps: int = 500,
    seed: int = 0,
    cache_dir: Path | None = None,
) -> Extractor:
    """Train a small classifier on labelled images, or load it from the cache.

    The features are 64 numbers of mean 0 and variance 1 over the training images. A
    tenth of the images is held out, and the log reports the accuracy on it, also when
    the network is loaded from the cache. Compare scores only with scores of the same
    extractor, which means the same images and the same settings. On one machine, the
    same seed gives the same network.

    Args:
        images: (N, H, W) or (N, H, W, C) uint8.
        labels: (N,), of any type, with at least two classes.
        steps: number of training steps, each on a batch of 128 images.
        seed: seed of the weights, the order, the shifts and the held-out images.
        cache_dir: folder for the trained network; by default the project's cache
            folder.

    Returns:
        The extractor, for images of the same size or resized to it.

    Raises:
        UserError: there are no labels, or all are of one class.
        ValueError: the images or labels have a wrong shape or type.
    """
    images, targets = _checked_training(images, labels)
    key = fingerprint(_settings(steps, seed), images, targets)
    return _trained(key, lambda: (images, targets), steps, seed, cache_dir)


def local_unlabelled(
    images: np.ndarray,
    *,
    steps: int = 500,
    seed: int = 0,
    cache_dir: Path | None = None,
) -> Extractor:
    """Train a small classifier on images without labels, or load it from the cache.

    It learns the classes of `common.features.pretext_task`, which are computed only if
    the network is not in the cache. Everything else is as in `local`.

    Args:
        images: (N, S, S, C) uint8, S a multiple of 8.
        steps: number of training steps, each on a batch of 128 images.
        seed: seed of the weights, the order, the shifts and the held-out images.
        cache_dir: folder for the trained network; by default the project's cache
            folder.

    Returns:
        The extractor, for images of the same size or resized to it.
    """
    rows = pretext_task.chosen_rows(len(images), np.random.default_rng(0))
    settings = [*_settings(steps, seed), "pretext", pretext_task.VERSION]
    key = fingerprint(settings, images[rows], rows)

    def make_data() -> tuple[np.ndarray, np.ndarray]:
        return _checked_training(*pretext_task.make_task(images))

    return _trained(key, make_data, steps, seed, cache_dir)


def _settings(steps: int, seed: int) -> list:
    """Return the settings that decide what the local classifier learns."""
    return [
        local_classifier.VERSION,
        local_classifier.BATCH_SIZE,
        local_classifier.LEARNING_RATE,
        steps,
        seed,
    ]


def _trained(
    key: str, make_data: Callable, steps: int, seed: int, cache_dir: Path | None
) -> Extractor:
    """Load the network of a key from the cache, or train it on `make_data()`."""
    folder = default_cache_dir() if cache_dir is None else Path(cache_dir)
    path = folder / f"local-{key}.keras"

    def train() -> tuple[keras.Model, float]:
        images, targets = make_data()
        logger.info(
            "training the local extractor on %d images; this happens once", len(images)
        )
        return local_classifier.train(images, targets, steps, seed)

    network, accuracy = load_or_train(path, train)
    logger.info(
        "local extractor: %.1f %% of held-out images classified correctly (%s)",
        100 * accuracy,
        path,
    )
    return Extractor("local", network, key)


def _checked_images(images: np.ndarray) -> np.ndarray:
    """Check images and return them as (B, H, W, C)."""
    images = np.asarray(images)
    if images.ndim == 3:
        images = images[..., None]
    if images.ndim != 4 or not images.size:
        raise ValueError(f"expected images (B, H, W[, C]), found shape {images.shape}")
    # Integers are refused, because they are probably pixels in [0, 255].
    if not np.issubdtype(images.dtype, np.floating) or not (abs(images) <= 1.001).all():
        raise ValueError(
            f"expected images as floats in [-1, 1], found {images.dtype} from "
            f"{images.min()} to {images.max()}"
        )
    return images


def _checked_training(
    images: np.ndarray, labels: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return checked images as (N, H, W, C), and their classes as (N,) int32."""
    images = np.asarray(images)
    if images.ndim == 3:
        images = images[..., None]
    if images.ndim != 4 or images.dtype != np.uint8:
        raise ValueError(
            f"expected images (N, H, W[, C]) uint8, found {images.shape} {images.dtype}"
        )
    if labels is not None and np.shape(labels) != (len(images),):
        raise ValueError(
            f"expected {len(images)} labels, found shape {np.shape(labels)}"
        )
    names, targets = np.unique([] if labels is None else labels, return_inverse=True)
    if len(names) < 2:
        raise UserError(
            "the local extractor is trained on labels: expected images of at least 2 "
            f"classes, found {len(names) or 'no labels'}; give labels or choose "
            "inceptionv3"
        )
    return images, targets.astype(np.int32)
