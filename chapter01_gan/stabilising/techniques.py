"""The stabilising techniques that `compare` compares."""

import dataclasses
from dataclasses import dataclass, field

import numpy as np

from chapter01_gan.config import Config

PROBLEMS = ("ring", "grid", "digits")


@dataclass(frozen=True)
class Technique:
    """One change of the plain GAN.

    Attributes:
        label: name in tables and pictures.
        changes: options of Config that differ from the plain GAN's, with their values.
        on_digits: options that differ further on digits. Options in the unit of the
            data, or whose effect depends on the number of inputs, need other values
            there.
    """

    label: str
    changes: dict = field(default_factory=dict)
    on_digits: dict = field(default_factory=dict)


R1 = {"r1_gamma": 0.1, "r1_every": 4}
R1_DIGITS = {"r1_gamma": 5.0}
EMA = {"average": 0.999}
EMA_DIGITS = {"average": 0.995}

TECHNIQUES = {
    "plain": Technique("plain"),
    "feature_matching": Technique("feature matching", {"feature_matching": True}),
    "minibatch_discrimination": Technique(
        "minibatch discrimination", {"minibatch_kernels": 1}, {"minibatch_kernels": 16}
    ),
    "historical_averaging": Technique(
        "historical averaging", {"historical_averaging": 1e-4}
    ),
    "label_smoothing": Technique("real labels 0.9", {"real_label": (0.9,)}),
    "label_range": Technique("real labels 0.7 to 1", {"real_label": (0.7, 1.0)}),
    "batch_norm": Technique(
        "batch normalisation", {"g_norm": "batch", "d_norm": "batch"}
    ),
    "instance_norm": Technique("instance normalisation of G", {"g_norm": "instance"}),
    # Spectral normalisation makes D learn slowly, so G needs a lower learning rate:
    # D could not follow it otherwise.
    "spectral_norm": Technique(
        "spectral normalisation, slower G",
        {"spectral_norm": True, "g_learning_rate": 1e-3},
        {"g_learning_rate": 2e-4},
    ),
    "instance_noise": Technique(
        "instance noise",
        {"instance_noise": 1.0, "instance_noise_steps": 2500},
        {"instance_noise": 0.2, "instance_noise_steps": 500},
    ),
    "r1": Technique("R1", R1, R1_DIGITS),
    "ema": Technique("EMA", EMA, EMA_DIGITS),
    "r1_ema": Technique("R1 and EMA", R1 | EMA, R1_DIGITS | EMA_DIGITS),
}


def configure(technique: str, base: Config, digits: bool) -> Config:
    """Return the plain GAN's configuration with one technique switched on.

    Args:
        technique: name in TECHNIQUES.
        base: configuration of the plain GAN.
        digits: whether the problem is the digits.
    """
    chosen = TECHNIQUES[technique]
    changes = chosen.changes | (chosen.on_digits if digits else {})
    return dataclasses.replace(base, **changes)


@dataclass(frozen=True)
class Outcome:
    """The result of one training.

    Attributes:
        row: its row of compare.json.
        samples: samples to draw, (N, *shape), N <= 1000.
    """

    row: dict
    samples: np.ndarray
