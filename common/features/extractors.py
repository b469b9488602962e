"""Networks that turn images into the features that the scores compare.

`inceptionv3` is the network of the published scores and needs a file of weights.
`local` needs none: it is a small classifier, trained on the labelled data at hand.
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
# Input values of one batch (32 images of 299 x 299 x 3), and images of one batch.
_BATCH_VALUES = 2**23
_MAX_BATCH = 256


@dataclasses.dataclass(frozen=True)
class Extractor:
    """A network that gives features and class probabilities of images.

    Attributes:
        name: "local" or "inceptionv3"; a part of the names of scores.
        network: from (B, H, W, C) float32 to [(B, D) features, (B, K)
            probabilities].
        key: tells its weights from others; features of two keys do not compare.
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

        Images of another size than the network's are resized, bilinear and with
        antialiasing. One channel is repeated where the network needs three.

        Args:
            images: (B, H, W) or (B, H, W, C) float32 in [-1, 1], B >= 1.

        Returns:
            (B, D) float32 features and (B, K) float32 probabilities.

        Raises:
            ValueError: shape, type or range are others.
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
        """The network as one graph for batches of every size."""
        inputs = tf.TensorSpec((None, *self.network.input_shape[1:]), tf.float32)
        return tf.function(
            lambda batch: self.network(batch, training=False), input_signature=[inputs]
        )


def inceptionv3(weights: Path | None = None) -> Extractor:
    """Load InceptionV3 with Keras's weights of ImageNet; never downloads.

    Features are the 2048 channels of the global average pool, probabilities those
    of 1000 classes. Keras's weights are not the ones with which the FID was
    introduced, and the resizing is another. So values compare with values of this
    very extractor only, not with published ones.

    Args:
        weights: a file .h5 or .weights.h5 of the whole network; default Keras's
            own cache, $KERAS_HOME/models or ~/.keras/models.

    Returns:
        The extractor.

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
    """Train a small classifier on labelled images, or take it from the cache.

    Features are 64 numbers of mean 0 and variance 1 over the training images. A
    tenth of the images is held out; the log tells how many of it are classified
    right, now and when the network comes from the cache. Values compare only with
    values of the same extractor: same data, same settings. Training is repeatable
    by seed on one machine.

    Args:
        images: (N, H, W) or (N, H, W, C) uint8.
        labels: (N,), two classes or more.
        steps: batches of 128 images to train for.
        seed: of weights, order, shifts and of what is held out.
        cache_dir: folder for the trained network; default the project's.

    Returns:
        The extractor, for images of the same size or resized to it.

    Raises:
        UserError: there are no labels, or all are of one class.
        ValueError: shape or type are others.
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
    """Train a small classifier on images without labels, or take it from the cache.

    Its task is that of `common.features.pretext_task`, which is not even made where the
    network is in the cache. Else as `local`.

    Args:
        images: (N, S, S, C) uint8, S a multiple of 8.
        steps: batches of 128 images to train for.
        seed: of weights, order, shifts and of what is held out.
        cache_dir: folder for the trained network; default the project's.
    """
    rows = pretext_task.chosen_rows(len(images), np.random.default_rng(0))
    settings = [*_settings(steps, seed), "pretext", pretext_task.VERSION]
    key = fingerprint(settings, images[rows], rows)

    def make() -> tuple[np.ndarray, np.ndarray]:
        return _checked_training(*pretext_task.make_task(images))

    return _trained(key, make, steps, seed, cache_dir)


def _settings(steps: int, seed: int) -> list:
    settings = [local_classifier.VERSION, local_classifier.BATCH_SIZE]
    return [*settings, local_classifier.LEARNING_RATE, steps, seed]


def _trained(
    key: str, make_data: Callable, steps: int, seed: int, cache_dir: Path | None
) -> Extractor:
    """Return the network of a key from the cache, or train it on made data."""
    folder = default_cache_dir() if cache_dir is None else Path(cache_dir)
    path = folder / f"local-{key}.keras"

    def train() -> tuple[keras.Model, float]:
        images, targets = make_data()
        logger.info("training the local extractor on %d images, once", len(images))
        return local_classifier.train(images, targets, steps, seed)

    network, accuracy = load_or_train(path, train)
    logger.info(
        "local extractor: %.1f %% of held-out images classified right (%s)",
        100 * accuracy,
        path,
    )
    return Extractor("local", network, key)


def _checked_images(images: np.ndarray) -> np.ndarray:
    """Return images as (B, H, W, C)."""
    images = np.asarray(images)
    if images.ndim == 3:
        images = images[..., None]
    if images.ndim != 4 or not images.size:
        raise ValueError(f"expected images (B, H, W[, C]), found shape {images.shape}")
    # Whole numbers would be pixels from 0 to 255.
    if not np.issubdtype(images.dtype, np.floating) or not (abs(images) <= 1.001).all():
        raise ValueError(
            f"expected images as floats in [-1, 1], found {images.dtype} from "
            f"{images.min()} to {images.max()}"
        )
    return images


def _checked_training(
    images: np.ndarray, labels: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return images as (N, H, W, C) and the numbers of their classes."""
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
            "the local extractor learns from labels: expected images of at least 2 "
            f"classes, found {len(names) or 'no labels'}; give labels or choose "
            "inceptionv3"
        )
    return images, targets.astype(np.int32)
