r"""AEGAN: a GAN of images and a GAN of latents share their generators.

G maps latents to images, E images to latents; each is the other's inverse and the
generator of its own game. With the names of the paper:

    z from the prior       $\hat x = G(z)$      $\tilde z = E(G(z))$
    x from the data        $\hat z = E(x)$      $\tilde x = G(E(x))$

D_x discriminates x from $\hat x$ and $\tilde x$, D_z discriminates z from $\hat z$ and
$\tilde z$; besides, $\tilde x$ must be x, and $\tilde z$ must be z.

Reference: Lazarou 2020, arXiv:2004.05472.
"""

import keras
import tensorflow as tf

from common.gan import losses
from common.gan.adversarial_model import AdversarialModel, build_adversarial_model
from common.gan.optimizers import build_optimizers
from common.gan.step import Logs, Phase, Step
from study_norb.config import Config
from study_norb.models.dcgan import augment
from study_norb.networks import (
    build_autoencoder,
    build_discriminator,
    build_encoder,
    build_generator,
    build_latent_discriminator,
)

Tensor = tf.Tensor
# The terms of G's and E's loss, for AEGAN and for the models that are parts of it:
# x_hat, x_tilde, z_hat and z_tilde are adversarial, image and latent reconstructions.
TERMS = {
    "aegan": ("x_hat", "x_tilde", "z_hat", "z_tilde", "image", "latent"),
    "gan": ("x_hat",),
    "ae": ("image",),
    "aae": ("image", "z_hat"),
    "egan": ("x_hat", "latent"),
}


def build_model(config: Config) -> AdversarialModel:
    """Build the four networks and the phases that train them.

    The phases are "d" (D_x), "dz" (D_z) and "g" (G and E together); a discriminator
    that no term needs is left out. A batch is images (B, S, S, C) in [-1, 1].

    Args:
        config: options of the run.

    Reference: Lazarou 2020, arXiv:2004.05472, section 3.
    """
    generator, encoder = build_generator(config), build_encoder(config)
    discriminator = build_discriminator(config)
    latent_discriminator = build_latent_discriminator(config)
    terms = TERMS[config.terms]
    rules = losses.GAMES[config.loss]

    def forward(step: Step) -> dict[str, Tensor]:
        """Return what G and E make of latents and images, and D's logits of it."""
        images = step.batch
        made = pass_both(config, generator, encoder, step)
        for name in ("x_hat", "x_tilde"):
            if name in terms:
                seen = augment(config, step, made[name])
                made[name + "_logits"] = discriminator(seen, training=True)
        for name in ("z_hat", "z_tilde"):
            if name in terms:
                logits = latent_discriminator(made[name], training=True)
                made[name + "_logits"] = logits
        if "image" in terms:
            made["image"] = tf.reduce_mean(tf.abs(images - made["x_tilde"]))
        if "latent" in terms:
            made["latent"] = tf.reduce_mean(tf.square(made["z"] - made["z_tilde"]))
        return made

    def discriminator_loss(
        step: Step, names: tuple[str, ...], real_logits: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return a discriminator's loss, and its logits of all generated items."""
        made = step.shared()
        fake_logits = [made[n + "_logits"] for n in names if n in terms]
        loss = sum(
            rules.discriminator(
                real_logits, logits, config.real_label, config.fake_label
            )
            for logits in fake_logits
        )
        # The mean over the kinds, so that its value at equilibrium is a GAN's.
        return loss / len(fake_logits), tf.concat(fake_logits, axis=0)

    def d_loss(step: Step) -> tuple[Tensor, Logs]:
        """Return D_x's loss: x is real, G(z) and G(E(x)) are generated."""
        seen = augment(config, step, step.batch)
        real_logits = discriminator(seen, training=True)
        loss, fake_logits = discriminator_loss(step, ("x_hat", "x_tilde"), real_logits)
        penalty = losses.lazy_r1(
            step, discriminator, step.batch, config.r1_gamma, config.r1_every
        )
        return losses.with_penalty(loss, real_logits, fake_logits, penalty)

    def dz_loss(step: Step) -> tuple[Tensor, Logs]:
        """Return D_z's loss: z is real, E(x) and E(G(z)) are generated."""
        real_logits = latent_discriminator(
            step.latents(config.latent_dim, config.prior), training=True
        )
        loss, fake_logits = discriminator_loss(step, ("z_hat", "z_tilde"), real_logits)
        logs = losses.discriminator_logs(real_logits, fake_logits)
        return loss, {"dz_" + name.removeprefix("d_"): v for name, v in logs.items()}

    def g_loss(step: Step) -> tuple[Tensor, Logs]:
        """Return G's and E's loss: both discriminators deceived, both ways inverted."""
        made = step.shared()
        loss, logs = 0.0, {}
        weights = {"image": config.image_weight, "latent": config.latent_weight}
        for name, weight in weights.items():
            if name in terms:
                logs["g_" + name] = made[name]
                loss += weight * made[name]
        for name in ("x_hat", "x_tilde", "z_hat", "z_tilde"):
            if name in terms:
                logs["g_" + name] = rules.generator(made[name + "_logits"])
                loss += logs["g_" + name]
        return loss, logs

    autoencoder = build_autoencoder(generator, encoder)
    d_optimizer, g_optimizer = build_optimizers(config)
    dz_optimizer, _ = build_optimizers(config)
    phases = [
        Phase("d", discriminator, d_optimizer, d_loss),
        Phase("dz", latent_discriminator, dz_optimizer, dz_loss),
        # The game of images alone has no use for E.
        Phase(
            "g",
            generator if config.terms == "gan" else autoencoder,
            g_optimizer,
            g_loss,
        ),
    ]
    used = {"d": {"x_hat", "x_tilde"}, "dz": {"z_hat", "z_tilde"}, "g": set(terms)}
    phases = [phase for phase in phases if used[phase.name] & set(terms)]
    return build_adversarial_model(config, autoencoder, phases, forward)


def pass_both(
    config: Config, generator: keras.Model, encoder: keras.Model, step: Step
) -> dict[str, Tensor]:
    """Return z, x_hat, x_tilde, z_hat and z_tilde for new latents and the batch.

    What no term needs is left out: else the game of images alone would train E by way
    of BatchNorm's statistics.

    Args:
        config: uses terms, latent_dim and prior.
        generator: z -> images.
        encoder: images -> z.
        step: the running step.
    """
    terms = set(TERMS[config.terms])
    latents = {}
    if terms & {"x_hat", "z_tilde", "latent"}:
        latents["z"] = step.latents(config.latent_dim, config.prior)
    if terms & {"x_tilde", "z_hat", "image"}:
        latents["z_hat"] = encoder(step.batch, training=True)
    # Latents of the prior and of images pass G in one batch: with two, BatchNorm would
    # normalise each by its own statistics, and G would learn two ways to draw.
    both = generator(tf.concat(list(latents.values()), axis=0), training=True)
    names = [{"z": "x_hat", "z_hat": "x_tilde"}[name] for name in latents]
    made = latents | dict(zip(names, tf.split(both, len(names)), strict=True))
    if terms & {"z_tilde", "latent"}:
        made["z_tilde"] = encoder(made["x_hat"], training=True)
    return made
