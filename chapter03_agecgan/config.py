"""Every option of chapter 3 with its default, meaning and source."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from common.config import (
    RunConfig,
    check_gan_options,
    require,
    require_positive,
    require_range,
)

NAME = "chapter03_agecgan"
SIZES = (32, 64, 128)
# File formats of `generate`.
Format = Literal["png", "npy"]
Stage = Literal["all", "gan", "encoder", "identity"]
# Options of the later stages; a new value restarts these stages, but not the GAN.
STAGE_FIELDS = {
    "encoder": ("encoder_steps", "encoder_learning_rate", "encoder_real"),
    "identity": (
        "people",
        "recognition",
        "recognition_weights",
        "recognition_steps",
        "identity_method",
        "identity_steps",
        "identity_learning_rate",
        "identity_pixels",
        "identity_prior",
    ),
}


@dataclass(frozen=True)
class Config(RunConfig):
    """Options of the Age-cGAN. "paper" is Antipov et al. 2017, arXiv:1702.01983."""

    LATER_STAGES: ClassVar[tuple[str, ...]] = (
        "stage",
        *(name for names in STAGE_FIELDS.values() for name in names),
    )

    FILE_OR_NAME: ClassVar[dict[str, tuple[str, ...]]] = {
        "recognition": ("local", "imagenet")
    }

    variant: Literal["projection", "book"] = "projection"
    """Networks. projection: strided convolutions, and a discriminator that combines
    image and age by an inner product [Miyato and Koyama 2018]. book: the book's."""

    size: Literal[32, 64, 128] = 64
    """Edge of the images in pixels [paper and book: 64]."""

    stage: Stage = "all"
    """Stage to train; encoder builds on gan, and identity on both."""

    people: Path | None = None
    """Folder with one folder of photos for each person, to train the face-recognition
    network on; by default the persons that the data set names, if any."""

    balanced: bool = True
    """Whether training photos of all six age classes are drawn equally often."""

    wrong_age: bool = True
    """Whether D also learns to reject real photos with a wrong age [Reed et al.
    2016]."""

    filters: int = 16
    """Filters of the layers next to the image; each halving of the image doubles
    them. Only for variant projection."""

    latent_dim: int = 100
    """Length of z [paper and book]."""

    prior: Literal["uniform01", "uniform11", "normal"] = "normal"
    """Distribution of z [book: normal]."""

    loss: Literal["non_saturating", "minimax", "least_squares"] = "non_saturating"
    """Adversarial losses of D and G."""

    real_label: float = 1.0
    """Label of real data for D; below 1 it is one-sided label smoothing [book: 0.9]."""

    r1_gamma: float = 0.5
    """Weight of the R1 penalty on D [Mescheder et al. 2018]; 0 is off."""

    r1_every: int = 4
    """Steps from one R1 penalty to the next; its weight is multiplied by this."""

    augment_shift: int = 4
    """Largest random shift, in pixels along both axes, of every image that D sees,
    real or generated [Zhao et al. 2020]; 0 is off."""

    mirror: bool = True
    """Whether every image that D sees, real or generated, is mirrored with probability
    1/2."""

    average: float = 0.998
    """Decay of the moving average of G's weights, which makes all output; 0 is off."""

    g_learning_rate: float = 1e-3
    """Learning rate of the generator [book: 2e-4]."""

    d_learning_rate: float = 1e-3
    """Learning rate of the discriminator [book: 2e-4]."""

    beta_1: float = 0.0
    """Adam's decay of the first moment [book: 0.5]."""

    beta_2: float = 0.99
    """Adam's decay of the second moment [book: 0.999]."""

    encoder_steps: int = 1500
    """Training steps of the encoder, at the same batch size."""

    encoder_learning_rate: float = 1e-3
    """Initial learning rate of the encoder, which falls to 0 [book: 1e-3]."""

    encoder_real: float = 1.0
    """Weight of the encoder's loss on rebuilt real photos, relative to its loss on the
    latents of generated ones; 0 uses no real photos [book]."""

    recognition: str = "local"
    """Face-recognition network: local (trained on the persons of the data), imagenet
    (Keras's InceptionResNetV2 [book]), or a .keras or .onnx file."""

    recognition_weights: Path | None = None
    """File with InceptionResNetV2's weights; by default Keras's cache is searched."""

    recognition_steps: int = 1400
    """Training steps of the local face-recognition network."""

    identity_method: Literal["latents", "networks"] = "latents"
    """What the third stage optimises. latents: z of each photo [paper]. networks: the
    weights of the encoder and the generator [book]."""

    identity_steps: int = 150
    """Steps of the third stage, and of the search for one photo's latent."""

    identity_learning_rate: float | None = None
    """Learning rate of the third stage; by default 0.1 for latents and 2e-4 for
    networks [book]."""

    identity_pixels: float = 5.0
    """Weight of the mean squared error of pixels, which is added to the distance of
    embeddings."""

    identity_prior: float = 0.02
    """Weight of the latents' mean square, which keeps them where G was trained."""

    @property
    def identity_rate(self) -> float:
        """Learning rate of the third stage."""
        usual = {"latents": 0.1, "networks": 2e-4}[self.identity_method]
        return self.identity_learning_rate or usual

    def validate(self) -> None:
        """Check the value of every field; see RunConfig.validate."""
        super().validate()
        check_gan_options(self, SIZES)
        require_positive(
            self,
            "encoder_steps encoder_learning_rate recognition_steps identity_steps "
            "identity_learning_rate",
        )
        require(self, "real_label", 0 < self.real_label <= 1, "above 0, at most 1")
        weights = "encoder_real identity_pixels identity_prior"
        require_range(self, weights, 0, 1e6, "0 or above, finite")


# No stabilising technique that the sources do not have.
_PUBLISHED = {
    "variant": "book",
    "r1_gamma": 0.0,
    "augment_shift": 0,
    "mirror": False,
    "average": 0.0,
    "balanced": False,
    "wrong_age": False,
    "g_learning_rate": 2e-4,
    "d_learning_rate": 2e-4,
    "beta_1": 0.5,
    "beta_2": 0.999,
    "encoder_real": 0.0,
}

PRESETS = {
    # The best result within minutes on two cores.
    "quick": Config(
        steps=20_000,
        max_minutes=4.5,
        precision="float32",
        update_mode="simultaneous",
        sample_every=500,
        checkpoint_every=500,
    ),
    # The book's listing without the defects that keep it from learning; the README's
    # table lists each of them.
    "book": Config(
        **_PUBLISHED,
        epochs=500,
        batch_size=2,
        real_label=0.9,
        recognition="imagenet",
        identity_method="networks",
        identity_pixels=0.0,
        identity_prior=0.0,
    ),
    "paper": Config(
        **_PUBLISHED,
        epochs=100,
        batch_size=64,
        encoder_steps=2000,
    ),
}
