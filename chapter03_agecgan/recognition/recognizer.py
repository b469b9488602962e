"""The face-recognition network of the third stage, and its three kinds.

A small network trained on the persons of the data set; Keras's InceptionResNetV2, which
was trained to recognise objects, not people; or a network from a file of the user's.
"""

import dataclasses
import functools
import hashlib
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, get_args

import keras
import numpy as np
import tensorflow as tf

from chapter03_agecgan.recognition import keras_file, local_network
from chapter03_agecgan.recognition.onnx_file import OnnxNetwork
from common.errors import UserError
from common.features.cached_network import fingerprint, float32, load_or_train
from common.features.keras_weights import KerasWeights
from common.files import check_file, default_cache_dir

logger = logging.getLogger(__name__)

# Range of the pixels that a network takes: [-1, 1], [0, 1] or [0, 255].
Scaling = Literal["unit", "zero_one", "pixels"]
# Factor and offset that bring pixels in [-1, 1] to each range.
_SCALINGS = {"unit": (1.0, 0.0), "zero_one": (0.5, 0.5), "pixels": (127.5, 127.5)}
_IMAGENET_SIZE = 160  # edge in pixels, as in FaceNet's networks of the same kind
_INCEPTION_RESNET = KerasWeights(
    name="InceptionResNetV2",
    outputs="without its classes",
    call="keras.applications.InceptionResNetV2(include_top=False)",
    file="inception_resnet_v2_weights_tf_dim_ordering_tf_kernels_notop.h5",
    md5="d19885ff4a710c122648d3b5c3b684e4",
)
_MAX_FILE_BYTES = 2**30
_BATCH = 64


@dataclasses.dataclass(frozen=True)
class Recognizer:
    """A network that turns faces into embeddings of length 1.

    Attributes:
        name: "local", "imagenet" or "file"; outputs report it.
        network: frozen network from images (B, S, S, 3) float32 in [-1, 1], any S, to
            embeddings (B, D), which gradients can pass through; None for a network
            without gradient.
        key: identifier of the weights; embeddings of different keys must not be
            compared.
        forward: function from such images to embeddings as NumPy arrays; it is used
            instead of `network` if that is None.
    """

    name: Literal["local", "imagenet", "file"]
    network: keras.Model | None
    key: str
    forward: Callable[[np.ndarray], np.ndarray] | None = None

    def __post_init__(self) -> None:
        """Freeze the network, so that no training changes it."""
        if self.network is not None:
            self.network.trainable = False

    def embed(self, images: np.ndarray) -> np.ndarray:
        """Return the embeddings of images.

        Args:
            images: uint8 (N, H, W, 3), N >= 1.

        Returns:
            float32 (N, D), each of length 1.

        Raises:
            ValueError: the images have another shape or dtype.
        """
        images = _checked(images)
        # `network` is compiled on first use.
        parts = []
        for start in range(0, len(images), _BATCH):
            batch = images[start : start + _BATCH].astype(np.float32) / 127.5 - 1
            parts.append(np.asarray((self.forward or self._compiled)(batch)))
        return np.concatenate(parts)

    @functools.cached_property
    def _compiled(self) -> tf.types.experimental.PolymorphicFunction:
        """The network as one compiled function, for batches and images of any size."""
        inputs = tf.TensorSpec((None, None, None, 3), tf.float32)
        return tf.function(
            lambda batch: self.network(batch, training=False), input_signature=[inputs]
        )


def local(
    images: np.ndarray,
    persons: Sequence[str],
    *,
    steps: int,
    seed: int = 0,
    singles: bool = False,
    cache_dir: Path | None = None,
) -> Recognizer:
    """Train a small network to recognise the given people, or load it from the cache.

    Training with the same seed on the same machine gives the same network.

    Args:
        images: uint8 (N, S, S, 3).
        persons: name of the person on each photo, N names.
        steps: number of batches of 64 photos to train on.
        seed: seed of the weights, of the order of the photos and of the augmentation.
        singles: whether to learn from people with a single photo, too: the network
            then sees augmented copies of it only. Off by default: 300 such people,
            added to 100 people with six photos each, raised the false accept rate from
            13 to 24 %.
        cache_dir: folder for the trained network; default the project's cache folder.

    Returns:
        The network.

    Raises:
        UserError: there are fewer than two people with several photos; with `singles`,
            fewer than two people.
        ValueError: the images have another shape or dtype, or the number of persons is
            not that of the images.
    """
    images, targets = local_network.training_set(_checked(images), persons, singles)
    settings = [local_network.VERSION, steps, seed]
    key = fingerprint(settings, images, targets)
    folder = default_cache_dir() if cache_dir is None else Path(cache_dir)
    path = folder / f"identity-{key}.keras"

    def train() -> tuple[keras.Model, float]:
        logger.info(
            "training the face-recognition network, once, on %d photos of %d people",
            len(images),
            targets.max() + 1,
        )
        return local_network.train(images, targets, steps, seed)

    network, accuracy = load_or_train(path, train)
    logger.info(
        "face recognition: %.1f %% of training photos assigned to the right one of %d "
        "people; network in %s",
        100 * accuracy,
        targets.max() + 1,
        path,
    )
    return Recognizer("local", network, key)


def imagenet(weights: Path | None = None) -> Recognizer:
    """Load InceptionResNetV2 with Keras's ImageNet weights; nothing is downloaded.

    Embeddings are the 1536 channels after global average pooling, scaled to length 1.
    The network is called imagenet because it was trained on the thousand classes of
    ImageNet, not on faces.

    Args:
        weights: .h5 or .weights.h5 file of the network without its classification
            layer; default a file in Keras's cache, $KERAS_HOME/models or
            ~/.keras/models.

    Returns:
        The network.

    Raises:
        UserError: the file is missing, damaged or of another network.

    Reference:
        Szegedy et al. 2017, arXiv:1602.07261 (the network).
    """
    path, key = _INCEPTION_RESNET.find(weights)
    with float32():
        size = (_IMAGENET_SIZE, _IMAGENET_SIZE, 3)
        inner = keras.applications.InceptionResNetV2(
            include_top=False, pooling="avg", weights=None, input_shape=size
        )
        _INCEPTION_RESNET.load_into(inner, path, key)
        network = keras_file.frame(inner, (_IMAGENET_SIZE, _IMAGENET_SIZE))
    return Recognizer("imagenet", network, key)


def from_file(path: Path, scaling: Scaling = "unit") -> Recognizer:
    """Load a face-recognition network from a file; no code in it is run.

    Args:
        path: .keras file of a network from images (B, H, W, 3), or .onnx file of a
            network from images (B, 3, H, W), to embeddings (B, D). Embeddings are
            scaled to length 1. Images are RGB; they are resized to the network's size,
            or to 112 x 112 pixels if it has no fixed size.
        scaling: range of the pixels that the network takes: "unit" for [-1, 1],
            "zero_one" for [0, 1], "pixels" for [0, 255].

    Returns:
        The network; one from a .onnx file has no gradient.

    Raises:
        UserError: the file is missing, damaged, of another kind or too large, or its
            network does not take images or does not return embeddings.
    """
    path = Path(path)
    if scaling not in _SCALINGS:
        raise UserError(
            f"expected a scaling of {', '.join(get_args(Scaling))}, found {scaling!r}"
        )
    kind = path.suffix.lower()
    if kind not in (".keras", ".onnx"):
        raise UserError(
            "expected local, imagenet or a .keras or .onnx file as face-recognition "
            f"network, found {str(path)!r}"
        )
    check_file(path, _MAX_FILE_BYTES)
    # The same weights with another scaling give other embeddings.
    with path.open("rb") as file:
        key = f"{hashlib.file_digest(file, 'sha256').hexdigest()[:20]}-{scaling}"
    if kind == ".keras":
        network = keras_file.load(path, *_SCALINGS[scaling])
        recognizer = Recognizer("file", network, key)
    else:
        network = OnnxNetwork(path, *_SCALINGS[scaling])
        recognizer = Recognizer("file", None, key, network)
    _try_out(path, recognizer)
    return recognizer


def _try_out(path: Path, recognizer: Recognizer) -> None:
    """Raise a UserError if a network has no useful embedding of a grey image."""
    try:
        embeddings = recognizer.embed(np.full((1, 64, 64, 3), 128, np.uint8))
    except tf.errors.OpError as error:
        raise UserError(
            f"{path} holds a network that cannot embed an image "
            f"({type(error).__name__}); save it again"
        ) from error
    if not abs(np.linalg.norm(embeddings) - 1) < 0.01:
        raise UserError(
            f"{path} holds a network whose embedding of a grey image is zero or not "
            "finite; is it trained, and is its scaling right?"
        )


def _checked(images: np.ndarray) -> np.ndarray:
    """Return images as an array, after checking that they are uint8 (N, H, W, 3)."""
    images = np.asarray(images)
    fits = images.ndim == 4 and images.shape[-1] == 3 and images.dtype == np.uint8
    if not fits or not images.size:
        raise ValueError(
            f"expected images (N, H, W, 3) uint8, found {images.shape} {images.dtype}"
        )
    return images
