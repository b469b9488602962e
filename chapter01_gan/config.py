"""Every option of chapter 1 with its default, meaning and source."""

from dataclasses import dataclass
from pathlib import Path
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

NAME = "chapter01_gan"
# Folder for pictures and tables that belong to no run.
PAGES = Path("runs") / NAME
IMAGE = (28, 28)
Norm = Literal["none", "batch", "instance"]
Extractor = Literal["local", "inceptionv3"]
# File formats of `generate`.
Format = Literal["png", "npy", "idx"]


@dataclass(frozen=True)
class Config(RunConfig):
    """Options of the first GAN. "paper" below is Goodfellow et al. 2014."""

    latent_dim: int = 100
    """Length of z [book]."""

    prior: Literal["uniform01", "uniform11", "normal"] = "normal"
    """Distribution of z [book: normal; paper: uniform]."""

    g_units: tuple[int, ...] = (500, 500)
    """Units of the generator's hidden layers [book; paper: 1200 1200]."""

    d_units: tuple[int, ...] = (500, 500)
    """Units of the discriminator's hidden layers [book; paper: 240 240]."""

    g_activation: Activation = "relu"
    """Activation of the generator's hidden layers [paper and book]. selu needs the
    initializer lecun_normal and no normalisation [Klambauer et al. 2017]."""

    d_activation: Literal[Activation, "maxout"] = "leaky_relu"
    """Activation of the discriminator's hidden layers. maxout: the largest of five
    linear units [paper]."""

    dropout: float = 0.0
    """Share of the discriminator's hidden units dropped in each step [paper: 0.5]."""

    initializer: Literal["he_normal", "glorot_uniform", "lecun_normal"] = "he_normal"
    """Initializer of the hidden layers' weights [book: Keras's default,
    glorot_uniform]."""

    loss: Literal[
        "non_saturating", "minimax", "least_squares", "hinge", "wasserstein"
    ] = "non_saturating"
    """Adversarial losses of D and G."""

    feature_matching: bool = False
    """Feature matching: G matches the mean of D's last hidden layer on real data
    instead of minimising its adversarial loss [Salimans et al. 2016, section 3.1]."""

    minibatch_kernels: int = 0
    """Minibatch discrimination: how many numbers tell D how close each item is to the
    others in the batch [Salimans et al. 2016, section 3.2]; 0 is off."""

    historical_averaging: float = 0.0
    """Weight of the penalty that pulls both networks towards the mean of all their
    past weights [Salimans et al. 2016, section 3.3]; 0 is off."""

    real_label: tuple[float, ...] = (1.0,)
    """Label of real data for D: one number, or two between which each item's label is
    drawn. Below 1, such as 0.9, it is one-sided label smoothing [Salimans et al.
    2016, section 3.4]."""

    g_norm: Norm = "none"
    """Normalisation in the generator."""

    d_norm: Norm = "none"
    """Normalisation in the discriminator, from its second layer on."""

    spectral_norm: bool = False
    """Spectral normalisation: divide each of D's weight matrices by its largest
    singular value [Miyato et al. 2018]."""

    instance_noise: float = 0.0
    """Standard deviation, at the first step, of the noise that is added to all images
    that D sees, whose values are from -1 to 1 [Sønderby et al. 2017]; 0 is off."""

    instance_noise_steps: int = 10_000
    """Steps until the instance noise has faded to 0."""

    r1_gamma: float = 0.0
    """Weight of the R1 penalty on D [Mescheder et al. 2018]; 0 is off."""

    r1_every: int = 1
    """Steps from one R1 penalty to the next; its weight is multiplied by this."""

    average: float = 0.0
    """Decay of the moving average of G's weights, which makes all output; 0 is off."""

    optimizer: OptimizerName = "adam"
    """Optimizer of both networks. sgd [paper] and rmsprop use beta_1 as momentum."""

    d_optimizer: OptimizerName | None = None
    """Optimizer of the discriminator; by default the generator's."""

    g_learning_rate: float = 2e-4
    """Learning rate of the generator [Radford et al. 2016; paper: 0.1]."""

    d_learning_rate: float = 2e-4
    """Learning rate of the discriminator [Radford et al. 2016; paper: 0.1]."""

    beta_1: float = 0.5
    """Decay of the first moment, or momentum [Radford et al. 2016]."""

    beta_2: float = 0.999
    """Decay of the second moment in adam [Keras's default], rmsprop and adadelta."""

    def validate(self) -> None:
        """Check the value of every field; see RunConfig.validate."""
        super().validate()
        check_gan_options(self)
        require_positive(self, "instance_noise_steps")
        for name in ("g_units", "d_units"):
            sizes = getattr(self, name)
            fits = bool(sizes) and all(0 < size <= 2**16 for size in sizes)
            require(self, name, fits, "one number or more, each from 1 to 65536")
        labels = self.real_label
        fits = len(labels) in (1, 2) and all(0 < label <= 1 for label in labels)
        require(self, "real_label", fits, "one or two numbers above 0, at most 1")
        weights = "historical_averaging instance_noise"
        require_range(self, weights, 0, 1e6, "0 or above, finite")
        require_range(self, "minibatch_kernels", 0, 1025, "from 0 to 1024")
        if self.loss == "wasserstein" and not (self.spectral_norm or self.r1_gamma):
            # Weight clipping, the original remedy, is not implemented: see the README.
            require(self, "loss", False, "used with --spectral-norm or --r1-gamma")


PRESETS = {
    # The best result within minutes on two cores.
    "quick": Config(
        steps=20_000,
        max_minutes=2.75,
        batch_size=64,
        g_norm="batch",
        r1_gamma=2.0,
        r1_every=4,
        average=0.998,
        g_learning_rate=1e-3,
        d_learning_rate=1e-3,
        beta_1=0.0,
        beta_2=0.99,
        sample_every=500,
        checkpoint_every=1000,
    ),
    # The book gives only the networks; the rest of the recipe is DCGAN's.
    "book": Config(epochs=100, batch_size=128, initializer="glorot_uniform"),
    # Deviation: tanh instead of sigmoid; constant momentum and learning rate.
    "paper": Config(
        epochs=100,
        batch_size=100,
        prior="uniform11",
        g_units=(1200, 1200),
        d_units=(240, 240),
        d_activation="maxout",
        dropout=0.5,
        optimizer="sgd",
        g_learning_rate=0.1,
        d_learning_rate=0.1,
        initializer="glorot_uniform",
    ),
}
