"""Training of the SRGAN in two stages: on pixels, then against a discriminator."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from chapter05_srgan import content_loss
from chapter05_srgan.config import SRGAN_FIELDS, Config
from chapter05_srgan.data import Crops, load_split
from chapter05_srgan.networks import build_discriminator, build_generator
from common.data.batches import TrainingData
from common.data.splits import training_rows
from common.gan import losses, optimizers
from common.gan.adversarial_model import AdversarialModel, build_adversarial_model
from common.gan.step import Logs, Phase, Step
from common.images.grids import image_grid
from common.training import devices
from common.training.fit import Gallery, begin, fit_run, open_run
from common.training.network_files import load_network
from common.training.run_dir import RunDir
from common.training.stages import begin_stage, fit_stage, has_ended, note_end

# Rounding to 8 bits of mantissa costs tenths of a decibel (see the README).
BFLOAT16_KEEPS_QUALITY = False
GALLERY_CROPS = 16
SRRESNET, SRGAN = "srresnet", "srgan"
Callbacks = Sequence[keras.callbacks.Callback]
logger = logging.getLogger(__name__)


def build_srresnet_model(config: Config) -> AdversarialModel:
    """Build the generator and the one phase that trains it on pixels.

    A batch holds low-resolution images (B, h, w, 3) and the high-resolution images
    (B, s h, s w, 3) that they were made from.

    Reference: Ledig et al. 2017, arXiv:1609.04802, equation 4 (mean squared error);
        Lim et al. 2017, arXiv:1707.02921, section 3.3 (mean absolute error).
    """
    generator = build_generator(config)

    def g_loss(step: Step) -> tuple[tf.Tensor, Logs]:
        """Return the difference between enlarged and original images."""
        low, high = step.batch
        return pixel_loss(config, generator(low, training=True), high), {}

    optimizer = optimizers.adam(
        learning_rate(config, config.learning_rate, config.steps), 0.9, 0.999
    )
    return AdversarialModel(
        generator,
        [Phase("g", generator, optimizer, g_loss)],
        lambda step: None,
        average=config.average,
        seed=config.seed,
    )


def build_srgan_model(config: Config, generator: keras.Model) -> AdversarialModel:
    """Build the two phases of the adversarial training.

    G's loss is content_weight * content + pixel_weight * pixels + adversarial_weight *
    adversarial. D and G play the same game.

    Args:
        config: uses content, the weights, loss, r1_gamma, r1_every and more.
        generator: the network of the first stage; its training continues.

    Raises:
        UserError: VGG19's weights are missing or damaged.

    Reference: Ledig et al. 2017, arXiv:1609.04802, equations 2, 3 and 6.
    """
    discriminator = build_discriminator(config)
    discriminate = content_loss.with_maps(discriminator)
    # The losses of D and G, written out in common/gan/losses.py.
    rules = losses.GAMES[config.loss]
    content = choose_content(config)

    def forward(step: Step) -> tuple[tf.Tensor, list[tf.Tensor], list[tf.Tensor]]:
        """Return enlarged images, and D's feature maps and logits of both kinds."""
        low, high = step.batch
        enlarged = generator(low, training=True)
        # Enlarged and real images pass D in separate batches: BatchNorm must not mix
        # their statistics.
        return (
            enlarged,
            discriminate(enlarged, training=True),
            discriminate(high, training=True),
        )

    def d_loss(step: Step) -> tuple[tf.Tensor, Logs]:
        """Return D's loss: low where it tells enlarged from real images."""
        _, (*_, fake_logits), (*_, real_logits) = step.shared()
        loss = rules.discriminator(real_logits, fake_logits)
        penalty = losses.lazy_r1(
            step, discriminator, step.batch[1], config.r1_gamma, config.r1_every
        )
        return losses.with_penalty(loss, real_logits, fake_logits, penalty)

    def g_loss(step: Step) -> tuple[tf.Tensor, Logs]:
        """Return G's loss: content, pixels and the adversarial loss, weighted."""
        made, (*made_maps, fake_logits), (*real_maps, _) = step.shared()
        high = step.batch[1]
        # Content: features of D or of VGG19, in place of pixels that must all fit.
        if config.content == "discriminator":
            likeness = content_loss.difference_of_maps(made_maps, real_maps)
        else:
            likeness = content(made, high)
        parts = {
            "g_content": config.content_weight * likeness,
            "g_pixels": config.pixel_weight * pixel_loss(config, made, high),
            "g_adversarial": config.adversarial_weight * rules.generator(fake_logits),
        }
        return sum(parts.values()), parts

    rate = learning_rate(config, config.srgan_learning_rate, config.srgan_steps)
    d_optimizer = optimizers.adam(rate, 0.0, 0.999)
    g_optimizer = optimizers.adam(rate, 0.9, 0.999)
    phases = [
        Phase("d", discriminator, d_optimizer, d_loss),
        Phase("g", generator, g_optimizer, g_loss),
    ]
    return build_adversarial_model(config, generator, phases, forward)


def pixel_loss(config: Config, made: tf.Tensor, high: tf.Tensor) -> tf.Tensor:
    """Return the mean absolute or squared difference of pixels."""
    apart = tf.cast(made, tf.float32) - high
    return tf.reduce_mean(tf.abs(apart) if config.pixels == "l1" else tf.square(apart))


def choose_content(config: Config) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    """Return the content loss of enlarged and real images, unless D's maps make it."""
    if config.content.startswith("vgg"):
        network = content_loss.vgg19(config.content, config.vgg_weights)
        return lambda made, real: content_loss.content_loss(network, made, real)
    return lambda made, real: tf.reduce_mean(tf.square(made - real))


def learning_rate(
    config: Config, first: float, steps: int | None
) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """Return the learning rate, which falls to 0 along a cosine with --decay."""
    if config.decay and steps:
        return keras.optimizers.schedules.CosineDecay(first, steps)
    return first


def train(
    config: Config,
    run: RunDir | None = None,
    callbacks: Callbacks = (),
) -> RunDir:
    """Train the stages that the configuration names, or continue them.

    The first stage, srresnet, lies in the run's folder itself, the second in its
    folder srgan. A first stage that has ended is skipped unless the option `stage`
    names it.

    Args:
        config: what to train on, and how.
        run: folder of the run; by default a new one below runs/.
        callbacks: further Keras callbacks, called at every step.

    Returns:
        The run, with generator.keras (SRResNet) and srgan/generator.keras.

    Raises:
        UserError: an option, the data or the weights of VGG19 are wrong.
        TrainingError: a loss is not finite.

    Reference: Ledig et al. 2017, arXiv:1609.04802, section 3.2.
    """
    run = open_run(config, run)
    store = load_split(config, "train")
    store = store.subset(training_rows(len(store), config.validation_every))
    crops = Crops(store, config)
    data = TrainingData(crops.fetch, crops.count)
    low, _ = crops.fetch(np.linspace(0, crops.count - 1, GALLERY_CROPS).astype(int))
    gallery = Gallery(low, image_grid)
    with begin(config, run, BFLOAT16_KEEPS_QUALITY) as config:
        wanted = list(STAGES) if config.stage == "all" else [config.stage]
        for name in wanted:
            logger.info("stage %s", name)
            # Each stage starts the same whether or not the other ran before it.
            keras.utils.set_random_seed(config.seed % 2**32)
            if STAGES[name](config, run, data, gallery, callbacks):
                break  # The training was interrupted.
    return run


def train_srresnet(
    config: Config,
    run: RunDir,
    data: TrainingData,
    gallery: Gallery,
    callbacks: Callbacks,
) -> bool:
    """Train the generator on pixels; return whether it was interrupted."""
    if config.stage == "all" and has_ended(run):
        logger.info(
            "this stage has ended; continue it with train --resume --stage srresnet"
        )
        return False
    with devices.scope(config):
        model = build_srresnet_model(config)
    results = {run.generator: model.average_generator}
    interrupted = fit_run(model, data, gallery, config, run, callbacks, results)
    if not interrupted:
        note_end(run, int(model.step.numpy()))
    return interrupted


def train_srgan(
    config: Config,
    run: RunDir,
    data: TrainingData,
    gallery: Gallery,
    callbacks: Callbacks,
) -> bool:
    """Train against a discriminator; return whether it was interrupted."""
    stage = begin_stage(run, SRGAN, config, SRGAN_FIELDS, [run.generator])
    with devices.scope(config):
        model = build_srgan_model(config, load_network(run.generator))
    results = {
        "generator": model.average_generator,
        "discriminator": model.phases[0].network,
    }
    steps = config.srgan_steps
    return fit_stage(model, data, gallery, config, stage, callbacks, steps, results)


def generator_path(run: RunDir, stage: str) -> Path:
    """Return where a stage's generator is written."""
    return run.generator if stage == SRRESNET else run.path / SRGAN / "generator.keras"


STAGES: dict[str, Callable[..., bool]] = {
    SRRESNET: train_srresnet,
    SRGAN: train_srgan,
}
