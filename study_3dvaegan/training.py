"""Training of the 3D-VAE-GAN: the losses of its three phases, and `train`."""

import functools
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from chapter02_3dgan.training import LEFT_RIGHT, check_occupancy, penalty
from common.data.batches import TrainingData
from common.errors import UserError
from common.files import read_note, write_note
from common.gan import losses, optimizers
from common.gan.adversarial_model import AdversarialModel, build_adversarial_model
from common.gan.augment import shift_and_mirror
from common.gan.optimizers import build_optimizers
from common.gan.step import Logs, Phase, Step
from common.images.grids import sheet, to_picture
from common.images.pixels import to_bytes, to_floats
from common.shapes.rendering import render_voxels
from common.training import devices
from common.training.fit import Gallery, begin, fit_run, open_run
from common.training.network_files import load_network
from common.training.run_dir import RunDir
from study_3dvaegan.baselines import network_predictor
from study_3dvaegan.config import Config
from study_3dvaegan.data import Pairs, training_and_validation
from study_3dvaegan.networks import (
    build_discriminator,
    build_encoder,
    build_generator,
    build_reconstructor,
    sample_posterior,
)
from study_3dvaegan.photos.augmentation import change_photos, mirror_pairs
from study_3dvaegan.prediction_scores import MAX_VALIDATION, choose_threshold

# Measured: see "Number formats" in the README.
BFLOAT16_KEEPS_QUALITY = True
GALLERY_PHOTOS = 16
# Occupancy above which a voxel is drawn during training: about what `quick` chooses.
GALLERY_THRESHOLD = 0.3
# Training shapes whose common box fills the pictures.
FRAME_SHAPES = 256
# Files in the run's folder besides those of every run.
ENCODER, THRESHOLD = "encoder.keras", "threshold.json"


def kl_divergence(mean: tf.Tensor, log_variance: tf.Tensor) -> tf.Tensor:
    r"""Return KL(N(mean, variance) || N(0, 1)), summed over z, averaged over photos.

    For each photo, $\frac12 \sum_i (\mu_i^2 + \sigma_i^2 - 1 - \log \sigma_i^2)$.

    Args:
        mean: float32 (B, d).
        log_variance: float32 (B, d).

    Reference: Kingma and Welling 2014, arXiv:1312.6114, appendix B.
    """
    terms = tf.square(mean) + tf.exp(log_variance) - 1.0 - log_variance
    return tf.reduce_mean(0.5 * tf.reduce_sum(terms, axis=1))


def reconstruction_loss(kind: str, made: tf.Tensor, shapes: tf.Tensor) -> tf.Tensor:
    r"""Return how far reconstructions are from their shapes, averaged over shapes.

    Args:
        kind: "squared" for $\sum_v (\hat x_v - x_v)^2$, "norm" for its square root,
            "cross_entropy" for $-\sum_v x_v \log \hat x_v + (1 - x_v) \log(1 - \hat
            x_v)$; v counts all voxels.
        made: occupancies of the generator, float32 (B, S, S, S, 1) in [0, 1].
        shapes: true shapes, 0 or 1, (B, S, S, S, 1).

    Reference: Wu et al. 2016, arXiv:1610.07584, equation 4, has the norm.
    """
    axes = (1, 2, 3, 4)
    if kind == "cross_entropy":
        made = tf.clip_by_value(made, 1e-6, 1 - 1e-6)
        right = shapes * tf.math.log(made) + (1 - shapes) * tf.math.log(1 - made)
        return tf.reduce_mean(-tf.reduce_sum(right, axes))
    squares = tf.reduce_sum(tf.square(made - shapes), axes)
    return tf.reduce_mean(tf.sqrt(squares + 1e-12) if kind == "norm" else squares)


def discriminate(
    config: Config, discriminator: keras.Model, step: Step, shapes: tf.Tensor
) -> tf.Tensor:
    """Return D's logits (B, 1) of shapes that are first moved and mirrored.

    Args:
        config: uses augment_shift and augment_mirror.
        discriminator: the network D.
        step: the step that runs, source of the random numbers.
        shapes: (B, S, S, S, 1).
    """
    turned = LEFT_RIGHT if config.augment_mirror else None
    shapes = shift_and_mirror(shapes, step.new_key(), config.augment_shift, turned)
    return discriminator(shapes, training=True)


def players_only(config: Config, items: tf.Tensor) -> tf.Tensor:
    """Return every n-th item of a batch, so that --game-items of all devices play."""
    return items[:: config.batch_size // (config.game_items or config.batch_size)]


def pass_forward(
    config: Config,
    encoder: keras.Model,
    generator: keras.Model,
    discriminator: keras.Model,
    step: Step,
) -> dict[str, tf.Tensor]:
    """Encode the photos; generate shapes from them and from the prior.

    Args:
        config: options of the run.
        encoder: the network E.
        generator: the network G.
        discriminator: the network D.
        step: the step that runs; its batch holds shapes and photos.

    Returns:
        "mean" and "log_variance" of E, (B, d); "made", the reconstructions
        (B, S, S, S, 1); "reconstruction", their weighted distance from the shapes; and
        if there is a game, "fake", shapes of the prior (n, S, S, S, 1), and
        "fake_logits", D's logits of all generated shapes that it sees.
    """
    shapes, photos = step.batch
    if config.augment_photos:
        photos, shapes = mirror_pairs(photos, shapes, step.new_key())
        photos = change_photos(photos, step)
    # E: a Gaussian for each photo, and a sample of it.
    mean, log_variance = encoder(photos, training=True)
    seen = sample_posterior(mean, log_variance, step.latents(config.latent_dim))
    passed = {"mean": mean, "log_variance": log_variance}
    # G: latents of photos and of the prior pass in one batch. In two batches each would
    # have its own statistics of BatchNorm, but G keeps only one set of them: measured,
    # two batches make the average precision worse by 0.015.
    latents, count = seen, tf.shape(seen)[0]
    if config.adversarial_weight:
        new = players_only(config, step.latents(config.latent_dim))
        latents = tf.concat([seen, new], axis=0)
    both = generator(latents, training=True)
    passed["made"] = both[:count]
    distance = reconstruction_loss(config.reconstruction, passed["made"], shapes)
    passed["reconstruction"] = config.reconstruction_weight * distance
    # D: its logits of generated shapes. In Larsen et al. 2016, equation 8, these are
    # samples of the prior and as many reconstructions.
    if config.adversarial_weight:
        passed["fake"] = both[count:]
        generated = [passed["fake"]]
        if config.vae_fakes:
            generated.append(players_only(config, passed["made"]))
        logits = [discriminate(config, discriminator, step, g) for g in generated]
        passed["fake_logits"] = tf.concat(logits, axis=0)
    return passed


def build_model(config: Config, occupancy: float) -> AdversarialModel:
    """Build the three networks and the phases that train them: D, then E, then G.

    A batch holds shapes (B, S, S, S, 1) and photos (B, H, H, 3), one of each shape.

    Args:
        config: options of the run.
        occupancy: mean share of filled voxels in the data, in (0, 1).

    Reference: Wu et al. 2016, arXiv:1610.07584, section 3.2 and supplement.
    """
    encoder = build_encoder(config)
    generator = build_generator(config, occupancy)
    discriminator = build_discriminator(config)
    # The losses of D and G, written out in common/gan/losses.py.
    rules = losses.GAMES[config.loss]

    def d_loss(step: Step) -> tuple[tf.Tensor, Logs]:
        """Return D's loss: low where D(x) is near 1 and D(G(z)) near 0."""
        passed = step.shared()
        real = players_only(config, step.batch[0])
        real_logits = discriminate(config, discriminator, step, real)
        fake_logits = passed["fake_logits"]
        loss = rules.discriminator(real_logits, fake_logits, config.real_label)
        # Penalties on D's gradient; the shapes of G are constants here.
        fake = tf.stop_gradient(passed["fake"])
        penalties = penalty(config, discriminator, step, real, fake)
        return losses.with_penalty(loss, real_logits, fake_logits, penalties)

    def e_loss(step: Step) -> tuple[tf.Tensor, Logs]:
        """Return E's loss: its Gaussians near N(0, 1), its reconstructions right."""
        passed = step.shared()
        divergence = kl_divergence(passed["mean"], passed["log_variance"])
        parts = {
            "e_kl": config.kl_weight * divergence,
            "e_reconstruction": passed["reconstruction"],
        }
        return sum(parts.values()), parts

    def g_loss(step: Step) -> tuple[tf.Tensor, Logs]:
        """Return G's loss: reconstructions right, and generated shapes real for D."""
        passed = step.shared()
        logs = {"g_occupancy": tf.reduce_mean(passed["made"])}
        if not config.adversarial_weight:
            return passed["reconstruction"], logs
        logs["g_adversarial"] = rules.generator(passed["fake_logits"])
        weighted = config.adversarial_weight * logs["g_adversarial"]
        return passed["reconstruction"] + weighted, logs

    def weak_enough(logs: Logs) -> tf.Tensor:
        """Tell whether D may learn: the paper stops it while it is too accurate."""
        return logs["d_accuracy"] <= config.gate_accuracy

    gate = weak_enough if config.gate_accuracy is not None else None
    d_optimizer, e_optimizer, g_optimizer = build_all_optimizers(config)
    phases = [
        Phase("d", discriminator, d_optimizer, d_loss, when=gate),
        Phase("e", encoder, e_optimizer, e_loss),
        Phase("g", generator, g_optimizer, g_loss),
    ]
    return build_adversarial_model(
        config,
        # What the run shows and averages is the way from a photo to its shape.
        build_reconstructor(encoder, generator),
        phases if config.adversarial_weight else phases[1:],
        functools.partial(pass_forward, config, encoder, generator, discriminator),
    )


def build_all_optimizers(
    config: Config,
) -> tuple[keras.optimizers.Optimizer, ...]:
    """Return the optimizers of D, E and G; the rates of E and G may fall.

    Args:
        config: uses the options of chapter 2's optimizers, e_learning_rate and
            decay_steps.
    """
    d_optimizer, _ = build_optimizers(config)
    # The encoder takes no part in the game, so it has Adam's usual decays.
    e_rate = learning_rate(config, config.e_learning_rate)
    e_optimizer = optimizers.adam(e_rate, 0.9, 0.999)
    g_rate = learning_rate(config, config.g_learning_rate)
    g_optimizer = optimizers.optimizer(
        config.optimizer, g_rate, config.beta_1, config.beta_2
    )
    return d_optimizer, e_optimizer, g_optimizer


def learning_rate(
    config: Config, initial: float
) -> float | keras.optimizers.schedules.LearningRateSchedule:
    """Return a learning rate that falls to 0 along a cosine, or a constant one.

    Args:
        config: uses decay_steps.
        initial: learning rate of the first step.
    """
    if config.decay_steps:
        return keras.optimizers.schedules.CosineDecay(initial, config.decay_steps)
    return initial


def train(
    config: Config,
    run: RunDir | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> RunDir:
    """Train a 3D-VAE-GAN, or continue from the newest checkpoint of its run.

    At the end, the threshold above which a voxel is filled is chosen on validation
    photos.

    Args:
        config: what to train on, and how.
        run: folder of the run; by default a new one below runs/.
        callbacks: further Keras callbacks, called at every step.

    Returns:
        The run, with encoder.keras, generator.keras and threshold.json.

    Raises:
        UserError: an option or the data are wrong.
        TrainingError: a loss is not finite.

    Reference: Wu et al. 2016, arXiv:1610.07584, section 3.2 and supplement.
    """
    run = open_run(config, run)
    pairs, validation = training_and_validation(config)
    occupancy = check_occupancy(pairs.shapes.occupancy())
    # The photos of a shape follow one another. The pictures of a run show every n-th
    # item: in another order they show all sides.
    order = np.random.default_rng(0).permutation(len(pairs))
    data = TrainingData(lambda rows: fetch(pairs, order[rows]), len(pairs))
    with begin(config, run, BFLOAT16_KEEPS_QUALITY) as config:
        with devices.scope(config):
            model = build_model(config, occupancy)
        average = model.average_generator
        encoder = average.get_layer("encoder")
        generator = average.get_layer("generator")
        results = {run.generator: generator, run.path / ENCODER: encoder}
        if config.adversarial_weight:
            results[run.discriminator] = model.phases[0].network
        gallery = make_gallery(pairs, data)
        fit_run(model, data, gallery, config, run, callbacks, results)
        predict = network_predictor(encoder, generator)
        threshold = choose_threshold(predict, validation.spread(MAX_VALIDATION))
        write_note(run.path / THRESHOLD, {"threshold": threshold})
    return run


def fetch(pairs: Pairs, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return shapes, float32 (B, S, S, S, 1), and photos, float32 (B, H, H, 3).

    Args:
        pairs: photos with their shapes.
        rows: int64 (B,), rows of the photos.
    """
    shapes = pairs.shapes[pairs.shape_rows[rows]].astype(np.float32)
    return shapes, to_floats(np.asarray(pairs.images[rows]))


def make_gallery(pairs: Pairs, data: TrainingData) -> Gallery:
    """Return how the progress is drawn: training photos above their shapes.

    The photos are those whose true shapes reals.png shows.

    Args:
        pairs: the photos to train on, with their shapes.
        data: the same as training data.
    """
    rows = np.linspace(0, data.count - 1, GALLERY_PHOTOS).astype(np.int64)
    photos = data.fetch(rows)[1]
    pictures = [to_picture(to_bytes(photo), 128) for photo in photos]
    size = len(pictures[0])
    # All pictures get one scale; otherwise the animation would jump.
    first = np.arange(min(FRAME_SHAPES, len(pairs.shapes)))
    frame = pairs.shapes.voxels(first).any(axis=0)

    def draw(shapes: np.ndarray) -> np.ndarray:
        drawn = [
            render_voxels(
                shape[..., 0], image_size=size, frame=frame, threshold=GALLERY_THRESHOLD
            )
            for shape in shapes
        ]
        half = len(drawn) // 2
        rows = [pictures[:half], drawn[:half], pictures[half:], drawn[half:]]
        return sheet([[(tile, None) for tile in row] for row in rows])

    # G's loss has a reconstruction, too, so it has no value of equilibrium.
    return Gallery(photos, draw)


def load_networks(run: RunDir) -> tuple[keras.Model, keras.Model]:
    """Return the encoder and the generator of a run.

    Raises:
        UserError: the training is not finished, or a file is damaged.
    """
    return load_network(run.path / ENCODER), load_network(run.generator)


def load_threshold(run: RunDir) -> float:
    """Return the occupancy above which a voxel is filled, in (0, 1).

    Raises:
        UserError: the training is not finished, or threshold.json is damaged.
    """
    path = run.path / THRESHOLD
    if not path.is_file():
        raise UserError(
            f"no {THRESHOLD} in {run.path}; wait for the end of the training, or "
            "continue it with train --resume"
        )
    threshold = (read_note(path) or {}).get("threshold")
    if not isinstance(threshold, float) or not 0 < threshold < 1:
        raise UserError(
            f"{path} is damaged: expected a threshold between 0 and 1; write it again "
            "with train --resume"
        )
    return threshold
