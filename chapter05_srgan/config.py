"""Every option of chapter 5 with its default, meaning and source."""

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

NAME = "chapter05_srgan"
SCALES = (2, 4)
Stage = Literal["all", "srresnet", "srgan"]
Trained = Literal["srgan", "srresnet"]
# Options of the second stage; a new value restarts this stage, but not the first.
SRGAN_FIELDS = (
    "content",
    "vgg_weights",
    "srgan_steps",
    "srgan_learning_rate",
    "content_weight",
    "pixel_weight",
    "adversarial_weight",
    "loss",
    "r1_gamma",
    "r1_every",
)


@dataclass(frozen=True)
class Config(RunConfig):
    """Options of the SRGAN. "paper" is Ledig et al. 2017, arXiv:1609.04802."""

    LATER_STAGES: ClassVar[tuple[str, ...]] = ("stage", *SRGAN_FIELDS)
    RENAMED: ClassVar[dict[str, str]] = {"phase": "stage"}

    variant: Literal["light", "srgan", "book"] = "light"
    """Networks. light: residual blocks without normalisation, whose result is added to
    a bilinear enlargement. srgan: the paper's. book: the book's."""

    scale: Literal[2, 4] = 4
    """Factor by which each side is enlarged [paper and book: 4]."""

    crop: int = 96
    """Edge of the high-resolution training crops in pixels [paper: 96]."""

    stage: Stage = "all"
    """Stage to train. srresnet: the generator on pixels alone. srgan: after that,
    against a discriminator."""

    filters: int = 32
    """Filters of the residual blocks, and of D's first layer. Only for variant
    light [paper: 64]."""

    blocks: int = 6
    """Number of residual blocks [paper and book: 16]."""

    pixels: Literal["l1", "mse"] = "l1"
    """Pixel loss: mean absolute (l1) or mean squared (mse) difference [paper: mse]."""

    learning_rate: float = 2e-3
    """Initial learning rate of the first stage, which falls to 0 [paper: 1e-4,
    constant]."""

    decay: bool = True
    """Whether the learning rates of both stages fall to 0 along a cosine."""

    content: Literal["discriminator", "vgg22", "vgg54", "pixels"] = "discriminator"
    """Content loss of the second stage: on D's features, on VGG19's features after an
    early (vgg22) or a late (vgg54) convolution [paper: vgg54], or on pixels."""

    vgg_weights: Path | None = None
    """File with VGG19's weights; by default Keras's cache is searched."""

    srgan_steps: int = 2000
    """Training steps of the second stage [paper: 200,000]."""

    srgan_learning_rate: float = 2e-4
    """Initial learning rate of both networks in the second stage [paper: 1e-4]."""

    content_weight: float = 1.0
    """Weight of the content loss in the second stage [paper: 1]."""

    pixel_weight: float = 1.0
    """Weight of the pixel loss in the second stage [paper: 0]."""

    adversarial_weight: float = 1e-3
    """Weight of the adversarial loss in the second stage [paper: 1e-3]."""

    loss: Literal["non_saturating", "least_squares"] = "non_saturating"
    """Adversarial losses of D and G [paper: non_saturating]."""

    r1_gamma: float = 0.5
    """Weight of the R1 penalty on D [Mescheder et al. 2018]; 0 is off."""

    r1_every: int = 4
    """Steps from one R1 penalty to the next; its weight is multiplied by this."""

    average: float = 0.999
    """Decay of the moving average of G's weights, which makes all output; 0 is off."""

    def validate(self) -> None:
        """Check the value of every field; see RunConfig.validate."""
        super().validate()
        check_gan_options(self)
        require_positive(
            self, "crop blocks learning_rate srgan_steps srgan_learning_rate"
        )
        require(self, "scale", self.scale in SCALES, f"one of {SCALES}")
        require(self, "crop", self.crop % 16 == 0, "a multiple of 16")
        require_range(self, "crop blocks", 1, 1025, "at most 1024")
        weights = "content_weight pixel_weight adversarial_weight"
        require_range(self, weights, 0, 1e6, "0 or above, finite")


_PUBLISHED = {
    "blocks": 16,
    "pixels": "mse",
    "decay": False,
    "content": "vgg54",
    "pixel_weight": 0.0,
    "learning_rate": 1e-4,
    "srgan_learning_rate": 1e-4,
    "r1_gamma": 0.0,
    "average": 0.0,
}

PRESETS = {
    # The best result within minutes on two cores.
    "quick": Config(
        batch_size=16,
        steps=6000,
        max_minutes=7,
        precision="float32",
        update_mode="simultaneous",
        srgan_steps=1200,
        sample_every=500,
        checkpoint_every=500,
    ),
    # The book's listing without the defects that keep it from learning; the README's
    # table lists each of them.
    "book": Config(
        **_PUBLISHED | {"learning_rate": 2e-4, "srgan_learning_rate": 2e-4},
        variant="book",
        crop=256,
        batch_size=1,
        steps=30_000,
        srgan_steps=30_000,
    ),
    "paper": Config(
        **_PUBLISHED,
        variant="srgan",
        batch_size=16,
        steps=1_000_000,
        srgan_steps=200_000,
    ),
}
