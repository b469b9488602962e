"""Every option of the Visual Object Networks with its default, meaning and source."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from chapter02_3dgan import config as chapter02
from common.config import require, require_positive, require_range

NAME = "study_von"
# Edges of photos and images in pixels.
IMAGE_SIZES = (32, 64, 128)
Stage = Literal["all", "shape", "texture", "joint"]
Texture = Literal["published", "field"]
Extractor = Literal["local", "inceptionv3"]
# What `generate` writes: images, one array, or surfaces with a colour for each vertex.
Format = Literal["png", "npy", "glb", "ply"]
# Options that the stage texture uses. A new value restarts this stage and the joint
# one, but not the stage shape.
TEXTURE_FIELDS = (
    "photos",
    "viewpoints",
    "image_size",
    "views",
    "projection_pixels",
    "rays",
    "texture",
    "texture_shapes",
    "texture_width",
    "texture_kernels",
    "texture_blocks",
    "texture_latent_dim",
    "texture_steps",
    "texture_batch_size",
    "texture_learning_rate",
    "texture_beta_1",
    "texture_beta_2",
    "texture_loss",
    "texture_r1_gamma",
    "texture_decay",
    "sketch_cycle_weight",
    "image_cycle_weight",
    "latent_cycle_weight",
    "kl_weight",
    "mask_weight",
    "hue_jitter",
    "photo_shift",
    "samples_per_voxel",
    "sharpness",
    "component",
)
# Options that the joint stage uses besides.
JOINT_FIELDS = (
    *TEXTURE_FIELDS,
    "joint_steps",
    "joint_batch_size",
    "joint_shape_weight",
    "joint_learning_rate",
    "joint_shape_learning_rate",
)


# Defaults of options that each kind of texture network has of its own.
TEXTURE_DEFAULTS = {
    "published": {
        "texture_width": 12,
        "texture_steps": 2200,
        "texture_r1_gamma": 1.0,
    },
    "field": {
        "texture_width": 16,
        "texture_steps": 4500,
        "texture_r1_gamma": 3.0,
    },
}


@dataclass(frozen=True)
class Config(chapter02.Config):
    """Options of the Visual Object Networks: those of the 3D-GAN, and the others'.

    "paper" below is Zhu et al. 2018, arXiv:1812.02725; "code" is the code that its
    authors have published, where the paper gives no value. The options of chapter 2
    apply to the stage shape, and those of its game, but for gate_accuracy, to the joint
    stage, too.
    """

    LATER_STAGES: ClassVar[tuple[str, ...]] = ("stage", *JOINT_FIELDS)

    stage: Stage = "all"
    """Stage to train; texture builds on shape, and joint on both."""

    representation: Literal["voxels", "distance"] = "voxels"
    """What a volume holds: the occupancy of voxels, or exp(-8 d) with d the distance to
    the surface [paper: both]."""

    photos: Path | None = None
    """Folder of photos of objects, with transparent surroundings or with mask files;
    by default the stand-in. They need not show the objects of --data."""

    viewpoints: Path | None = None
    """Pool of viewpoints, a .npz or .csv file of azimuths and elevations in degrees; by
    default one for the class, drawn from a formula."""

    image_size: Literal[32, 64, 128] = 64
    """Edge of photos, sketches and images in pixels [paper: 128]."""

    views: int = 3
    """Sketches of each training shape that are made before the stage texture; 0 makes
    them at each step, from 72 viewpoints of each shape [code: from new ones]."""

    projection_pixels: int | None = None
    """Edge of the image in which an object's square is found; by default --image-size
    [code]."""

    rays: int = 2
    """Rays along each axis of a pixel of a sketch, whose mean it is. They are cast anew
    through the object's square [the code enlarges the projection itself]."""

    samples_per_voxel: float = 1.5
    """Samples along each ray, for each voxel of the volume's edge [code: 2.5]."""

    sharpness: float = 8.0
    """Steepness of the change from empty to full along a ray, which makes outlines less
    fat; 1 is off [code]. Distance fields are not sharpened."""

    component: Literal["largest", "all"] = "all"
    """What a sketch keeps: the largest connected part of the silhouette [code], or all
    parts, thin legs among them."""

    texture: Texture = "published"
    """Texture network. published: convolutions of the sketch [paper]. field: a colour
    for each point of the surface, times light (a deviation, see the README)."""

    texture_shapes: Literal["real", "generated"] = "real"
    """Whose sketches the stage texture learns from: those of the training shapes, or of
    samples of the stage shape [code offers both]."""

    texture_width: int | None = None
    """Filters of the texture networks' first convolutions; by default 12, and 16 for
    field [paper: 64]."""

    texture_kernels: Literal["published", "small"] = "small"
    """Kernels of the texture networks. published: 7 x 7 at the ends and 5 x 5 where
    the size doubles. small: 3 x 3 in their place."""

    texture_blocks: int = 1
    """Residual blocks before and after the latent joins, in both translators between
    sketches and images [code: 3]. Only for --texture published."""

    texture_latent_dim: int = 8
    """Length of the texture's latent [paper: 8]."""

    texture_steps: int | None = None
    """Training steps of the stage texture; by default 2,200, and 4,500 for field, whose
    steps are shorter."""

    texture_batch_size: int = 8
    """Photos, and as many sketches, in a batch of the stage texture [code: 12]."""

    texture_learning_rate: float = 1e-3
    """Learning rate of all networks of the stage texture [code: 2e-4]."""

    texture_beta_1: float = 0.0
    """Adam's decay of the first moment in the stages texture and joint [code: 0.5]."""

    texture_beta_2: float = 0.99
    """Adam's decay of the second moment in the stages texture and joint [code:
    0.999]."""

    texture_loss: Literal["least_squares", "non_saturating"] = "non_saturating"
    """Adversarial losses of images and sketches [paper: least_squares]."""

    texture_r1_gamma: float | None = None
    """Weight of the R1 penalty on the discriminator of images, every r1_every steps;
    by default 1, and 3 for field [paper: 0, which is off]."""

    texture_decay: bool = True
    """Whether the learning rates of the stage texture fall to 0 along a line over its
    second half [code]."""

    sketch_cycle_weight: float = 10.0
    """Weight of the difference between a sketch and the sketch of its image [code: 10].
    Only for --texture published."""

    image_cycle_weight: float = 25.0
    """Weight of the difference between a photo and the image of its sketch and texture
    [code: 25]. Only for --texture published."""

    latent_cycle_weight: float = 1.0
    """Weight of the difference between a texture's latent and the encoder's guess from
    the image [code: 1]. Without it, `transfer` learns nothing from a photo."""

    kl_weight: float = 0.001
    """Weight of the divergence of the encoder's Gaussians from N(0, 1), summed over
    batch and latent [code: 0.001]."""

    mask_weight: float = 2.5
    """Weight of the difference between the sketch of a photo and its mask [code: 2.5].
    Only for --texture published."""

    hue_jitter: float = 0.1
    """Largest random change of a photo's hue, as a share of the colour circle [code:
    0.1]. The images learn these hues, too."""

    photo_shift: int = 2
    """Largest random shift of photos and images that the discriminator sees, in pixels
    [code: 2]."""

    joint_steps: int = 300
    """Training steps of the joint stage."""

    joint_batch_size: int = 8
    """Items in a batch of the joint stage [code: 6]."""

    joint_shape_weight: float = 0.05
    """Weight of the 3D-GAN's losses in the joint stage, relative to those of images
    [code: 0.05]."""

    joint_learning_rate: float = 2e-4
    """Learning rate of the texture networks in the joint stage [code: 2e-4]."""

    joint_shape_learning_rate: float = 1e-4
    """Learning rate of the shape networks in the joint stage [code: 1e-4]."""

    def of_texture(self, name: str) -> Any:
        """Return the value of an option, or its default for this texture network.

        Args:
            name: name of one of the options in TEXTURE_DEFAULTS.
        """
        value = getattr(self, name)
        return TEXTURE_DEFAULTS[self.texture][name] if value is None else value

    def validate(self) -> None:
        """Check the value of every field; see RunConfig.validate."""
        super().validate()
        require(self, "image_size", self.image_size in IMAGE_SIZES, "32, 64 or 128")
        require_positive(
            self,
            "projection_pixels samples_per_voxel texture_width texture_latent_dim "
            "texture_steps texture_batch_size texture_learning_rate joint_steps "
            "joint_batch_size joint_learning_rate joint_shape_learning_rate",
        )
        require_range(self, "views", 0, 73, "from 0 to 72")
        require_range(self, "rays", 1, 5, "from 1 to 4")
        require_range(self, "projection_pixels", 16, 1025, "from 16 to 1024")
        require_range(self, "samples_per_voxel", 1, 4.001, "from 1 to 4")
        require_range(self, "sharpness", 1, 1e3, "from 1 to below 1000")
        require_range(self, "texture_width", 1, 257, "at most 256")
        require_range(self, "texture_blocks", 1, 17, "from 1 to 16")
        require_range(self, "texture_latent_dim", 1, 1025, "at most 1024")
        require_range(self, "texture_beta_1 texture_beta_2", 0, 1, "from 0 to below 1")
        for name in (
            "texture_r1_gamma sketch_cycle_weight image_cycle_weight "
            "latent_cycle_weight kl_weight mask_weight joint_shape_weight"
        ).split():
            require_range(self, name, 0, 1e6, "0 or above, finite")
        require_range(self, "hue_jitter", 0, 0.501, "from 0 to 0.5")
        shift = "from 0 to below --image-size"
        require_range(self, "photo_shift", 0, self.image_size, shift)


PRESETS = {
    # The best result within 15 minutes on two cores: three stages.
    "quick": Config(
        steps=2_800,
        update_mode="simultaneous",
    ),
    "paper": Config(
        size=128,
        width=1.0,
        representation="distance",
        prior="normal",
        prior_std=1.0,
        bias=False,
        bias_from_data=False,
        loss="wasserstein",
        gradient_penalty=10.0,
        r1_gamma=0.0,
        augment_shift=0,
        augment_mirror=False,
        g_learning_rate=1e-4,
        d_learning_rate=1e-4,
        beta_1=0.5,
        beta_2=0.9,
        average=0.0,
        batch_size=8,
        epochs=500,
        image_size=128,
        samples_per_voxel=2.5,
        sharpness=1.0,
        component="largest",
        views=0,
        rays=1,
        texture_width=64,
        texture_loss="least_squares",
        texture_r1_gamma=0.0,
        texture_kernels="published",
        texture_blocks=3,
        # 200 passes over the 1,963 photos of chairs, 12 at a time.
        texture_steps=32_000,
        texture_batch_size=12,
        texture_learning_rate=2e-4,
        texture_beta_1=0.5,
        texture_beta_2=0.999,
        joint_steps=65_000,
        joint_batch_size=6,
    ),
}
