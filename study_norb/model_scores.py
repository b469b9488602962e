"""Scores of single models: AEGAN's reconstructions, and the capsules of CapsGAN."""

import keras
import numpy as np
import tensorflow as tf

from common.gan.augment import shift_and_mirror
from common.gan.sampling import BATCH
from common.images.pixels import to_floats
from study_norb.models.capsgan import realness


def reconstruction_scores(
    generator: keras.Model,
    encoder: keras.Model,
    held_out: np.ndarray,
    train: np.ndarray,
    latents: np.ndarray,
) -> dict[str, float]:
    """Return how well G and E of AEGAN invert each other.

    Args:
        generator: G, z (B, d) -> images (B, S, S, C) in [-1, 1].
        encoder: E, its inverse.
        held_out: real images that the run has not seen, uint8 (N, S, S, C).
        train: real images that it has learnt from, uint8 (M, S, S, C).
        latents: latents of the prior, float32 (K, d).

    Returns:
        r_x and r_x_train: mean absolute error, in [-1, 1], of G(E(x)) on held-out and
        on training images; r_z: mean squared error of E(G(z)); z_mean_abs: mean over
        the dimensions of |mean of E(x)| over held-out images, 0 for the prior;
        z_std_mean: mean over the dimensions of the standard deviation, 1 for the prior.

    Reference: Lazarou 2020, arXiv:2004.05472, section 3 (both reconstructions).
    """
    encoded, error = rebuild(generator, encoder, held_out)
    return {
        "r_x": error,
        "r_x_train": rebuild(generator, encoder, train)[1],
        "r_z": latent_error(generator, encoder, latents),
        "z_mean_abs": float(np.abs(encoded.mean(axis=0)).mean()),
        "z_std_mean": float(encoded.std(axis=0).mean()),
    }


def mean_image_scores(held_out: np.ndarray, train: np.ndarray) -> dict[str, float]:
    """Return the scores of a baseline that answers every image with the same one.

    Args:
        held_out: uint8 (N, S, S, C).
        train: uint8 (M, S, S, C); their mean is the answer.

    Returns:
        r_x, in [-1, 1]; and r_z = 1, because the squared error of the prior's mean is
        the prior's variance.
    """
    mean = to_floats(train.mean(axis=0))
    errors = [
        np.abs(to_floats(held_out[start : start + BATCH]) - mean).sum()
        for start in range(0, len(held_out), BATCH)
    ]
    return {"r_x": float(sum(errors)) / held_out.size, "r_z": 1.0}


def rebuild(
    generator: keras.Model, encoder: keras.Model, images: np.ndarray
) -> tuple[np.ndarray, float]:
    """Return the latents E(x), float (N, d), and the mean of |x - G(E(x))|.

    Args:
        generator: G.
        encoder: E.
        images: uint8 (N, S, S, C).
    """
    latents, total = [], 0.0
    for start in range(0, len(images), BATCH):
        batch = to_floats(images[start : start + BATCH])
        encoded = encoder(batch, training=False)
        again = np.asarray(generator(encoded, training=False))
        total += float(np.abs(batch - again).sum())
        latents.append(np.asarray(encoded))
    return np.concatenate(latents), total / images.size


def latent_error(
    generator: keras.Model, encoder: keras.Model, latents: np.ndarray
) -> float:
    """Return the mean squared error of E(G(z)).

    Args:
        generator: G.
        encoder: E.
        latents: z, float32 (N, d).
    """
    total = 0.0
    for start in range(0, len(latents), BATCH):
        batch = latents[start : start + BATCH]
        images = generator(batch, training=False)
        again = np.asarray(encoder(images, training=False))
        total += float(np.square(batch - again).sum())
    return total / latents.size


def capsule_scores(
    discriminator: keras.Model, held_out: np.ndarray, made: np.ndarray, shift: int = 0
) -> dict[str, float]:
    """Return the mean lengths of the capsules "real" and "generated" of CapsGAN.

    With labels, "real" is the longest capsule of a class. The images are shifted as D
    has seen them in training, where few images were not shifted.

    Args:
        discriminator: images -> lengths (B, K + 1), or [lengths, guess].
        held_out: real images that the run has not seen, uint8 (N, S, S, C).
        made: generated images, uint8 (M, S, S, C).
        shift: largest shift in pixels.

    Returns:
        capsule_<capsule>_on_<images>, in [0, 1), for both capsules and both sets.
    """
    scores = {}
    for name, images in (("real", held_out), ("generated", made)):
        lengths = capsule_lengths(discriminator, images, shift)
        scores[f"capsule_real_on_{name}"] = float(np.mean(realness(lengths)))
        scores[f"capsule_generated_on_{name}"] = float(lengths[:, -1].mean())
    return scores


def capsule_lengths(
    discriminator: keras.Model, images: np.ndarray, shift: int = 0
) -> np.ndarray:
    """Return the lengths of all capsules, float (N, K + 1); see `capsule_scores`."""
    parts = []
    for start in range(0, len(images), BATCH):
        batch = tf.constant(to_floats(images[start : start + BATCH]))
        batch = shift_and_mirror(batch, tf.constant([start, 0]), shift, None)
        outputs = discriminator(batch, training=False)
        parts.append(np.asarray(keras.tree.flatten(outputs)[0]))
    return np.concatenate(parts)
