"""The joint stage: images are made of generated shapes, and improve them.

The loss of the images reaches the shape generator through texture network, sketch and
projection; the 3D-GAN's game goes on beside it, with a small weight.

Reference: Zhu et al. 2018, arXiv:1812.02725, section 3.4; weights from the code that
the authors have published, https://github.com/junyanz/VON.
"""

import keras
import tensorflow as tf

from chapter02_3dgan.training import LEFT_RIGHT, penalty
from common.config import from_json, to_json
from common.gan import losses, optimizers
from common.gan.adversarial_model import AdversarialModel, build_adversarial_model
from common.gan.augment import shift_and_mirror
from common.gan.step import Logs, Phase, Step
from study_von.config import Config
from study_von.sketches import channels_of, make_sketches
from study_von.stages import texture
from study_von.stages.texture import TextureNetworks

Tensor = tf.Tensor


def build_model(
    config: Config,
    shape_generator: keras.Model,
    shape_discriminator: keras.Model,
    networks: TextureNetworks,
) -> AdversarialModel:
    """Build the phases of this stage.

    A batch is photos (B, H, H, 3) in [-1, 1], their masks (B, H, H, 1) in [0, 1],
    azimuths (B,) and elevations (B,) in degrees, and real volumes (B, S, S, S, 1).

    Args:
        config: options of the run.
        shape_generator: the stage shape's generator; its training continues.
        shape_discriminator: its discriminator.
        networks: the stage texture's networks.
    """
    rules = losses.GAMES[config.loss]
    weight = config.joint_shape_weight

    def shape_logits(step: Step, volumes: Tensor) -> Tensor:
        axis = LEFT_RIGHT if config.augment_mirror else None
        moved = shift_and_mirror(volumes, step.new_key(), config.augment_shift, axis)
        return shape_discriminator(moved, training=True)

    def forward(step: Step) -> dict[str, Tensor]:
        """Make shapes, sketches of them and images of these."""
        photos, masks, azimuths, elevations, _ = step.batch
        z = step.latents(config.latent_dim, config.prior, config.prior_std)
        volumes = shape_generator(z, training=True)
        sketches = make_sketches(config, volumes, azimuths, elevations)
        passed = texture.pass_forward(config, networks, step, photos, masks, sketches)
        if "real_depth" in passed:
            # The sketches are D_sketch's real data, not there to deceive it.
            passed["real_depth"] = tf.stop_gradient(passed["real_depth"])
        return passed | {
            "volumes": volumes,
            "shape_logits": shape_logits(step, volumes),
            "of_images": texture.generator_loss(config, passed),
        }

    def d_shape_loss(step: Step) -> tuple[Tensor, Logs]:
        """Return the loss of the discriminator of shapes, with its small weight."""
        passed, real = step.shared(), step.batch[-1]
        real_logits = shape_logits(step, real)
        loss = rules.discriminator(
            real_logits, passed["shape_logits"], config.real_label
        )
        fake = tf.stop_gradient(passed["volumes"])
        penalties = penalty(config, shape_discriminator, step, real, fake)
        logs = losses.discriminator_logs(real_logits, passed["shape_logits"])
        logs = {"d_shape_" + n.removeprefix("d_"): v for n, v in logs.items()}
        return weight * (loss if penalties is None else loss + penalties), logs

    def g_loss(step: Step) -> tuple[Tensor, Logs]:
        """Return the loss of the texture networks."""
        return step.shared()["of_images"]

    def g_shape_loss(step: Step) -> tuple[Tensor, Logs]:
        """Return the shape generator's loss: that of the images, and its own game."""
        passed = step.shared()
        of_images, _ = passed["of_images"]
        adversarial = rules.generator(passed["shape_logits"])
        logs = {
            "g_shape_adversarial": adversarial,
            "g_shape_occupancy": tf.reduce_mean(passed["volumes"]),
        }
        return of_images + weight * adversarial, logs

    rate = config.joint_learning_rate

    def shape_adam() -> keras.optimizers.Optimizer:
        return optimizers.adam(
            config.joint_shape_learning_rate, config.beta_1, config.beta_2
        )

    phases = [
        *texture.discriminator_phases(config, networks, rate),
        Phase("d_shape", shape_discriminator, shape_adam(), d_shape_loss),
        Phase(
            "g", texture.combine(config, networks), texture.adam(config, rate), g_loss
        ),
        Phase("g_shape", shape_generator, shape_adam(), g_shape_loss),
    ]
    # What the run shows and averages is the way from latents and a view to an image.
    whole = combine(config, shape_generator, phases[-2].network)
    return build_adversarial_model(config, whole, phases, forward)


def combine(
    config: Config, shape_generator: keras.Model, textures: keras.Model
) -> keras.Model:
    """Return all generators as one network.

    Args:
        config: options of the run.
        shape_generator: z of a shape -> volume.
        textures: result of `texture.combine`.

    Returns:
        [z of a shape, azimuth (B, 1), elevation (B, 1), z of a texture, photo] -> what
        `texture.combine` returns.
    """
    shape = keras.Input((config.latent_dim,), name="z_shape")
    angles = [keras.Input((1,), name=name) for name in ("azimuth", "elevation")]
    latent, photo = textures.inputs[1:]
    sketch = SketchLayer(to_json(config))([shape_generator(shape), *angles])
    images = textures([sketch, latent, photo])
    return keras.Model([shape, *angles, latent, photo], images, name="whole")


@keras.saving.register_keras_serializable("study_von")
class SketchLayer(keras.layers.Layer):
    """Makes sketches of volumes; see `make_sketches`.

    Args:
        options: configuration of the run, as JSON.
    """

    def __init__(self, options: str, **kwargs: object):
        super().__init__(**kwargs)
        self.options = options
        self.configuration = from_json(Config, options, "the layer's options")

    def call(self, inputs: list[Tensor]) -> Tensor:
        """Return sketches of [volumes, azimuths (B, 1), elevations (B, 1)]."""
        volumes, azimuth, elevation = inputs
        return make_sketches(
            self.configuration, volumes, azimuth[:, 0], elevation[:, 0]
        )

    def compute_output_shape(self, shapes: list[tuple]) -> tuple:
        """Return the shape of the sketches."""
        size = self.configuration.image_size
        return (shapes[0][0], size, size, channels_of(self.configuration))

    def get_config(self) -> dict:
        """Return the arguments."""
        return super().get_config() | {"options": self.options}
