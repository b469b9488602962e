"""What one training of `compare` has come to."""

from dataclasses import dataclass

import numpy as np

PROBLEMS = ("ring", "grid", "digits")


@dataclass(frozen=True)
class Outcome:
    """What one training gave: a row of compare.json, and samples to draw."""

    row: dict
    samples: np.ndarray
