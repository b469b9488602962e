"""The face-recognition network of the third stage: whatever can tell people apart.

Three kinds fill the slot: a small network trained on the identities at hand, Keras's
InceptionResNetV2, which knows things but no people, and a file of the user's own.
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

# What pixels a network takes: in [-1, 1], in [0, 1], or from 0 to 255.
Scaling = Literal["unit", "zero_one", "pixels"]
# Factor and offset that bring [-1, 1] to each.
_SCALINGS = {"unit": (1.0, 0.0), "zero_one": (0.5, 0.5), "pixels": (127.5, 127.5)}
_IMAGENET_SIZE = 160  # of FaceNet's networks of the same kind
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
        name: "local", "imagenet" or "file"; a part of what outputs say.
        network: from (B, S, S, 3) float32 in [-1, 1], any S, to (B, D), with a
            gradient and never trained any further; None where there is no gradient.
        key: tells its weights from others; embeddings of two keys do not compare.
        forward: the same for NumPy arrays, where there is no `network`.
    """

    name: Literal["local", "imagenet", "file"]
    network: keras.Model | None
    key: str
    forward: Callable[[np.ndarray], np.ndarray] | None = None

    def __post_init__(self) -> None:
        """Make the network stay as it is, in whatever training it takes part."""
        if self.network is not None:
            self.network.trainable = False

    def embed(self, images: np.ndarray) -> np.ndarray:
        """Return the embeddings of images.

        Args:
            images: uint8 (N, H, W, 3), N >= 1.

        Returns:
            float32 (N, D), each of length 1.

        Raises:
            ValueError: shape or type are others.
        """
        images = _checked(images)
        parts = []
        for start in range(0, len(images), _BATCH):
            batch = images[start : start + _BATCH].astype(np.float32) / 127.5 - 1
            parts.append(np.asarray((self.forward or self._compiled)(batch)))
        return np.concatenate(parts)

    @functools.cached_property
    def _compiled(self) -> tf.types.experimental.PolymorphicFunction:
        """The network as one graph for batches of every size."""
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
    """Train a small network to tell the people at hand apart, or take it from cache.

    Training is repeatable by seed on one machine.

    Args:
        images: uint8 (N, S, S, 3).
        persons: who is on each, N names.
        steps: batches of 64 photos to train for.
        seed: of weights, order and changes of the photos.
        singles: learn also from people with a single photo, each told from all
            others by changed copies of it. Off: beside 100 people with six photos,
            300 such people raised the false accepts from 13 to 24 %.
        cache_dir: folder for the trained network; default the project's.

    Returns:
        The network.

    Raises:
        UserError: there are fewer than two people with several photos.
        ValueError: shape or type are others.
    """
    images, targets = local_network.training_set(_checked(images), persons, singles)
    settings = [local_network.VERSION, steps, seed]
    key = fingerprint(settings, images, targets)
    folder = default_cache_dir() if cache_dir is None else Path(cache_dir)
    path = folder / f"identity-{key}.keras"

    def train() -> tuple[keras.Model, float]:
        logger.info(
            "training the face-recognition network on %d photos of %d people, once",
            len(images),
            targets.max() + 1,
        )
        return local_network.train(images, targets, steps, seed)

    network, accuracy = load_or_train(path, train)
    logger.info(
        "face recognition: %.1f %% of training photos assigned to the right one of %d "
        "people (%s)",
        100 * accuracy,
        targets.max() + 1,
        path,
    )
    return Recognizer("local", network, key)


def imagenet(weights: Path | None = None) -> Recognizer:
    """Load InceptionResNetV2 with Keras's weights of ImageNet; never downloads.

    Embeddings are the 1536 channels of the global average pool, brought to length 1.
    It has learnt a thousand classes of things and never an identity, hence the name.

    Args:
        weights: a file .h5 or .weights.h5 of the network without its classes;
            default Keras's own cache, $KERAS_HOME/models or ~/.keras/models.

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
        path: a .keras file of a network from images (B, H, W, 3), or a .onnx file of
            one from (B, 3, H, W), to embeddings (B, D), which are brought to length
            1. Images are RGB and resized to the network's size, or to 112 pixels
            where it tells none.
        scaling: what pixels it takes: "unit" in [-1, 1], "zero_one" in [0, 1],
            "pixels" from 0 to 255.

    Returns:
        The network; that of a .onnx file has no gradient.

    Raises:
        UserError: the file is missing, damaged, of another kind or too large, or its
            network takes no images or gives no embeddings.
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
    """Refuse a network that gives no useful numbers."""
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
    """Return images of the only shape and type that are taken."""
    images = np.asarray(images)
    fits = images.ndim == 4 and images.shape[-1] == 3 and images.dtype == np.uint8
    if not fits or not images.size:
        raise ValueError(
            f"expected images (N, H, W, 3) uint8, found {images.shape} {images.dtype}"
        )
    return images
