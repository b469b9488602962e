"""Configurations of chapters whose trainings last seconds."""

from chapter02_3dgan.config import Config as Config02
from chapter04_dcgan.config import Config as Config04

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
CHAPTER04 = Config04(
    size=32, filters=4, latent_dim=8, batch_size=8, steps=4, sample_every=2,
    checkpoint_every=2, log_every=1, precision="float32",
)  # fmt: skip
