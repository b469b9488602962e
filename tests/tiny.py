"""A configuration of each chapter whose training takes seconds."""

from chapter01_gan.config import Config as Config01
from chapter02_3dgan.config import Config as Config02
from chapter03_agecgan.config import Config as Config03
from chapter04_dcgan.config import Config as Config04
from chapter05_srgan.config import Config as Config05
from study_3dvaegan.config import Config as Config3DVAEGAN
from study_norb.config import Config as ConfigNORB
from study_von.config import Config as ConfigVON

CHAPTER01 = Config01(
    g_units=(24, 24),
    d_units=(24, 24),
    batch_size=8,
    steps=4,
    sample_every=2,
    checkpoint_every=2,
    log_every=1,
)
CHAPTER02 = Config02(
    width=0.05,
    batch_size=8,
    steps=6,
    precision="float32",
    log_every=2,
    sample_every=3,
    checkpoint_every=3,
    classes=("box",),
)
CHAPTER03 = Config03(
    size=32,
    filters=4,
    latent_dim=8,
    batch_size=6,
    steps=4,
    sample_every=2,
    checkpoint_every=2,
    log_every=1,
    precision="float32",
    encoder_steps=4,
    recognition_steps=4,
    identity_steps=4,
)
CHAPTER04 = Config04(
    size=32,
    filters=4,
    latent_dim=8,
    batch_size=8,
    steps=4,
    sample_every=2,
    checkpoint_every=2,
    log_every=1,
    precision="float32",
)
CHAPTER05 = Config05(
    crop=32,
    filters=4,
    blocks=1,
    batch_size=4,
    steps=4,
    sample_every=2,
    checkpoint_every=2,
    log_every=1,
    precision="float32",
    srgan_steps=4,
)
STUDY_3DVAEGAN = Config3DVAEGAN(
    width=0.05,
    encoder_width=0.05,
    latent_dim=6,
    batch_size=8,
    steps=4,
    precision="float32",
    update_mode="simultaneous",
    log_every=1,
    sample_every=2,
    checkpoint_every=1,
    kl_weight=0.02,
    reconstruction="cross_entropy",
    reconstruction_weight=0.01,
    views=2,
)
STUDY_NORB = ConfigNORB(
    size=48,
    filters=2,
    latent_dim=8,
    capsule_types=2,
    capsule_size=4,
    batch_size=8,
    steps=4,
    precision="float32",
    update_mode="simultaneous",
    log_every=1,
    sample_every=2,
    checkpoint_every=2,
)
STUDY_VON = ConfigVON(
    width=0.05,
    latent_dim=6,
    batch_size=4,
    steps=4,
    precision="float32",
    update_mode="simultaneous",
    log_every=1,
    sample_every=2,
    checkpoint_every=2,
    classes=("box",),
    image_size=32,
    views=1,
    samples_per_voxel=1.0,
    texture_width=2,
    texture_latent_dim=3,
    texture_steps=4,
    texture_batch_size=4,
    texture_r1_gamma=0.5,
    joint_steps=2,
    joint_batch_size=4,
)
