"""The second stage: an encoder that guesses the latent of a face."""

import keras
import tensorflow as tf

from chapter03_agecgan.ages import AGE_CLASSES
from chapter03_agecgan.config import Config
from chapter03_agecgan.networks import build_encoder
from common.gan import optimizers
from common.gan.adversarial_model import AdversarialModel
from common.gan.step import Logs, Phase, Step

GALLERY_PHOTOS = 24


def build_model(config: Config, generator: keras.Model) -> AdversarialModel:
    r"""Build the encoder and the phase that trains it; the generator stays fixed.

    The loss is the squared error of the latents on generated faces, plus w times the
    squared error of the pixels on real photos, which G may be unable to make exactly:
    $E[(E(G(z, y)) - z)^2] + w E[(G(E(x), y) - x)^2]$. Both are means over all
    elements.

    A batch is (images (B, S, S, 3) in [-1, 1], ages one-hot (B, 6)).

    Args:
        config: uses encoder_real as w, and the options of the networks, the batch
            size and the learning rate.
        generator: trained generator of the first stage.

    Reference: Antipov et al. 2017, arXiv:1702.01983, section 2.2; Perarnau et al.
        2016, arXiv:1611.06355, section 3.1.
    """
    encoder = build_encoder(config)

    def forward(step: Step) -> tuple[tf.Tensor, tf.Tensor]:
        """Return latents z, and the encoder's guesses E(G(z, y)), (B, latent_dim)."""
        _, ages = step.batch
        latents = step.latents(config.latent_dim, config.prior)
        # The ages y may be any. Those of the batch are reversed, so that they have
        # the distribution of the data but do not belong to the photos of the batch.
        ages = tf.reverse(ages, [0])
        # G is not trained here, so no gradient needs to pass through its faces.
        faces = tf.stop_gradient(generator([latents, ages], training=False))
        return latents, encoder(faces, training=True)

    def e_loss(step: Step) -> tuple[tf.Tensor, Logs]:
        """Return E's loss: latents of generated faces, pixels of real photos."""
        # Generated faces: their latents are known, so E learns by regression.
        latents, guessed = step.shared()
        loss = tf.reduce_mean(tf.square(guessed - latents))
        logs = {"e_latents": loss}
        # Real photos: their latents are unknown, so the rebuilt pixels are compared.
        # The gradient passes through G, which does not change.
        if config.encoder_real:
            images, ages = step.batch
            rebuilt = generator([encoder(images, training=True), ages], training=False)
            logs["e_pixels"] = tf.reduce_mean(tf.square(rebuilt - images))
            loss += config.encoder_real * logs["e_pixels"]
        return loss, logs

    # The learning rate falls to 0 at the last step.
    rate = keras.optimizers.schedules.CosineDecay(
        config.encoder_learning_rate, config.encoder_steps
    )
    # Deviation: Adam's decays are Keras's defaults, even if the GAN uses others.
    optimizer = optimizers.adam(rate, 0.9, 0.999)
    return AdversarialModel(
        rebuilder(generator, encoder),
        [Phase("e", encoder, optimizer, e_loss)],
        forward,
        seed=config.seed,
    )


def rebuilder(generator: keras.Model, encoder: keras.Model) -> keras.Model:
    """Return the model [images, ages one-hot] -> G(E(images), ages).

    Args:
        generator: G, from latents and ages to images (B, S, S, 3) in [-1, 1].
        encoder: E, from images to latents (B, latent_dim).
    """
    images = keras.Input(encoder.input_shape[1:], name="images")
    ages = keras.Input((len(AGE_CLASSES),), name="age")
    rebuilt = generator([encoder(images), ages])
    return keras.Model([images, ages], rebuilt, name="rebuilder")
