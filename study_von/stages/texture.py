r"""The stage texture: images from sketches, and back, from unpaired data.

With A a sketch, m its silhouette, B a photo, z a latent from N(0, 1) and G, F, E the
generator of images, the estimator of sketches and the encoder of textures, G, F and E
are trained on the sum of

    adversarial    G(A, z) is a photo for D_image, F(B) a sketch for D_sketch
    sketch cycle   |F(G(A, z)) - A| * 10
    image cycle    |G(F(B), E(B)) - B| * 25
    latent cycle   |E(G(A, z)) - z| * 1
    KL             KL(E(B) || N(0, 1)) * 0.001, summed over the batch and the latent
    mask           |F(B) - (2 mask - 1)| * 2.5

The colour field is not trained with F: it needs more of a sketch than a photo shows. Of
the terms, those of D_image, the latent cycle and the KL remain.

Reference: Zhu et al. 2018, arXiv:1812.02725, section 3.3 and equations 4 to 9; weights
from the code that the authors have published, https://github.com/junyanz/VON.
"""

import math
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from common.gan import losses, optimizers
from common.gan.adversarial_model import AdversarialModel, build_adversarial_model
from common.gan.augment import shift_and_mirror
from common.gan.step import Logs, Phase, Step
from study_von.config import Config
from study_von.networks import (
    build_image_discriminator,
    build_patch_discriminator,
    build_sketch_estimator,
    build_texture_encoder,
    build_texture_generator,
)
from study_von.sketches import DEPTH

Tensor = tf.Tensor
# The axis along which an image is mirrored: left and right.
LEFT_RIGHT = 1


class TextureNetworks(NamedTuple):
    """The networks of this stage; the colour field has no estimator of sketches.

    Attributes:
        generator: [sketch, z] -> image.
        encoder: image -> mean and log-variance of z.
        image_discriminator: image -> logits.
        estimator: image -> depth, or None.
        sketch_discriminator: depth -> logits, or None.
    """

    generator: keras.Model
    encoder: keras.Model
    image_discriminator: keras.Model
    estimator: keras.Model | None = None
    sketch_discriminator: keras.Model | None = None


def build_networks(config: Config) -> TextureNetworks:
    """Build the networks of this stage.

    Args:
        config: options of the run.
    """
    first = (
        build_texture_generator(config),
        build_texture_encoder(config),
        build_image_discriminator(config),
    )
    if config.texture == "field":
        return TextureNetworks(*first)
    return TextureNetworks(
        *first,
        build_sketch_estimator(config),
        build_patch_discriminator(config, 1, "sketch_discriminator"),
    )


def build_model(config: Config, networks: TextureNetworks) -> AdversarialModel:
    """Build the phases of this stage.

    A batch is photos (B, H, H, 3) in [-1, 1], their masks (B, H, H, 1) in [0, 1] and
    sketches (B, H, H, C).

    Args:
        config: options of the run.
        networks: the networks to train.
    """

    def forward(step: Step) -> dict[str, Tensor]:
        """Return images of the sketches, sketches of the photos, and both ways back."""
        photos, masks, sketches = step.batch
        return pass_forward(config, networks, step, photos, masks, sketches)

    def g_loss(step: Step) -> tuple[Tensor, Logs]:
        """Return the loss of G, F and E."""
        return generator_loss(config, step.shared())

    rate = learning_rate(config)
    phases = [
        *discriminator_phases(config, networks, rate),
        Phase("g", combine(config, networks), adam(config, rate), g_loss),
    ]
    return build_adversarial_model(config, phases[-1].network, phases, forward)


def learning_rate(
    config: Config,
) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """Return the learning rate: constant, then along a line to 0 in the second half."""
    rate, steps = config.texture_learning_rate, config.of_texture("texture_steps")
    if not config.texture_decay:
        return rate
    half = steps // 2
    return ConstantThenLine(rate, half, steps)


@keras.saving.register_keras_serializable("study_von")
class ConstantThenLine(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that is constant and then falls to 0 along a line.

    Args:
        rate: the learning rate at first.
        constant: steps for which it is constant.
        steps: step at which it is 0.
    """

    def __init__(self, rate: float, constant: int, steps: int):
        self.rate, self.constant, self.steps = rate, constant, steps

    def __call__(self, step: Tensor) -> Tensor:
        """Return the rate at a step."""
        left = self.steps - tf.cast(step, tf.float32)
        share = left / max(1, self.steps - self.constant)
        return self.rate * tf.clip_by_value(share, 0.0, 1.0)

    def get_config(self) -> dict:
        """Return the arguments."""
        return {"rate": self.rate, "constant": self.constant, "steps": self.steps}


def adam(
    config: Config,
    rate: float | keras.optimizers.schedules.LearningRateSchedule,
) -> keras.optimizers.Optimizer:
    """Return an optimizer of the texture networks."""
    return optimizers.adam(rate, config.texture_beta_1, config.texture_beta_2)


def combine(config: Config, networks: TextureNetworks) -> keras.Model:
    """Return G, F and E as one network, which a phase trains together.

    Returns:
        [sketch, z, photo] -> images below one another: of the sketch with z, of the
        sketch with the photo's texture and, if there is an F, the photo's depth.
    """
    sketch = keras.Input(networks.generator.input_shape[0][1:], name="sketch")
    latent = keras.Input((config.texture_latent_dim,), name="z")
    photo = keras.Input(networks.encoder.input_shape[1:], name="photo")
    mean, _ = networks.encoder(photo)
    rows = [networks.generator([sketch, latent]), networks.generator([sketch, mean])]
    if networks.estimator:
        depth = networks.estimator(photo)
        rows.append(keras.layers.Concatenate()([depth] * 3))
    images = keras.layers.Concatenate(axis=1)(rows)
    return keras.Model([sketch, latent, photo], images, name="texture_networks")


def pass_forward(
    config: Config,
    networks: TextureNetworks,
    step: Step,
    photos: Tensor,
    masks: Tensor,
    sketches: Tensor,
) -> dict[str, Tensor]:
    """Return what G, F and E make of a batch, and the logits of both discriminators.

    Args:
        config: options of the run.
        networks: the networks.
        step: the running step.
        photos: (B, H, H, 3) in [-1, 1].
        masks: (B, H, H, 1) in [0, 1].
        sketches: (B, H, H, C).
    """
    photos = change_hue(photos, step, config.hue_jitter)
    z = step.latents(config.texture_latent_dim)
    images = networks.generator([sketches, z], training=True)
    mean, log_variance = networks.encoder(photos, training=True)
    passed = {
        "photos": photos,
        "images": images,
        "logits": logits_of(config, networks, step, images),
        "divergence": divergence(mean, log_variance),
    }
    guess, guess_log_variance = networks.encoder(images, training=True)
    guess = draw(step, guess, guess_log_variance)
    passed["latent_cycle"] = mean_difference(guess, z)
    if networks.estimator is None:
        return passed
    depth = networks.estimator(photos, training=True)
    latent = draw(step, mean, log_variance)
    again = networks.generator([tf.concat([masks, depth], -1), latent], training=True)
    back = networks.estimator(images, training=True)
    return passed | {
        "depth": depth,
        "real_depth": sketches[..., DEPTH],
        "depth_logits": networks.sketch_discriminator(depth, training=True),
        "image_cycle": mean_difference(again, photos),
        "sketch_cycle": mean_difference(back, sketches[..., DEPTH]),
        "mask": mean_difference(depth, 2 * masks - 1),
    }


def generator_loss(config: Config, passed: dict[str, Tensor]) -> tuple[Tensor, Logs]:
    """Return the loss of G, F and E, and its terms with their weights.

    Args:
        config: uses texture_loss and the weights.
        passed: result of `pass_forward`.
    """
    rule = losses.GAMES[config.texture_loss].generator
    terms = {
        "g_adversarial": sum(rule(logits) for logits in passed["logits"]),
        "g_latent_cycle": config.latent_cycle_weight * passed["latent_cycle"],
        "g_kl": config.kl_weight * passed["divergence"],
    }
    if "depth" in passed:
        terms |= {
            "g_depth": sum(rule(logits) for logits in passed["depth_logits"]),
            "g_image_cycle": config.image_cycle_weight * passed["image_cycle"],
            "g_sketch_cycle": config.sketch_cycle_weight * passed["sketch_cycle"],
            "g_mask": config.mask_weight * passed["mask"],
        }
    return sum(terms.values()), terms


def discriminator_phases(
    config: Config,
    networks: TextureNetworks,
    rate: float | keras.optimizers.schedules.LearningRateSchedule,
) -> list[Phase]:
    """Return the phases of D_image and D_sketch; they use `pass_forward`'s result.

    Args:
        config: options of the run.
        networks: the networks.
        rate: learning rate.
    """
    rules = losses.GAMES[config.texture_loss]

    def against(
        real: list[Tensor], fake: list[Tensor]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return the loss, summed over the scales, and all logits of both kinds."""
        pairs = zip(real, fake, strict=True)
        loss = sum(rules.discriminator(*pair) for pair in pairs)
        return loss, flat(real), flat(fake)

    def image_loss(step: Step) -> tuple[Tensor, Logs]:
        """Return D_image's loss: low where it tells photos from images."""
        passed = step.shared()
        photos = passed["photos"]
        real = logits_of(config, networks, step, photos)
        penalty = losses.lazy_r1(
            step,
            lambda items, training: mean_logit(
                networks.image_discriminator(items, training=training)
            ),
            photos,
            config.of_texture("texture_r1_gamma"),
            config.r1_every,
        )
        return losses.with_penalty(*against(real, passed["logits"]), penalty)

    def sketch_loss(step: Step) -> tuple[Tensor, Logs]:
        """Return D_sketch's loss: low where it tells sketches from guesses of them."""
        passed = step.shared()
        real = networks.sketch_discriminator(passed["real_depth"], training=True)
        loss, *logits = against(real, passed["depth_logits"])
        logs = losses.discriminator_logs(*logits)
        return loss, {"d_sketch_" + n.removeprefix("d_"): v for n, v in logs.items()}

    phases = [Phase("d", networks.image_discriminator, adam(config, rate), image_loss)]
    if networks.sketch_discriminator is not None:
        network = networks.sketch_discriminator
        phases.append(Phase("d_sketch", network, adam(config, rate), sketch_loss))
    return phases


def logits_of(
    config: Config, networks: TextureNetworks, step: Step, images: Tensor
) -> list[Tensor]:
    """Return D_image's logits, a list with one for each scale.

    Photos and images are shifted and mirrored alike before: otherwise G would have to
    imitate it. What is shifted in is white.
    """
    dark = shift_and_mirror(1 - images, step.new_key(), config.photo_shift, LEFT_RIGHT)
    logits = networks.image_discriminator(1 - dark, training=True)
    return logits if isinstance(logits, list) else [logits]


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return KL(N(mean, variance) || N(0, 1)), summed over the batch and the latent.

    Losses are averaged over devices, each of which has a part of the batch. So the sum
    of a part counts as often as there are devices.
    """
    terms = tf.square(mean) + tf.exp(log_variance) - 1 - log_variance
    devices = tf.distribute.get_strategy().num_replicas_in_sync
    return 0.5 * devices * tf.reduce_sum(terms)


def draw(step: Step, mean: Tensor, log_variance: Tensor) -> Tensor:
    """Return latents (B, d) drawn from Gaussians."""
    noise = step.latents(mean.shape[1])
    return mean + tf.exp(0.5 * log_variance) * noise


def change_hue(images: Tensor, step: Step, largest: float) -> Tensor:
    """Rotate the hue of each image, (B, H, H, 3) in [-1, 1], at random.

    The rotation is about the axis of greys. White stays white.

    Args:
        images: float (B, H, H, 3).
        step: the running step.
        largest: largest angle, as a share of the full circle.
    """
    if not largest:
        return images
    count = tf.shape(images)[0]
    angle = 2 * math.pi * largest * (2 * step.uniform((count, 1, 1)) - 1)
    third, root = 1 / 3, math.sqrt(1 / 3)
    # Rodrigues' formula for the axis (1, 1, 1) / sqrt(3).
    cross = root * np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]], np.float32)
    matrix = tf.cos(angle) * np.eye(3, dtype=np.float32) + tf.sin(angle) * cross
    matrix += (1 - tf.cos(angle)) * third
    turned = tf.einsum("bij,brcj->brci", matrix, images)
    return tf.clip_by_value(turned, -1.0, 1.0)


def mean_difference(a: Tensor, b: Tensor) -> Tensor:
    """Return the mean absolute difference, a scalar."""
    return tf.reduce_mean(tf.abs(a - b))


def mean_logit(logits: list[Tensor] | Tensor) -> Tensor:
    """Return one logit (B, 1) for each image: the sum of the scales' means."""
    logits = logits if isinstance(logits, list) else [logits]
    parts = [tf.reshape(each, (tf.shape(each)[0], -1)) for each in logits]
    return sum(tf.reduce_mean(part, axis=1, keepdims=True) for part in parts)


def flat(logits: list[Tensor]) -> Tensor:
    """Return the logits of all scales and patches, (N, 1)."""
    return tf.concat([tf.reshape(each, (-1, 1)) for each in logits], axis=0)
