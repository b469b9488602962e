"""The second stage: an encoder that guesses the latent of a face."""

import keras
import numpy as np
import tensorflow as tf

from chapter03_agecgan.ages import AGE_CLASSES
from chapter03_agecgan.config import Config
from chapter03_agecgan.networks import build_encoder
from common.gan import optimizers
from common.gan.adversarial_model import AdversarialModel
from common.gan.step import Logs, Phase, Step
from common.images.grids import image_grid
from common.training.fit import Gallery

GALLERY_PHOTOS = 24


def build_model(config: Config, generator: keras.Model) -> AdversarialModel:
    r"""Build the encoder and the phase that trains it; the generator stands still.

    The loss is the squared distance of latents on generated faces, and that of
    pixels on real ones, which lie outside of what G makes:
    $E[(E(G(z, y)) - z)^2] + w E[(G(E(x), y) - x)^2]$, means over all numbers.

    A batch is (images (B, S, S, 3), ages one-hot (B, 6)).

    Args:
        config: uses encoder_real as w, and more.
        generator: of the first stage.

    Reference: Antipov et al. 2017, arXiv:1702.01983, section 2.2; Perarnau et al.
        2016, arXiv:1611.06355, section 3.1.
    """
    encoder = build_encoder(config)

    def forward(step: Step) -> tuple[tf.Tensor, tf.Tensor]:
        """Return latents, and what the encoder makes of their faces."""
        _, ages = step.batch
        latents = step.latents(config.latent_dim, config.prior)
        # Any age will do: those of the batch come in another order.
        ages = tf.reverse(ages, [0])
        faces = tf.stop_gradient(generator([latents, ages], training=False))
        return latents, encoder(faces, training=True)

    def e_loss(step: Step) -> tuple[tf.Tensor, Logs]:
        latents, guessed = step.shared()
        loss = tf.reduce_mean(tf.square(guessed - latents))
        logs = {"e_latents": loss}
        if config.encoder_real:
            images, ages = step.batch
            rebuilt = generator([encoder(images, training=True), ages], training=False)
            logs["e_pixels"] = tf.reduce_mean(tf.square(rebuilt - images))
            loss += config.encoder_real * logs["e_pixels"]
        return loss, logs

    rate = keras.optimizers.schedules.CosineDecay(
        config.encoder_learning_rate, config.encoder_steps
    )
    # Deviation: Adam's moments are Keras's, also where the GAN's are others.
    optimizer = optimizers.adam(rate, 0.9, 0.999)
    return AdversarialModel(
        rebuilder(generator, encoder),
        [Phase("e", encoder, optimizer, e_loss)],
        forward,
        seed=config.seed,
    )


def rebuilder(generator: keras.Model, encoder: keras.Model) -> keras.Model:
    """Return [images, ages one-hot] -> G(E(images), ages)."""
    images = keras.Input(encoder.input_shape[1:], name="images")
    ages = keras.Input((len(AGE_CLASSES),), name="age")
    rebuilt = generator([encoder(images), ages])
    return keras.Model([images, ages], rebuilt, name="rebuilder")


def make_gallery(images: np.ndarray, ages: np.ndarray) -> Gallery:
    """Return some photos to rebuild again and again.

    Args:
        images: float32 (N, S, S, 3) in [-1, 1].
        ages: one-hot float32 (N, 6).
    """
    return Gallery([images, ages], image_grid)
