"""The third stage: keep the person, as measured by a face-recognition network.

Two methods: adjust the latent of each photo (the paper's), or the weights of encoder
and generator (the book's).
"""

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
# Photos whose latents are optimised in one batch.
AT_ONCE = 128


@dataclass(frozen=True)
class Photos:
    """Photos of the persons to keep.

    Attributes:
        images: photos, float32 (N, S, S, 3) in [-1, 1].
        ages: one-hot ages, float32 (N, 6).
        embeddings: embeddings FR(images) of length 1, float32 (N, D).
    """

    images: np.ndarray
    ages: np.ndarray
    embeddings: np.ndarray

    @classmethod
    def of(
        cls, recognizer: Recognizer, images: np.ndarray, classes: np.ndarray
    ) -> "Photos":
        """Prepare photos, and compute their embeddings.

        Args:
            recognizer: face-recognition network FR.
            images: uint8 (N, S, S, 3).
            classes: age classes, int (N,), 0 to 5.
        """
        return cls(to_floats(images), one_hot(classes), recognizer.embed(images))

    def batch(self, rows: np.ndarray | slice) -> tuple[np.ndarray, ...]:
        """Return (images, ages, embeddings, numbers) of some photos.

        Args:
            rows: indices of the n photos.

        Returns:
            Images, ages and embeddings as in the attributes, and the float32 numbers
            0 to n - 1, which select the photos' rows in the table of latents.
        """
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
        recognizer: face-recognition network FR; its `network` must not be None.
        faces: generated faces G(z, y), (B, S, S, 3) in [-1, 1].
        wanted: embeddings FR(x) of the photos, of length 1, (B, D).
        images: photos x, (B, S, S, 3) in [-1, 1].

    Returns:
        The loss, and the logs "identity_distance" and "identity_pixels".

    Reference: Antipov et al. 2017, arXiv:1702.01983, equation 3 (without the
        second term, which is what its "pixelwise" alternative minimises).
    """
    # Squared distance of the embeddings: is it the same person?
    found = recognizer.network(faces, training=False)
    distance = tf.reduce_mean(tf.reduce_sum(tf.square(found - wanted), axis=1))
    # Embeddings ignore much of a photo, such as its background and its colours; the
    # pixels hold them.
    pixels = tf.reduce_mean(tf.square(faces - images))
    loss = distance + config.identity_pixels * pixels
    return loss, {"identity_distance": distance, "identity_pixels": pixels}


def build_latents_model(
    config: Config, generator: keras.Model, recognizer: Recognizer, start: np.ndarray
) -> AdversarialModel:
    """Build the model whose only trained weights are the latents of some photos.

    The loss is `identity_loss` plus identity_prior times the mean of z squared.

    A batch is (images (B, S, S, 3) in [-1, 1], ages one-hot (B, 6), FR(images) (B, D),
    rows (B,)): rows are the numbers of the photos from 0 to N - 1, float32.

    Args:
        config: uses the identity_* options and the seed.
        generator: generator of the first stage; it stays fixed.
        recognizer: face-recognition network FR; its `network` must not be None.
        start: the encoder's guesses of the latents, float32 (N, latent_dim).

    Reference: Antipov et al. 2017, arXiv:1702.01983, section 2.3.
    """
    # A table with one latent per photo takes the place of a network.
    rows = keras.Input((), name="row")
    table = keras.layers.Embedding(*start.shape, name="table")
    latents = keras.Model(rows, table(rows), name="latents")
    table.set_weights([start])

    def loss(step: Step) -> tuple[Tensor, Logs]:
        """Return the identity loss plus the penalty on long latents."""
        images, ages, wanted, numbers = step.batch
        z = latents(numbers, training=True)
        faces = generator([z, ages], training=False)
        loss, logs = identity_loss(config, recognizer, faces, wanted, images)
        # The density of a normal prior falls with the length of z: long latents are
        # ones that G has rarely seen in training.
        length = tf.reduce_mean(tf.square(z))
        logs["z_length"] = length
        return loss + config.identity_prior * length, logs

    # The samples of this model are the photos' faces, by row number and age.
    ages = keras.Input((len(AGE_CLASSES),), name="age")
    faces = keras.Model([rows, ages], generator([latents(rows), ages]), name="faces")
    optimizer = optimizers.adam(config.identity_rate, 0.9, 0.999)
    # The only phase makes its own forward pass, so there is none to share.
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
    """Find the latents whose faces are most similar to some photos.

    Each batch of 128 photos is optimised for identity_steps steps.

    Args:
        config: uses the identity_* options and the seed.
        generator: generator G; it stays fixed.
        recognizer: face-recognition network FR; its `network` must not be None.
        photos: N photos.
        start: the encoder's guesses of the latents, float32 (N, latent_dim).

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
    """Return the latents (N, latent_dim) of a model of `build_latents_model`."""
    return model.phases[0].network.trainable_variables[0]


def build_networks_model(
    config: Config,
    generator: keras.Model,
    encoder: keras.Model,
    recognizer: Recognizer,
) -> AdversarialModel:
    """Build the phases that fine-tune encoder and generator together, as in the book.

    Both minimise `identity_loss` with z = E(x).

    A batch is (images (B, S, S, 3) in [-1, 1], ages one-hot (B, 6), FR(images) (B, D),
    numbers (B,), which are not used).

    Args:
        config: uses the identity_* options, beta_1, beta_2 and the seed.
        generator: generator G of the first stage; it is trained further.
        encoder: encoder E of the second stage; it is trained further.
        recognizer: face-recognition network FR; its `network` must not be None.
    """
    both = rebuilder(generator, encoder)

    def forward(step: Step) -> tuple[Tensor, Logs]:
        """Return the loss and the logs, which both phases share."""
        images, ages, wanted, _ = step.batch
        # Inference mode: BatchNorm and dropout work as they do in the final use.
        faces = both([images, ages], training=False)
        return identity_loss(config, recognizer, faces, wanted, images)

    # The two phases have one loss; each updates its own network.
    phases = [
        Phase(
            name,
            network,
            optimizers.adam(config.identity_rate, config.beta_1, config.beta_2),
            lambda step: step.shared(),
        )
        for name, network in (("e", encoder), ("g", generator))
    ]
    # Simultaneous: one forward pass serves both networks.
    return AdversarialModel(
        both,
        phases,
        forward,
        mode="simultaneous",
        seed=config.seed,
    )
