"""The dimensions that all parts of one chair share."""

import dataclasses

import numpy as np

Generator = np.random.Generator


@dataclasses.dataclass(frozen=True)
class Frame:
    """The dimensions that all parts of one chair share, in centimetres.

    Attributes:
        depth: depth of the seat, from front to back.
        width: width of the seat.
        seat: height of the upper side of the seat.
        thick: thickness of the seat.
        back: height of the back above the seat.
        lean: shift of the back to the rear per unit of height.
        leg: half of the width of a leg.
        form: form of the seat: flat, narrow, soft, round or bucket.
    """

    depth: float
    width: float
    seat: float
    thick: float
    back: float
    lean: float
    leg: float
    form: str = "flat"

    @property
    def x(self) -> float:
        """Half of the depth of the seat."""
        return self.depth / 2

    @property
    def y(self) -> float:
        """Half of the width of the seat."""
        return self.width / 2

    @property
    def under(self) -> float:
        """Height of the lower side of the seat."""
        return self.seat - self.thick


def pick(rng: Generator, weights: dict[str, float]) -> str:
    """Return a random name, with probabilities in proportion to the weights."""
    share = np.array(list(weights.values()), float)
    return str(rng.choice(list(weights), p=share / share.sum()))
