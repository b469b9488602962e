"""Every option of the 3D-VAE-GAN with its default, meaning and source."""

from dataclasses import dataclass
from typing import Literal

from chapter02_3dgan import config as chapter02
from common.config import require, require_positive, require_range

NAME = "study_3dvaegan"
# Edge of a photo in pixels.
IMAGE_SIZES = (64, 128, 256)
# What `generate` writes, and `reconstruct`, which can also write a page with sliders.
Format = chapter02.Format
PhotoFormat = Literal[Format, "page"]


@dataclass(frozen=True)
class Config(chapter02.Config):
    """Options of the 3D-VAE-GAN: those of the 3D-GAN, and those of its encoder.

    "paper" below is Wu et al. 2016, arXiv:1610.07584. The generator and the
    discriminator are chapter 2's; their optimizer options do not apply to the encoder,
    which has Adam. Without the adversarial loss there is no D, and D's options have no
    effect. `views` and `azimuths` matter only if the data set has shapes but no photos.
    """

    views: int = 24
    """Photos that are rendered of each shape, if the data set has shapes only: from
    1 to 72, of 24 azimuths x 3 elevations [paper, supplement: 72]."""

    image_size: Literal[64, 128, 256] = 64
    """Edge of the encoder's photos in pixels [paper: 256]."""

    encoder_width: float = 0.25
    """Multiplier of the encoder's number of filters [paper: 1]."""

    encoder_hidden: int = 0
    """Units of a layer between the convolutions and the latent's Gaussian; 0 is no
    such layer [paper]."""

    e_learning_rate: float = 1e-3
    """Learning rate of the encoder's Adam [the paper gives none]."""

    decay_steps: int | None = None
    """Steps over which the learning rates of encoder and generator fall to 0 along a
    cosine; by default they are constant."""

    game_items: int | None = None
    """Number of shapes in each batch that D sees, and as many generated ones, a
    divisor of the batch size; by default all."""

    augment_photos: bool = True
    """Whether photos are changed at random before the encoder sees them: place, size,
    colours, light, noise and covered parts, and mirrored together with their shapes
    [paper: no]."""

    kl_weight: float = 5.0
    """Weight of the Kullback-Leibler divergence between the encoder's Gaussian and
    N(0, 1), summed over the latent [paper, alpha_1: 5]."""

    reconstruction: Literal["squared", "norm", "cross_entropy"] = "squared"
    """Difference between G(E(y)) and the shape x of photo y, for each shape. squared:
    the sum of the squared differences of all voxels [what most code does]. norm: its
    square root [the paper's formula]. cross_entropy: the sum over all voxels."""

    reconstruction_weight: float = 1e-4
    """Weight of the reconstruction [paper, alpha_2: 1e-4, which suits a sum over 64^3
    voxels: a mean would be 262,144 times smaller]."""

    adversarial_weight: float = 1.0
    """Weight of the adversarial loss in G's phase [paper: 1]; 0 turns the game off, and
    D is not trained."""

    vae_fakes: bool = False
    """Whether D sees reconstructions G(E(y)) as generated shapes, too, and G is trained
    to deceive D with them [Larsen et al. 2016]; the paper's D never sees them."""

    def validate(self) -> None:
        """Check the value of every field; see RunConfig.validate."""
        super().validate()
        require(self, "image_size", self.image_size in IMAGE_SIZES, "64, 128 or 256")
        require(self, "views", 1 <= self.views <= 72, "from 1 to 72")
        require_positive(self, "encoder_width e_learning_rate game_items decay_steps")
        require_range(self, "encoder_hidden", 0, 8193, "from 0 to 8192")
        whole = self.game_items is None or self.batch_size % self.game_items == 0
        divisor = f"a divisor of --batch-size {self.batch_size}"
        require(self, "game_items", whole, divisor)
        for name in ("kl_weight", "reconstruction_weight", "adversarial_weight"):
            require_range(self, name, 0, 1e6, "0 or above, finite")
        # The divergence is from N(0, 1), so that is where new latents come from.
        require(self, "prior", self.prior == "normal", "normal")
        require(self, "prior_std", self.prior_std == 1, "1")
        if self.vae_fakes and not self.adversarial_weight:
            require(self, "adversarial_weight", False, "above 0 with --vae-fakes")


PRESETS = {
    # The best result within minutes on two cores.
    "quick": Config(
        steps=3_500,
        max_minutes=11.25,
        decay_steps=3_500,
        encoder_hidden=512,
        e_learning_rate=5e-4,
        adversarial_weight=0.3,
        game_items=8,
        update_mode="simultaneous",
        validation_every=10,
        kl_weight=0.001,
        reconstruction="cross_entropy",
        reconstruction_weight=0.01,
    ),
    "paper": Config(
        size=64,
        width=1.0,
        d_norm="batch",
        bias=False,
        bias_from_data=False,
        initializer="glorot_uniform",
        r1_gamma=0.0,
        augment_shift=0,
        augment_mirror=False,
        augment_photos=False,
        average=0.0,
        image_size=256,
        encoder_width=1.0,
        views=72,
        batch_size=100,
        epochs=1000,
        beta_1=0.5,
        beta_2=0.999,
        g_learning_rate=0.0025,
        d_learning_rate=1e-5,
        e_learning_rate=1e-4,
        gate_accuracy=0.8,
    ),
}
