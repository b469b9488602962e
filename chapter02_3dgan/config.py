"""Every number of chapter 2, with its meaning and source."""

from dataclasses import dataclass
from typing import Literal

from common.config import (
    Activation,
    OptimizerName,
    RunConfig,
    check_gan_options,
    require,
    require_positive,
)

NAME = "chapter02_3dgan"
SIZES = (32, 64, 128)
# What `generate` writes.
Format = Literal["png", "gif", "mat", "binvox", "stl", "obj", "glb", "npy", "html"]


@dataclass(frozen=True)
class Config(RunConfig):
    """Options of the 3D-GAN. "paper" below is Wu et al. 2016, arXiv:1610.07584."""

    classes: tuple[str, ...] = ("chair",)
    """Classes to learn, by the names of their folders."""

    azimuths: Literal["first", "all"] = "first"
    """Views of each object: the first, or all twelve."""

    size: Literal[32, 64, 128] = 32
    """Edge of the volume in voxels [paper: 64]."""

    width: float = 0.25
    """Multiplier of the number of filters [paper: 1]."""

    convolutions: int = 1
    """Convolutions at each resolution of both networks: the strided one that leads
    to it [paper], and further ones of 3 x 3 x 3 that keep it."""

    latent_dim: int = 200
    """Length of z [paper, section 3.1]."""

    prior: Literal["uniform01", "uniform11", "normal"] = "normal"
    """Distribution of z [paper: uniform01; book: normal]."""

    prior_std: float = 1.0
    """Standard deviation of the normal prior [book: 0.33]."""

    g_activation: Activation = "relu"
    """Of the generator's hidden layers [paper]."""

    d_activation: Activation = "leaky_relu"
    """Of the discriminator's hidden layers [paper]. selu needs the initializer
    lecun_normal and no normalisation [Klambauer et al. 2017]."""

    d_norm: Literal["none", "batch", "layer"] = "none"
    """Normalisation in the discriminator, from its second layer on."""

    bias: bool = True
    """Biases in convolutions without normalisation after them [paper: none]."""

    bias_from_data: bool = True
    """Begin the output's bias at logit(mean occupancy), so that the first samples
    are as empty as the data and not half full."""

    initializer: Literal["he_normal", "glorot_uniform", "lecun_normal"] = "he_normal"
    """Of the hidden layers' weights [book: Keras's default, glorot_uniform]."""

    loss: Literal[
        "non_saturating", "minimax", "least_squares", "hinge", "wasserstein"
    ] = "non_saturating"
    """The adversarial game."""

    real_label: float = 1.0
    """Label of real data for D; below 1 it is one-sided label smoothing."""

    r1_gamma: float = 0.25
    """Weight of the R1 penalty on D [Mescheder et al. 2018]; 0 is off."""

    r1_every: int = 4
    """Steps between two R1 penalties, each that many times as heavy."""

    augment_shift: int = 2
    """D sees every shape, real or generated, moved by up to so many voxels along
    each axis [Zhao et al. 2020]; 0 is off."""

    augment_mirror: bool = True
    """D sees every second shape, real or generated, with left and right swapped."""

    gradient_penalty: float = 0.0
    """Weight of WGAN-GP's penalty [Gulrajani et al. 2017: 10]; 0 is off."""

    optimizer: OptimizerName = "adam"
    """Of both networks [paper: adam]. sgd and rmsprop have momentum beta_1."""

    d_optimizer: OptimizerName | None = None
    """Of the discriminator, where it is another one."""

    g_learning_rate: float = 1e-3
    """Step of the generator [paper: 0.0025]."""

    d_learning_rate: float = 1e-3
    """Step of the discriminator [paper: 1e-5]."""

    beta_1: float = 0.0
    """Decay of the first moment, or momentum [paper: 0.5]."""

    beta_2: float = 0.99
    """Decay of the second moment: of adam [Keras's default: 0.999], rmsprop,
    adadelta."""

    gate_accuracy: float | None = None
    """Update D only where its accuracy on the batch is at most this [paper: 0.8]."""

    average: float = 0.998
    """Decay of the moving average of G's weights that makes all output; 0 is off."""

    def validate(self) -> None:
        """Check every field's value; see RunConfig.validate."""
        super().validate()
        check_gan_options(self, SIZES)
        require_positive(self, "width prior_std")
        require(self, "gradient_penalty", self.gradient_penalty >= 0, "0 or above")
        require(self, "real_label", 0 < self.real_label <= 1, "above 0, at most 1")
        gate = self.gate_accuracy
        require(
            self, "gate_accuracy", gate is None or 0 < gate <= 1, "above 0, at most 1"
        )
        if self.loss == "wasserstein" and not self.gradient_penalty:
            require(self, "gradient_penalty", False, "above 0 with --loss wasserstein")


# What the paper and the book agree on.
_PUBLISHED = {
    "size": 64,
    "width": 1.0,
    "d_norm": "batch",
    "bias": False,
    "initializer": "glorot_uniform",
    "r1_gamma": 0.0,
    "augment_shift": 0,
    "augment_mirror": False,
    "g_learning_rate": 0.0025,
    "beta_1": 0.5,
    "beta_2": 0.999,
    "average": 0.0,
}

PRESETS = {
    # Two cores, minutes: what works best.
    "quick": Config(steps=7000, max_minutes=9.75, update_mode="simultaneous"),
    # Deviation: the book's listing, with what makes it unable to learn mended; the
    # README's table names each line.
    "book": Config(
        **_PUBLISHED,
        batch_size=32,
        epochs=10,
        prior="normal",
        prior_std=0.33,
        d_learning_rate=1e-5,
    ),
    "paper": Config(
        **_PUBLISHED,
        batch_size=100,
        epochs=1000,
        prior="uniform01",
        d_learning_rate=1e-5,
        gate_accuracy=0.8,
        bias_from_data=False,
    ),
}
