"""Searching for better options with Hyperopt: what a chapter hands over to `tune`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

# The averaged generator -> measures by name.
Judge = Callable[[Any], Mapping[str, float]]


@dataclass(frozen=True)
class Tuning:
    """How a chapter's options are searched.

    Attributes:
        space: the search space as plain data; see common/tuning/space.py.
        judge: configuration of a trial -> measure of its generator on the
            validation items, which it loads once.
        loss: name of the measure that the search goes by.
        sign: -1 where the measure is the better the higher it is.
        fixed: options that all trials have, such as the stage to train.
        uses_tensorflow: import it before training, without its notes.
    """

    space: Mapping[str, Any]
    judge: Callable[[Any], Judge]
    loss: str
    sign: int = 1
    fixed: Mapping[str, Any] = field(default_factory=dict)
    uses_tensorflow: bool = True
