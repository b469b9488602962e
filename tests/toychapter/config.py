"""Options of the toy chapter."""

from dataclasses import dataclass
from typing import Literal

from common.config import RunConfig, require

NAME = "toychapter"


@dataclass(frozen=True)
class Config(RunConfig):
    """Options of a training whose result is a formula of them."""

    place: float = 0.9
    """The best is 0.3."""

    layers: int = 4
    """The best is 2."""

    optimizer: Literal["adam", "sgd"] = "sgd"
    """adam is better."""

    beta_1: float = 0.5
    """The best is 0 for adam and 0.9 for sgd."""

    labels: tuple[float, ...] = (1.0,)
    """Has no effect."""

    trouble: Literal["none", "nan", "raise", "exit", "kill", "option"] = "none"
    """How the training goes wrong."""

    luck: float = 0.0
    """How much better seed 0 is than it should be, and the others worse."""

    pause: float = 0.0
    """Seconds of each step."""

    def validate(self) -> None:
        """Check the options that may be wrong together."""
        super().validate()
        require(self, "trouble", self.trouble != "option", "another one")


PRESETS = {
    "quick": Config(steps=20_000, max_minutes=4.0, batch_size=16),
    "long": Config(epochs=100.0, layers=3, trouble="none"),
    "wrong": Config(steps=20_000, trouble="nan"),
}
SPACE = {
    "place": {"uniform": [0.0, 1.0]},
    "layers": {"integer": [1, 5]},
    "optimizer": {
        "choice": [
            {"optimizer": "adam", "beta_1": {"uniform": [0.0, 0.9]}},
            {"optimizer": "sgd", "beta_1": {"choice": [0.5, 0.9]}},
        ]
    },
    "labels": {"choice": [[1.0], [0.8, 1.0]]},
}
