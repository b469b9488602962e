"""A small face-recognition network, trained on photos of known people.

It learns to classify each photo as one of the training people, with a margin: the
right person must win by a clear distance. As a result, the embeddings of photos of one
person are close together on the unit sphere and those of two persons far apart, also
for people who were not in training.
"""

import math
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from common.data.batches import batch_indices
from common.errors import UserError
from common.gan import rng
from common.startup import progress_interval

# Version of this file: raise it with any change to the network, its training or its
# augmentation. Cached networks of other versions are not used.
VERSION = 1

# The network: edge of its images in pixels, length of the embeddings, and filters of
# the convolutions at each resolution.
SIZE = 64
DIMENSIONS = 128
CHANNELS = (16, 32, 64, 128)
DROPOUT = 0.3

# Its training.
BATCH_SIZE = 64
LEARNING_RATE = 1e-2
WEIGHT_DECAY = 5e-4
# s and m of the margin loss.
SCALE = 10.0
MARGIN = 0.35

# Augmentation: largest change in either direction, unless stated otherwise.
SHIFT = 0.06  # share of the image's edge
ZOOM = 0.08  # natural logarithm of the zoom factor
TURN = math.radians(6)
BRIGHTNESS = 0.2  # pixel values in [-1, 1]
CONTRAST = 0.25  # natural logarithm of the contrast factor
TINT = 0.08  # pixel values in [-1, 1], for each channel
GREY = 0.2  # share of the photos that lose their colour
BLURRED = 0.5  # share of the photos that are blurred
# Binomial weights, which approximate a Gaussian of a standard deviation of one pixel.
_KERNEL = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)


def build(seed: int) -> tuple[keras.Model, keras.Model]:
    """Return the untrained network, and a version with dropout that shares its weights.

    Four strided convolutions halve the resolution; all but the first are followed by
    another convolution. The last 4 x 4 grid is flattened, not averaged, because
    people differ by where their features are in the face.

    Args:
        seed: seed of the weights.

    Returns:
        Network from images (B, H, W, 3) float32 in [-1, 1], resized to 64 x 64, to
        embeddings (B, 128) of length 1; and the network to train, from images
        (B, 64, 64, 3), which shares all weights and drops 30 % of the values that the
        embedding is computed from.
    """
    layers = keras.layers
    # Convolutions: 64 x 64 pixels to a flattened 4 x 4 grid of features.
    resized = keras.Input((SIZE, SIZE, 3))
    grid = keras.Model(resized, layers.Flatten()(_grid(resized, seed)))
    # The embedding: a dense layer, normalised to length 1.
    initializer = keras.initializers.GlorotUniform(seed + 2 * len(CHANNELS))
    dense = layers.Dense(DIMENSIONS, use_bias=False, kernel_initializer=initializer)
    norm = layers.BatchNormalization(momentum=0.9)
    unit = layers.UnitNormalization()
    # The network for use has no dropout layer: dropout would stay active in a frozen
    # network that is called with training=True.
    images = keras.Input((None, None, 3))
    features = grid(layers.Resizing(SIZE, SIZE, antialias=True)(images))
    network = keras.Model(images, unit(norm(dense(features))))
    dropped = layers.Dropout(DROPOUT, seed=seed)(grid.output)
    return network, keras.Model(resized, unit(norm(dense(dropped))))


def _grid(x: keras.KerasTensor, seed: int) -> keras.KerasTensor:
    """Return features on a 4 x 4 grid from images of 64 x 64 pixels."""
    layers = keras.layers
    for i, channels in enumerate(CHANNELS):
        for j in range(2 if i else 1):
            x = layers.Conv2D(
                channels,
                3 if i else 5,
                strides=1 if j else 2,
                padding="same",
                use_bias=False,
                kernel_initializer=keras.initializers.HeNormal(seed + 2 * i + j),
            )(x)
            x = layers.BatchNormalization(momentum=0.9)(x)
            x = layers.LeakyReLU(0.1)(x)
    return x


def margin_loss(
    cosines: tf.Tensor, targets: tf.Tensor, scale: float, margin: float
) -> tf.Tensor:
    """Return the additive-margin softmax loss of each item.

    L = -log(e^(s (cos_y - m)) / (e^(s (cos_y - m)) + sum_{j != y} e^(s cos_j)))

    Args:
        cosines: cosines between each embedding and the direction of each class,
            (B, K).
        targets: classes y, int (B,), 0 to K - 1.
        scale: scale s, above 0.
        margin: margin m, 0 or above; with 0 it is the usual softmax loss.

    Returns:
        Losses (B,).

    Reference:
        Wang et al. 2018, arXiv:1801.09414, equation 4.
    """
    right = tf.one_hot(targets, cosines.shape[-1], dtype=cosines.dtype)
    return tf.nn.sparse_softmax_cross_entropy_with_logits(
        targets, scale * (cosines - margin * right)
    )


def train(
    images: np.ndarray, targets: np.ndarray, steps: int, seed: int
) -> tuple[keras.Model, float]:
    """Train a network on photos of known people.

    Args:
        images: uint8 (N, S, S, 3).
        targets: number of the person on each photo, int (N,), from 0.
        steps: number of batches of 64 photos to train on.
        seed: seed of the weights, of the order of the photos and of the augmentation.

    Returns:
        The network, and its accuracy in training: the share of augmented photos that
        are nearest to the right person, averaged over the last 20 batches or so.
    """
    network, with_dropout = build(seed)
    directions = keras.Variable(
        keras.initializers.RandomNormal(seed=seed)(
            (DIMENSIONS, int(targets.max()) + 1)
        ),
        name="directions",
    )
    step = _make_step(with_dropout, directions, steps, seed)
    bar = tqdm(
        range(steps), "face recognition", unit="step", mininterval=progress_interval()
    )
    accuracy = 0.0
    for number in bar:
        batch = batch_indices(len(images), BATCH_SIZE, seed, number)
        loss, right = step(
            tf.constant(number), tf.constant(images[batch]), tf.constant(targets[batch])
        )
        # A mean over all batches at first, then a moving average over about 20.
        accuracy += (float(right) - accuracy) / min(number + 1, 20)
        bar.set_postfix(loss=f"{float(loss):.2f}", refresh=False)
    return network, accuracy


def _make_step(
    network: keras.Model, directions: keras.Variable, steps: int, seed: int
) -> tf.types.experimental.PolymorphicFunction:
    """Return a function that trains on one batch and returns loss and accuracy."""
    # The learning rate rises over the first tenth of the steps, then falls to 0.
    rate = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=LEARNING_RATE / 10,
        warmup_target=LEARNING_RATE,
        warmup_steps=max(1, steps // 10),
        decay_steps=steps,
    )
    optimizer = keras.optimizers.AdamW(rate, weight_decay=WEIGHT_DECAY)
    variables = [*network.trainable_variables, directions]
    optimizer.build(variables)

    @tf.function
    def step(number, photos, targets):
        # Each step has a key of its own, so that training is repeatable.
        key = rng.fold(rng.root_key(seed), number)
        inputs = tf.cast(photos, tf.float32) / 127.5 - 1
        if inputs.shape[1:3] != (SIZE, SIZE):
            inputs = tf.image.resize(inputs, (SIZE, SIZE), antialias=True)
        inputs = change(inputs, key)
        # Each person is a unit vector; a photo should point in its person's direction.
        with tf.GradientTape() as tape:
            embeddings = network(inputs, training=True)
            unit = tf.math.l2_normalize(tf.convert_to_tensor(directions), axis=0)
            cosines = embeddings @ unit
            losses = margin_loss(cosines, targets, SCALE, MARGIN)
            loss = tf.reduce_mean(losses)
        optimizer.apply(tape.gradient(loss, variables), variables)
        right = tf.argmax(cosines, axis=1, output_type=targets.dtype) == targets
        return loss, tf.reduce_mean(tf.cast(right, tf.float32))

    return step


def training_set(
    images: np.ndarray, persons: Sequence[str], singles: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Return the photos to learn from, and the number of each photo's person.

    Args:
        images: uint8 (N, H, W, 3).
        persons: name of the person on each photo, N names.
        singles: whether people with only one photo are used, too.

    Returns:
        Photos uint8 (M, H, W, 3), and the numbers of their people, int32 (M,) from 0.

    Raises:
        UserError: there are fewer than two people to learn from.
        ValueError: the number of persons is not that of the images.
    """
    if np.shape(persons) != (len(images),):
        raise ValueError(f"expected {len(images)} persons, found {np.shape(persons)}")
    _, numbers, counts = np.unique(
        np.asarray(persons, str), return_inverse=True, return_counts=True
    )
    several = counts > 1
    if len(counts) < 2 or not singles and several.sum() < 2:
        raise UserError(
            "the local face-recognition network learns from people with several "
            f"photos: expected 2 such people or more, found {several.sum()} among "
            f"{len(counts)}; give such a folder, or a network's file"
        )
    if not singles:
        kept = several[numbers]
        images = images[kept]
        # Number the remaining people without gaps.
        _, numbers = np.unique(numbers[kept], return_inverse=True)
    return images, numbers.astype(np.int32)


def change(images: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
    """Augment each photo at random, in ways in which photos of one person differ.

    First the geometry changes: mirroring, and a small shift, zoom and rotation. Then
    brightness, contrast and tint change; some photos lose their colour, so that the
    network does not rely on colour alone. At last some are blurred, because generated
    faces are less sharp than photos.

    Args:
        images: float32 (B, S, S, 3) in [-1, 1].
        key: random key, int32 (2,); the same key gives the same changes.

    Returns:
        float32 (B, S, S, 3); values may lie slightly outside [-1, 1].
    """
    moved = _move(images, rng.fold(key, 0))
    return _soften(_colour(moved, rng.fold(key, 1)), rng.fold(key, 2))


def _move(images: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
    """Mirror, shift, zoom and rotate about the centre; edge pixels are repeated."""
    count, size = tf.shape(images)[0], images.shape[1]
    draws = tf.random.stateless_uniform((5, count), key, -1.0, 1.0)
    zoom = tf.exp(ZOOM * draws[0])
    mirror = tf.sign(draws[1])
    cosine, sine = tf.cos(TURN * draws[2]), tf.sin(TURN * draws[2])
    middle = (size - 1) / 2
    # Each output pixel (x, y) takes its value from (a x + b y + c, d x + e y + f). The
    # offsets c and f keep the centre in place, but for the shift.
    a, b = zoom * cosine * mirror, -zoom * sine
    d, e = zoom * sine * mirror, zoom * cosine
    c = middle - (a + b) * middle + SHIFT * size * draws[3]
    f = middle - (d + e) * middle + SHIFT * size * draws[4]
    zero = tf.zeros_like(a)
    matrices = tf.stack([a, b, c, d, e, f, zero, zero], axis=1)
    return keras.ops.image.affine_transform(images, matrices, fill_mode="nearest")


def _colour(images: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
    """Change brightness, contrast and tint, and make a share of the photos grey."""
    count = tf.shape(images)[0]
    draws = tf.random.stateless_uniform((count, 1, 1, 6), key, -1.0, 1.0)
    grey = tf.reduce_mean(images, axis=-1, keepdims=True)
    images = tf.where(draws[..., :1] < 2 * GREY - 1, grey, images)
    mean = tf.reduce_mean(images, axis=(1, 2, 3), keepdims=True)
    images = mean + (images - mean) * tf.exp(CONTRAST * draws[..., 1:2])
    return images + BRIGHTNESS * draws[..., 2:3] + TINT * draws[..., 3:]


def _soften(images: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
    """Blend a share of the photos with blurred copies, each to a random degree."""
    # Blur twice along the height and twice along the width, each by 5 pixels.
    vertical = tf.tile(tf.reshape(_KERNEL, (5, 1, 1, 1)), (1, 1, 3, 1))
    horizontal = tf.transpose(vertical, (1, 0, 2, 3))
    blurred = tf.pad(images, ((0, 0), (4, 4), (4, 4), (0, 0)), "SYMMETRIC")
    for weights in (vertical, horizontal, vertical, horizontal):
        blurred = tf.nn.depthwise_conv2d(blurred, weights, (1, 1, 1, 1), "VALID")
    # The share of the blurred copy: 0 with probability 1 - BLURRED, else uniform.
    chance = tf.random.stateless_uniform((tf.shape(images)[0], 1, 1, 1), key)
    share = tf.maximum(0.0, 1 - chance / BLURRED)
    return images + share * (blurred - images)
