"""Every option of chapter 4 with its default, meaning and source."""

from dataclasses import dataclass
from typing import Literal

from common.config import (
    Activation,
    OptimizerName,
    RunConfig,
    check_gan_options,
    require,
    require_positive,
    require_range,
)

NAME = "chapter04_dcgan"
SIZES = (32, 64, 128)
Extractor = Literal["local", "inceptionv3"]
# File formats of `generate`.
Format = Literal["png", "npy"]
# Kinds of walks between latents.
Walk = Literal["spherical", "linear"]


@dataclass(frozen=True)
class Config(RunConfig):
    """Options of the DCGAN. "paper" below is Radford et al. 2016, arXiv:1511.06434."""

    variant: Literal["dcgan", "book"] = "dcgan"
    """Networks. dcgan: the paper's strided convolutions. book: the book's tables, with
    upsampling, pooling and dense layers."""

    size: Literal[32, 64, 128] = 64
    """Edge of the images in pixels [paper and book: 64]."""

    filters: int = 16
    """Filters of the layers next to the image; each halving of the image doubles
    them. Only for variant dcgan [paper: 128]."""

    kernel: Literal[3, 4, 5] = 4
    """Edge of the convolutions' kernels. Only for variant dcgan [paper: 5]."""

    convolutions: int = 1
    """Convolutions at each resolution of both networks: the strided one that leads
    to it [paper] and further ones of 3 x 3 that keep it. Only for variant dcgan."""

    g_units: int = 2048
    """Units of the generator's first dense layer. Only for variant book [book]."""

    d_units: int = 1024
    """Units of the discriminator's dense layer. Only for variant book [book]."""

    g_activation: Activation = "relu"
    """Activation of the generator's hidden layers [paper and book]."""

    d_activation: Activation = "leaky_relu"
    """Activation of the discriminator's hidden layers [paper and book]. selu needs
    the initializer lecun_normal and no normalisation [Klambauer et al. 2017]."""

    latent_dim: int = 100
    """Length of z [paper and book]."""

    prior: Literal["uniform01", "uniform11", "normal"] = "normal"
    """Distribution of z [paper: uniform11; book: normal]."""

    g_norm: Literal["none", "batch"] = "batch"
    """Normalisation in the generator. Only for variant dcgan [paper: batch]."""

    d_norm: Literal["none", "batch"] = "none"
    """Normalisation in the discriminator, from its second layer on. Only for
    variant dcgan [paper: batch]."""

    initializer: Literal["he_normal", "dcgan", "glorot_uniform", "lecun_normal"] = (
        "he_normal"
    )
    """Initializer of the weights. dcgan: N(0, 0.02) [paper; book: Keras's default,
    glorot_uniform]."""

    loss: Literal["non_saturating", "minimax", "least_squares"] = "non_saturating"
    """Adversarial losses of D and G."""

    real_label: tuple[float, ...] = (1.0,)
    """Label of real data for D: one number, or two between which each item's label is
    drawn [book: 0.8 1]."""

    fake_label: tuple[float, ...] = (0.0,)
    """Label of generated data for D: one number, or two between which each item's
    label is drawn [book: 0 0.2]. Above 0, smoothing is no longer one-sided [Salimans
    et al. 2016, section 3.4, advise against it]."""

    r1_gamma: float = 0.5
    """Weight of the R1 penalty on D [Mescheder et al. 2018]; 0 is off."""

    r1_every: int = 4
    """Steps from one R1 penalty to the next; its weight is multiplied by this."""

    augment_shift: int = 5
    """Largest random shift, in pixels along both axes, of every image that D sees,
    real or generated [Zhao et al. 2020]; 0 is off."""

    mirror: bool = True
    """Whether every image that D sees, real or generated, is mirrored with probability
    1/2."""

    average: float = 0.998
    """Decay of the moving average of G's weights, which makes all output; 0 is off."""

    optimizer: OptimizerName = "adam"
    """Optimizer of both networks. sgd [book] and rmsprop use beta_1 as momentum; sgd's
    is Nesterov's."""

    d_optimizer: OptimizerName | None = None
    """Optimizer of the discriminator; by default the generator's."""

    g_learning_rate: float = 1e-3
    """Learning rate of the generator [paper: 2e-4; book: 5e-4]."""

    d_learning_rate: float = 1e-3
    """Learning rate of the discriminator [paper: 2e-4; book: 5e-4]."""

    beta_1: float = 0.0
    """Decay of the first moment, or momentum [paper: 0.5; book: 0.9]."""

    beta_2: float = 0.99
    """Decay of the second moment in adam [Keras's default: 0.999], rmsprop and
    adadelta."""

    cache_mb: float = 512.0
    """Memory for decoded images, in MB; if they need more, they are read from the cache
    on disk."""

    def validate(self) -> None:
        """Check the value of every field; see RunConfig.validate."""
        super().validate()
        check_gan_options(self, SIZES)
        require_positive(self, "g_units d_units cache_mb")
        require_range(self, "g_units d_units", 1, 2**16 + 1, "at most 65536")
        for name in ("real_label", "fake_label"):
            labels = getattr(self, name)
            fits = len(labels) in (1, 2) and all(0 <= label <= 1 for label in labels)
            require(self, name, fits, "one or two numbers from 0 to 1")


# No stabilising technique that the sources do not have.
_PUBLISHED = {
    "batch_size": 128,
    "r1_gamma": 0.0,
    "augment_shift": 0,
    "mirror": False,
    "average": 0.0,
    "epochs": 100,
}

PRESETS = {
    # The best result within minutes on two cores.
    "quick": Config(
        steps=20_000,
        max_minutes=3.75,
        batch_size=16,
        # Training steps as small as these are no faster in bfloat16 (README).
        precision="float32",
        update_mode="simultaneous",
        sample_every=500,
        checkpoint_every=500,
    ),
    # The book's listing without the defects that keep it from learning; the README's
    # table lists each of them.
    "book": Config(
        **_PUBLISHED,
        variant="book",
        initializer="glorot_uniform",
        real_label=(0.8, 1.0),
        fake_label=(0.0, 0.2),
        optimizer="sgd",
        g_learning_rate=5e-4,
        d_learning_rate=5e-4,
        beta_1=0.9,
    ),
    "paper": Config(
        **_PUBLISHED,
        filters=128,
        kernel=5,
        prior="uniform11",
        d_norm="batch",
        initializer="dcgan",
        g_learning_rate=2e-4,
        d_learning_rate=2e-4,
        beta_1=0.5,
        beta_2=0.999,
    ),
}
