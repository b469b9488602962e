"""Every number of chapter 3, with its meaning and source."""

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
# What `generate` writes.
Format = Literal["png", "npy"]
Stage = Literal["all", "gan", "encoder", "identity"]
# What the later stages are told; another value begins them anew, not the GAN.
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

    variant: Literal["projection", "book"] = "projection"
    """Networks: strided convolutions and a discriminator that judges image and age
    by an inner product [Miyato and Koyama 2018], or the book's."""

    size: Literal[32, 64, 128] = 64
    """Edge of the images in pixels [paper and book: 64]."""

    stage: Stage = "all"
    """What to train: gan, encoder and identity build upon one another."""

    people: Path | None = None
    """Folder with one folder of photos for each person, which the face-recognition
    net learns from; by default the data set's own names, if it has some."""

    balanced: bool = True
    """Draw training photos so that each of the six classes comes equally often."""

    wrong_age: bool = True
    """D learns real photos with a wrong age as further fakes [Reed et al. 2016]."""

    filters: int = 16
    """Filters of the layers next to the image; each halving of the image doubles
    them. Of variant projection only."""

    latent_dim: int = 100
    """Length of z [paper and book]."""

    prior: Literal["uniform01", "uniform11", "normal"] = "normal"
    """Distribution of z [book: normal]."""

    loss: Literal["non_saturating", "minimax", "least_squares"] = "non_saturating"
    """The adversarial game."""

    real_label: float = 1.0
    """Label of real photos for D; below 1 is one-sided smoothing [book: 0.9]."""

    r1_gamma: float = 0.5
    """Weight of the R1 penalty on D [Mescheder et al. 2018]; 0 is off."""

    r1_every: int = 4
    """Steps between two R1 penalties, each that many times as heavy."""

    augment_shift: int = 4
    """D sees every image, real or generated, moved by up to so many pixels along
    both axes [Zhao et al. 2020]; 0 is off."""

    mirror: bool = True
    """D sees every second image, real or generated, with left and right swapped."""

    average: float = 0.998
    """Decay of the moving average of G's weights that makes all output; 0 is off."""

    g_learning_rate: float = 1e-3
    """Step of the generator [book: 2e-4]."""

    d_learning_rate: float = 1e-3
    """Step of the discriminator [book: 2e-4]."""

    beta_1: float = 0.0
    """Adam's decay of the first moment [book: 0.5]."""

    beta_2: float = 0.99
    """Adam's decay of the second moment [book: 0.999]."""

    encoder_steps: int = 1500
    """Training steps of the encoder, at the same batch size."""

    encoder_learning_rate: float = 1e-3
    """First step of the encoder, which falls to 0 [book: 1e-3]."""

    encoder_real: float = 1.0
    """Weight of rebuilding real photos against regressing latents of generated
    ones; 0 leaves the real ones out [book]."""

    recognition: str = "local"
    """Face-recognition net: local (trained on the identities at hand), imagenet
    (Keras's InceptionResNetV2 [book]), or a .keras or .onnx file."""

    recognition_weights: Path | None = None
    """File with InceptionResNetV2's weights; by default Keras's cache."""

    recognition_steps: int = 1400
    """Training steps of the local face-recognition net."""

    identity_method: Literal["latents", "networks"] = "latents"
    """What the third stage moves: z of each photo [paper], or the encoder's and the
    generator's weights [book]."""

    identity_steps: int = 150
    """Steps of the third stage, and of ageing one photo."""

    identity_learning_rate: float | None = None
    """Step of the third stage; by default 0.1 of latents, 2e-4 of networks [book]."""

    identity_pixels: float = 5.0
    """Weight of the pixels' mean squared error beside the distance of embeddings."""

    identity_prior: float = 0.02
    """Weight of the latents' squared length, which keeps them where G was trained."""

    @property
    def identity_rate(self) -> float:
        """Step of the third stage."""
        usual = {"latents": 0.1, "networks": 2e-4}[self.identity_method]
        return self.identity_learning_rate or usual

    def validate(self) -> None:
        """Check every field's value; see RunConfig.validate."""
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


# No stabilising beyond what the sources have.
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
    # Two cores, minutes: what works best.
    "quick": Config(
        steps=20_000,
        max_minutes=4.5,
        precision="float32",
        update_mode="simultaneous",
        sample_every=500,
        checkpoint_every=500,
    ),
    # The book's listing, with what makes it unable to learn mended; the README's
    # table names each line.
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
