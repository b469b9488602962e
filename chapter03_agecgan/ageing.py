"""Faces made older and younger: find the latent, then change the age."""

import numpy as np

from chapter03_agecgan import identity
from chapter03_agecgan.ages import AGE_CLASSES, one_hot
from chapter03_agecgan.config import Config
from chapter03_agecgan.recognition import Recognizer, from_file
from common.errors import UserError
from common.fitting import load_network
from common.generated import make_images
from common.runs import RunDir
from common.sheets import to_floats

ALL = np.arange(len(AGE_CLASSES))


class Ager:
    """The networks of a run, put together to age photos.

    Args:
        run: a run whose three stages have been trained.
        config: of the run.

    Raises:
        UserError: a stage is missing or damaged.
    """

    def __init__(self, run: RunDir, config: Config):
        self.config = config
        folder = run.path / "identity"
        if not (folder / "recognition.keras").is_file():
            raise UserError(
                f"the stage identity of {run.path} has not been trained; go on with "
                "train --resume"
            )
        self.recognizer: Recognizer = from_file(folder / "recognition.keras")
        self.discriminator = load_network(run.discriminator)
        self.moves_latents = config.identity_method == "latents"
        self.encoder = load_network(
            folder.with_name("encoder" if self.moves_latents else "identity")
            / "encoder.keras"
        )
        self.generator = load_network(
            run.generator if self.moves_latents else folder / "generator.keras"
        )

    def guess_classes(self, images: np.ndarray) -> np.ndarray:
        """Return the age class that D finds most fitting: int (N,).

        Args:
            images: uint8 (N, S, S, 3).
        """
        faces = to_floats(images)
        logits = [
            self.discriminator(
                [faces, np.repeat(age[None], len(faces), axis=0)], training=False
            )
            for age in one_hot(ALL)
        ]
        return np.hstack(logits).argmax(axis=1)

    def first_guess(self, images: np.ndarray) -> np.ndarray:
        """Return the encoder's latents of photos: float32 (N, latent_dim)."""
        return np.array(self.encoder(to_floats(images), training=False))

    def latents(self, images: np.ndarray, classes: np.ndarray) -> np.ndarray:
        """Return latents that keep the persons on photos.

        Args:
            images: uint8 (N, S, S, 3).
            classes: their age classes, int (N,).

        Returns:
            float32 (N, latent_dim).
        """
        start = self.first_guess(images)
        if not self.moves_latents:
            return start
        photos = identity.Photos.of(self.recognizer, images, classes)
        return identity.find_latents(
            self.config, self.generator, self.recognizer, photos, start
        )

    def at_ages(self, latents: np.ndarray, classes: np.ndarray) -> np.ndarray:
        """Return the faces of some latents at some ages.

        Args:
            latents: float32 (N, latent_dim).
            classes: int (K,).

        Returns:
            uint8 (N, K, S, S, 3).
        """
        repeated = np.repeat(latents, len(classes), axis=0)
        ages = np.tile(one_hot(classes), (len(latents), 1))
        faces = make_images(self.generator, [repeated, ages])
        return faces.reshape(len(latents), len(classes), *faces.shape[1:])
