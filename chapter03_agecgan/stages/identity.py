"""The third stage: what keeps the person, judged by a face-recognition net."""

from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from chapter03_agecgan.ages import AGE_CLASSES, one_hot
from chapter03_agecgan.config import Config
from chapter03_agecgan.recognition.recognizer import Recognizer
from chapter03_agecgan.stages.encoder import rebuilder
from common.gan import optimizers
from common.gan.adversarial_model import AdversarialModel
from common.gan.step import Logs, Phase, Step
from common.images.pixels import to_floats

Tensor = tf.Tensor
# Photos whose latents are sought together.
AT_ONCE = 128


@dataclass(frozen=True)
class Photos:
    """Photos to keep the persons of.

    Attributes:
        images: float32 (N, S, S, 3) in [-1, 1].
        ages: one-hot float32 (N, 6).
        embeddings: FR(images), of length 1, float32 (N, D).
    """

    images: np.ndarray
    ages: np.ndarray
    embeddings: np.ndarray

    @classmethod
    def of(
        cls, recognizer: Recognizer, images: np.ndarray, classes: np.ndarray
    ) -> "Photos":
        """Return photos from images uint8 (N, S, S, 3) and classes int (N,)."""
        return cls(to_floats(images), one_hot(classes), recognizer.embed(images))

    def batch(self, rows: np.ndarray | slice) -> tuple[np.ndarray, ...]:
        """Return (images, ages, embeddings, numbers from 0) of some photos."""
        images = self.images[rows]
        numbers = np.arange(len(images), dtype=np.float32)
        return images, self.ages[rows], self.embeddings[rows], numbers


def identity_loss(
    config: Config,
    recognizer: Recognizer,
    faces: Tensor,
    wanted: Tensor,
    images: Tensor,
) -> tuple[Tensor, Logs]:
    r"""Return $\frac1B \sum \|FR(G(z, y)) - FR(x)\|^2 + w \cdot MSE(G(z, y), x)$.

    Args:
        config: uses identity_pixels as w.
        recognizer: FR, with a network.
        faces: G(z, y), (B, S, S, 3).
        wanted: FR(x), of length 1, (B, D).
        images: x, (B, S, S, 3).

    Reference: Antipov et al. 2017, arXiv:1702.01983, equation 3 (without the
        second term, which is what its "pixelwise" alternative minimises).
    """
    found = recognizer.network(faces, training=False)
    distance = tf.reduce_mean(tf.reduce_sum(tf.square(found - wanted), axis=1))
    pixels = tf.reduce_mean(tf.square(faces - images))
    loss = distance + config.identity_pixels * pixels
    return loss, {"identity_distance": distance, "identity_pixels": pixels}


def build_latents_model(
    config: Config, generator: keras.Model, recognizer: Recognizer, start: np.ndarray
) -> AdversarialModel:
    """Build the model whose only weights are the latents of some photos.

    A batch is (images, ages one-hot, FR(images), rows): rows (B,) are the numbers
    of the photos, float32.

    Args:
        config: uses identity_* fields.
        generator: of the first stage; it stands still.
        recognizer: FR.
        start: the encoder's guesses, float32 (N, latent_dim).
    """
    rows = keras.Input((), name="row")
    table = keras.layers.Embedding(*start.shape, name="table")
    latents = keras.Model(rows, table(rows), name="latents")
    table.set_weights([start])

    def loss(step: Step) -> tuple[Tensor, Logs]:
        images, ages, wanted, numbers = step.batch
        z = latents(numbers, training=True)
        faces = generator([z, ages], training=False)
        loss, logs = identity_loss(config, recognizer, faces, wanted, images)
        # The prior's density falls with the length of z.
        length = tf.reduce_mean(tf.square(z))
        logs["z_length"] = length
        return loss + config.identity_prior * length, logs

    ages = keras.Input((len(AGE_CLASSES),), name="age")
    faces = keras.Model([rows, ages], generator([latents(rows), ages]), name="faces")
    optimizer = optimizers.adam(config.identity_rate, 0.9, 0.999)
    return AdversarialModel(
        faces,
        [Phase("z", latents, optimizer, loss)],
        lambda step: None,
        seed=config.seed,
    )


def find_latents(
    config: Config,
    generator: keras.Model,
    recognizer: Recognizer,
    photos: Photos,
    start: np.ndarray,
) -> np.ndarray:
    """Return the latents whose faces are most like some photos.

    Args:
        config: uses identity_* fields.
        generator: G.
        recognizer: FR.
        photos: N of them.
        start: the encoder's guesses, float32 (N, latent_dim).

    Returns:
        float32 (N, latent_dim).

    Reference: Antipov et al. 2017, arXiv:1702.01983, section 2.3.
    """
    parts = [slice(i, i + AT_ONCE) for i in range(0, len(start), AT_ONCE)]
    total = len(parts) * config.identity_steps
    found = []
    with tqdm(total=total, desc="latents", unit="step", disable=None) as bar:
        for part in parts:
            model = build_latents_model(config, generator, recognizer, start[part])
            batch = tf.nest.map_structure(tf.constant, photos.batch(part))
            model.build_step(tf.nest.map_structure(tf.TensorSpec.from_tensor, batch))
            step = tf.function(model.train_step)
            for _ in range(config.identity_steps):
                step(batch)
                bar.update()
            found.append(np.array(latents_of(model)))
    return np.concatenate(found)


def latents_of(model: AdversarialModel) -> tf.Variable:
    """Return the latents (N, latent_dim) that such a model has moved."""
    return model.phases[0].network.trainable_variables[0]


def build_networks_model(
    config: Config,
    generator: keras.Model,
    encoder: keras.Model,
    recognizer: Recognizer,
) -> AdversarialModel:
    """Build the phases that tune encoder and generator together, the book's way.

    A batch is (images, ages one-hot, FR(images)).
    """
    both = rebuilder(generator, encoder)

    def forward(step: Step) -> tuple[Tensor, Logs]:
        images, ages, wanted, _ = step.batch
        faces = both([images, ages], training=False)
        return identity_loss(config, recognizer, faces, wanted, images)

    return AdversarialModel(
        both,
        [
            Phase(
                network.name[0],
                network,
                optimizers.adam(config.identity_rate, config.beta_1, config.beta_2),
                lambda step: step.shared(),
            )
            for network in (encoder, generator)
        ],
        forward,
        mode="simultaneous",
        seed=config.seed,
    )
