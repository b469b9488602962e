"""Every option of the smallNORB study with its default, meaning and source."""

from dataclasses import dataclass
from typing import Literal

from common.config import (
    OptimizerName,
    RunConfig,
    check_gan_options,
    require,
    require_positive,
    require_range,
)

NAME = "study_norb"
SIZES = (48, 96)
# The categories of smallNORB, by their numbers in its files.
CLASSES = ("animal", "human", "airplane", "truck", "car")
LIGHTINGS = 6
# Networks whose features the scores compare.
Extractor = Literal["local", "inceptionv3"]
# File formats of `generate`.
Format = Literal["png", "npy"]
# Kinds of walks between latents.
Walk = Literal["spherical", "linear"]
Cameras = Literal["left", "both", "stereo"]


@dataclass(frozen=True)
class Config(RunConfig):
    """Options of the three models.

    "seed" below is H. Somaiya's article and code on smallNORB (2020), "AEGAN" Lazarou
    2020, arXiv:2004.05472, "CapsNet" Sabour et al. 2017, arXiv:1710.09829.
    """

    model: Literal["dcgan", "capsgan", "aegan"] = "dcgan"
    """Model. dcgan: convolutions only. capsgan: a discriminator of capsules with
    dynamic routing. aegan: a GAN of images and one of latents, joined by an encoder."""

    variant: Literal["light", "published"] = "light"
    """Networks. light: small ones that learn within minutes. published: those of the
    seed, for comparison."""

    size: Literal[48, 96] = 48
    """Edge of the images in pixels [seed: 96]."""

    cameras: Cameras = "left"
    """Cameras. left: the left one only [seed]. both: the images of both, as further
    items. stereo: pairs, the images of both cameras as two channels."""

    classes: tuple[str, ...] = ()
    """Names of the classes to use; by default all. A single one is what the seed
    trains on."""

    labels: Literal["none", "class", "pose"] = "none"
    """What images are generated for. none: nothing [seed]. class: a class. pose: class,
    azimuth, elevation and lighting."""

    condition: Literal["projection", "auxiliary"] = "projection"
    """How the discriminator of dcgan uses the labels. projection: it compares image
    and label by an inner product [Miyato and Koyama 2018]. auxiliary: it guesses the
    label, and the generator is trained to make the guess right [Odena et al. 2017].
    Capsules always guess."""

    wrong_azimuth: bool = True
    """Whether a projection discriminator also sees real images with another azimuth
    than their own, as generated ones [Reed et al. 2016, section 4.2]. Only for labels
    pose."""

    auxiliary_weight: float = 1.0
    """Weight of the loss of the guessed labels."""

    filters: int = 16
    """Filters of the layers next to the image; each halving of the image doubles
    them. Only for variant light."""

    d_filters: int | None = None
    """The same for the discriminator and the encoder; by default as many."""

    latent_dim: int = 100
    """Length of z [seed]."""

    prior: Literal["normal"] = "normal"
    """Distribution of z [seed]."""

    capsule_types: int = 8
    """Kinds of primary capsules at each place of the last feature map, each of 8
    numbers [CapsNet: 32]. Only for capsgan."""

    capsule_size: int = 16
    """Length of the vector of an output capsule [CapsNet]. Only for capsgan."""

    routings: int = 3
    """Iterations of the routing by agreement [CapsNet]; 1 is no routing. Only for
    capsgan."""

    terms: Literal["aegan", "gan", "ae", "aae", "egan"] = "aegan"
    """Terms of AEGAN's losses. aegan: all. gan: generated images against D_x. ae:
    images are reconstructed. aae: that, and latents of images against D_z. egan: gan,
    and latents are reconstructed. Only for aegan."""

    image_weight: float = 10.0
    """Weight of the mean absolute error of reconstructed images [AEGAN]."""

    latent_weight: float = 5.0
    """Weight of the mean squared error of reconstructed latents [AEGAN]."""

    loss: Literal["non_saturating", "least_squares"] = "non_saturating"
    """Adversarial losses of dcgan and aegan; capsgan has the margin loss [CapsNet]."""

    real_label: float = 1.0
    """Label of real data for D [seed's CapsGAN: 0.9; AEGAN: 0.95]. Not for the light
    capsgan, whose margins do the same."""

    fake_label: float = 0.0
    """Label of generated data for D [AEGAN: 0.05]. Not for the light capsgan."""

    r1_gamma: float = 3.0
    """Weight of the R1 penalty on D [Mescheder et al. 2018]; 0 is off."""

    r1_every: int = 4
    """Steps from one R1 penalty to the next; its weight is multiplied by this."""

    augment_shift: int = 2
    """Largest random shift, in pixels along both axes, of every image that D sees,
    real or generated, except in the R1 penalty [Zhao et al. 2020]; 0 is off."""

    average: float = 0.998
    """Decay of the moving average of the weights, which makes all output; 0 is off."""

    optimizer: OptimizerName = "adam"
    """Optimizer of all networks. sgd and rmsprop use beta_1 as momentum."""

    d_optimizer: OptimizerName | None = None
    """Optimizer of the discriminators; by default the generator's."""

    g_learning_rate: float = 1e-3
    """Learning rate of the generator, and of the encoder [seed, AEGAN: 2e-4]."""

    d_learning_rate: float = 1e-3
    """Learning rate of the discriminators [seed: 2e-4; AEGAN: 5e-4]."""

    clipnorm: float | None = None
    """Largest norm of the gradient of one weight tensor [AEGAN: 1]; by default
    unlimited."""

    beta_1: float = 0.0
    """Decay of the first moment, or momentum [seed, AEGAN: 0.5]."""

    beta_2: float = 0.99
    """Decay of the second moment in adam [Keras's default: 0.999], rmsprop and
    adadelta."""

    cache_mb: float = 512.0
    """Memory for the images, in MB; if they need more, they are read from the disk."""

    def validate(self) -> None:
        """Check the value of every field; see RunConfig.validate."""
        super().validate()
        check_gan_options(self, SIZES)
        require_positive(self, "d_filters capsule_types capsule_size routings clipnorm")
        require_range(self, "d_filters", 1, 1025, "at most 1024")
        require_range(self, "capsule_types capsule_size", 1, 257, "at most 256")
        require_range(self, "routings", 1, 11, "at most 10")
        require_range(self, "real_label fake_label", 0, 1.0000001, "from 0 to 1")
        weights = "auxiliary_weight image_weight latent_weight"
        require_range(self, weights, 0, 1e6, "0 or above, finite")
        require(
            self, "classes", len(set(self.classes)) == len(self.classes), "distinct"
        )
        conditional = self.labels != "none"
        if self.model == "aegan" or self.variant == "published":
            which = f"with --model {self.model} --variant {self.variant}"
            require(self, "labels", not conditional, f"none {which}")
        if self.cameras == "both":
            # The other image of a pair would be trained on.
            alone = self.validation_every is None
            require(self, "validation_every", alone, "unset with --cameras both")
        if self.labels == "class":
            require(self, "classes", len(self.classes) != 1, "at least two with labels")

    @property
    def channels(self) -> int:
        """Channels of an image: one for each camera."""
        return 2 if self.cameras == "stereo" else 1

    @property
    def class_count(self) -> int:
        """Number of classes: of `classes`, or of smallNORB."""
        return len(self.classes or CLASSES)


# What the seed trains with, without a stabilising technique.
_SEED = {
    "variant": "published",
    "size": 96,
    "batch_size": 8,
    "epochs": 100,
    "r1_gamma": 0.0,
    "augment_shift": 0,
    "average": 0.0,
    "g_learning_rate": 2e-4,
    "d_learning_rate": 2e-4,
    "beta_1": 0.5,
    "beta_2": 0.999,
}

PRESETS = {
    # The best result within minutes on two cores, for each model.
    "quick": Config(
        steps=20_000,
        max_minutes=7.5,
        batch_size=16,
        precision="float32",
        update_mode="simultaneous",
        sample_every=500,
        checkpoint_every=500,
    ),
    # The seed's DCGAN, CapsGAN and AEGAN.
    "paper": Config(**_SEED),
    "paper_capsgan": Config(
        **_SEED
        | {"model": "capsgan", "batch_size": 32, "epochs": 20, "real_label": 0.9}
    ),
    # Lazarou's numbers, with the seed's epochs.
    "paper_aegan": Config(
        **_SEED
        | {
            "model": "aegan",
            "batch_size": 32,
            "epochs": 150,
            "real_label": 0.95,
            "fake_label": 0.05,
            "d_learning_rate": 5e-4,
            "clipnorm": 1.0,
        }
    ),
}
