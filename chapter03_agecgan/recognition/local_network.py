"""A small network that tells faces apart, learnt from photos of known people.

It is asked which of the training people each photo shows, under a margin: the right
answer counts only where it wins clearly. Photos of one person then come close
together on the unit sphere, those of two persons far apart, and that also holds for
people who were not in training.
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

SHIFT = 0.06
ZOOM = 0.08
TURN = math.radians(6)
BRIGHTNESS = 0.2
CONTRAST = 0.25
TINT = 0.08
GREY = 0.2
BLURRED = 0.5
# Binomial weights: a Gaussian of one pixel's standard deviation.
_KERNEL = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)

# A new number trains every network anew: raise it with any change below or of
# face_changes.
VERSION = 1
SIZE = 64
DIMENSIONS = 128
CHANNELS = (16, 32, 64, 128)
BATCH_SIZE = 64
LEARNING_RATE = 1e-2
WEIGHT_DECAY = 5e-4
DROPOUT = 0.3
# Strengths of the loss: s and m of the reference.
SCALE, MARGIN = 10.0, 0.35


def build(seed: int) -> tuple[keras.Model, keras.Model]:
    """Return the untrained network, and the same weights with dropout.

    Four convolutions halve the grid, and all but the first have another one behind
    them. The last 4 x 4 places stay apart up to the embedding, because where
    something is in a face tells people apart.

    Args:
        seed: of the weights.

    Returns:
        Network from (B, H, W, 3) float32 in [-1, 1], resized to 64 x 64, to
        embeddings (B, 128) of length 1; and one to train by, from (B, 64, 64, 3),
        which shares all weights and drops 30 % of what the embedding is made of.
    """
    layers = keras.layers
    images, resized = keras.Input((None, None, 3)), keras.Input((SIZE, SIZE, 3))
    grid = keras.Model(resized, layers.Flatten()(_grid(resized, seed)))
    initializer = keras.initializers.GlorotUniform(seed + 2 * len(CHANNELS))
    dense = layers.Dense(DIMENSIONS, use_bias=False, kernel_initializer=initializer)
    norm, unit = layers.BatchNormalization(momentum=0.9), layers.UnitNormalization()
    # Freezing a network does not stop its dropout, so the one that stays has none.
    whole = grid(layers.Resizing(SIZE, SIZE, antialias=True)(images))
    dropped = layers.Dropout(DROPOUT, seed=seed)(grid.output)
    return (
        keras.Model(images, unit(norm(dense(whole)))),
        keras.Model(resized, unit(norm(dense(dropped)))),
    )


def _grid(x: keras.KerasTensor, seed: int) -> keras.KerasTensor:
    """Return features of 4 x 4 places."""
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
    """Return the additive-margin softmax loss, for each item.

    L = -log(e^(s (cos_y - m)) / (e^(s (cos_y - m)) + sum_{j != y} e^(s cos_j)))

    Args:
        cosines: (B, K) between embedding and direction of each class.
        targets: (B,) int, the classes y.
        scale: s, above 0.
        margin: m, 0 or above; 0 is the usual softmax.

    Returns:
        (B,).

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
        images: (N, S, S, 3) uint8.
        targets: (N,) int, numbers of the people from 0.
        steps: batches of 64 photos to train for.
        seed: of weights, order and changes of the photos.

    Returns:
        The network, and the share of the last batches' photos, changed as in
        training, that are nearest to the right person.
    """
    network, with_dropout = build(seed)
    directions = keras.Variable(
        keras.initializers.RandomNormal(seed=seed)(
            (DIMENSIONS, int(targets.max()) + 1)
        ),
        name="directions",
    )
    step = _make_step(with_dropout, directions, steps, seed)
    # A log file needs no line every tenth of a second.
    bar = tqdm(
        range(steps), "face recognition", unit="step", mininterval=progress_interval()
    )
    accuracy = 0.0
    for number in bar:
        batch = batch_indices(len(images), BATCH_SIZE, seed, number)
        loss, right = step(
            tf.constant(number), tf.constant(images[batch]), tf.constant(targets[batch])
        )
        accuracy += (float(right) - accuracy) / min(number + 1, 20)
        bar.set_postfix(loss=f"{float(loss):.2f}", refresh=False)
    return network, accuracy


def _make_step(
    network: keras.Model, directions: keras.Variable, steps: int, seed: int
) -> tf.types.experimental.PolymorphicFunction:
    """Return a function that trains on one batch and returns loss and accuracy."""
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
        key = rng.fold(rng.root_key(seed), number)
        inputs = tf.cast(photos, tf.float32) / 127.5 - 1
        if inputs.shape[1:3] != (SIZE, SIZE):
            inputs = tf.image.resize(inputs, (SIZE, SIZE), antialias=True)
        inputs = change(inputs, key)
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
    """Return the photos to learn from, and the numbers of their people.

    Args:
        images: uint8 (N, H, W, 3).
        persons: who each shows.
        singles: learn from people with one photo, too.

    Returns:
        Photos uint8 (M, H, W, 3), and int32 (M,) from 0.

    Raises:
        UserError: fewer than two people can be learnt from.
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
        images, numbers = images[kept], np.unique(numbers[kept], return_inverse=True)[1]
    return images, numbers.astype(np.int32)


def change(images: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
    """Change each photo at random, as another photo of the person may differ.

    In turn: mirrored, shifted, zoomed and turned a little; brighter or darker, of
    more or less contrast and of another tint; some without colour, so that colour
    alone does not decide; some softer, as generated faces are.

    Args:
        images: (B, S, S, 3) float32 in [-1, 1].
        key: (2,) int32; the same key, the same changes.

    Returns:
        Of the same shape; values may leave [-1, 1] a little.
    """
    moved = _move(images, rng.fold(key, 0))
    return _soften(_colour(moved, rng.fold(key, 1)), rng.fold(key, 2))


def _move(images: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
    """Mirror, shift, zoom and turn about the middle; edges are repeated."""
    count, size = tf.shape(images)[0], images.shape[1]
    draws = tf.random.stateless_uniform((5, count), key, -1.0, 1.0)
    zoom = tf.exp(ZOOM * draws[0])
    mirror = tf.sign(draws[1])
    cosine, sine = tf.cos(TURN * draws[2]), tf.sin(TURN * draws[2])
    middle = (size - 1) / 2
    # Each output pixel (x, y) takes its value from (a x + b y + c, d x + e y + f).
    a, b = zoom * cosine * mirror, -zoom * sine
    d, e = zoom * sine * mirror, zoom * cosine
    c = middle - (a + b) * middle + SHIFT * size * draws[3]
    f = middle - (d + e) * middle + SHIFT * size * draws[4]
    zero = tf.zeros_like(a)
    matrices = tf.stack([a, b, c, d, e, f, zero, zero], axis=1)
    return keras.ops.image.affine_transform(images, matrices, fill_mode="nearest")


def _colour(images: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
    """Change brightness, contrast and tint, and take the colour from some."""
    count = tf.shape(images)[0]
    draws = tf.random.stateless_uniform((count, 1, 1, 6), key, -1.0, 1.0)
    grey = tf.reduce_mean(images, axis=-1, keepdims=True)
    images = tf.where(draws[..., :1] < 2 * GREY - 1, grey, images)
    mean = tf.reduce_mean(images, axis=(1, 2, 3), keepdims=True)
    images = mean + (images - mean) * tf.exp(CONTRAST * draws[..., 1:2])
    return images + BRIGHTNESS * draws[..., 2:3] + TINT * draws[..., 3:]


def _soften(images: tf.Tensor, key: tf.Tensor) -> tf.Tensor:
    """Blend some with a blurred copy of theirs, more or less."""
    kernel = tf.tile(tf.reshape(_KERNEL, (5, 1, 1, 1)), (1, 1, 3, 1))
    blurred = tf.pad(images, ((0, 0), (4, 4), (4, 4), (0, 0)), "SYMMETRIC")
    for weights in (kernel, tf.transpose(kernel, (1, 0, 2, 3))) * 2:
        blurred = tf.nn.depthwise_conv2d(blurred, weights, (1, 1, 1, 1), "VALID")
    share = tf.random.stateless_uniform((tf.shape(images)[0], 1, 1, 1), key)
    share = tf.maximum(0.0, 1 - share / BLURRED)
    return images + share * (blurred - images)
