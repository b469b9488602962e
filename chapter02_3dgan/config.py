"""Every option of chapter 2 with its default, meaning and source."""

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
# Class of the stand-in, and of a data set of several classes, if none is chosen.
DEFAULT_CLASS = "chair"
# File formats of `generate`.
Format = Literal["png", "gif", "mat", "binvox", "stl", "obj", "glb", "npy", "html"]


@dataclass(frozen=True)
class Config(RunConfig):
    """Options of the 3D-GAN. "paper" below is Wu et al. 2016, arXiv:1610.07584."""

    classes: tuple[str, ...] = ()
    """Names of the classes to learn; each class has a folder of that name. By default
    the only class of the data set, or chair if there are several."""

    azimuths: Literal["first", "all"] = "first"
    """Views of each object: the first, or all twelve."""

    size: Literal[32, 64, 128] = 32
    """Edge of the volume in voxels [paper: 64]."""

    width: float = 0.25
    """Multiplier of the number of filters [paper: 1]."""

    convolutions: int = 1
    """Convolutions at each resolution of both networks: the strided one that leads
    to it [paper] and further ones of 3 x 3 x 3 that keep it."""

    latent_dim: int = 200
    """Length of z [paper, section 3.1]."""

    prior: Literal["uniform01", "uniform11", "normal"] = "normal"
    """Distribution of z [paper: uniform01; book: normal]."""

    prior_std: float = 1.0
    """Standard deviation of the normal prior [book: 0.33]."""

    g_activation: Activation = "relu"
    """Activation of the generator's hidden layers [paper]."""

    d_activation: Activation = "leaky_relu"
    """Activation of the discriminator's hidden layers [paper]. selu needs the
    initializer lecun_normal and no normalisation [Klambauer et al. 2017]."""

    d_norm: Literal["none", "batch", "layer"] = "none"
    """Normalisation in the discriminator, from its second layer on."""

    bias: bool = True
    """Whether convolutions without normalisation after them have biases [paper: no]."""

    bias_from_data: bool = True
    """Whether the output's bias starts at logit(mean occupancy), so that the first
    samples are as empty as the data instead of half full."""

    initializer: Literal["he_normal", "glorot_uniform", "lecun_normal"] = "he_normal"
    """Initializer of the hidden layers' weights [book: Keras's default,
    glorot_uniform]."""

    loss: Literal[
        "non_saturating", "minimax", "least_squares", "hinge", "wasserstein"
    ] = "non_saturating"
    """Adversarial losses of D and G."""

    real_label: float = 1.0
    """Label of real data for D; below 1 it is one-sided label smoothing."""

    r1_gamma: float = 0.25
    """Weight of the R1 penalty on D [Mescheder et al. 2018]; 0 is off."""

    r1_every: int = 4
    """Steps from one R1 penalty to the next; its weight is multiplied by this."""

    augment_shift: int = 2
    """Largest random shift, in voxels along each axis, of every shape that D sees,
    real or generated [Zhao et al. 2020]; 0 is off."""

    augment_mirror: bool = True
    """Whether every shape that D sees, real or generated, is mirrored with probability
    1/2."""

    gradient_penalty: float = 0.0
    """Weight of WGAN-GP's gradient penalty on D [Gulrajani et al. 2017: 10]; 0 is
    off."""

    optimizer: OptimizerName = "adam"
    """Optimizer of both networks [paper: adam]. sgd and rmsprop use beta_1 as
    momentum."""

    d_optimizer: OptimizerName | None = None
    """Optimizer of the discriminator; by default the generator's."""

    g_learning_rate: float = 1e-3
    """Learning rate of the generator [paper: 0.0025]."""

    d_learning_rate: float = 1e-3
    """Learning rate of the discriminator [paper: 1e-5]."""

    beta_1: float = 0.0
    """Decay of the first moment, or momentum [paper: 0.5]."""

    beta_2: float = 0.99
    """Decay of the second moment in adam [Keras's default: 0.999], rmsprop and
    adadelta."""

    gate_accuracy: float | None = None
    """Highest accuracy on the batch at which D is still updated [paper: 0.8]; by
    default D is always updated."""

    average: float = 0.998
    """Decay of the moving average of G's weights, which makes all output; 0 is off."""

    def validate(self) -> None:
        """Check the value of every field; see RunConfig.validate."""
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


# The options on which paper and book agree.
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
    # The best result within minutes on two cores.
    "quick": Config(steps=7000, max_minutes=9.75, update_mode="simultaneous"),
    # The book's listing without the defects that keep it from learning; the README's
    # table lists each of them.
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
