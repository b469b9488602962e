"""The axes that a search is drawn on: they give each value a position in [0, 1]."""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from common.tuning.trial_records import Record

LOG_SPAN = 30  # numbers that span more than this factor may get a logarithmic axis
AT_RANDOM = 20  # trials at the start of a search that count as drawn at random
FEW = 6  # up to this many different numbers, all get a label
# Shares of an axis:
CLOSEST = 0.055  # least distance between two labels
GAP = 0.15  # distance between the names and the numbers above them
STEP = 0.11  # distance between two names below numbers


@dataclass(frozen=True)
class Axis:
    """The axis of one parameter, with positions from 0 to 1.

    Numbers are on a linear or a logarithmic scale. Values that are not numbers, or that
    have no logarithm, are shown as names below the numbers. If there are only names,
    they are spread evenly over the axis.

    Attributes:
        low, high: lowest and highest number.
        log: whether the scale is logarithmic.
        start: position of the lowest number.
        names: position of each value that is shown as a name.
        few: whether there are at most `FEW` different numbers, so that trials share
            them.
        ticks: (position, text) of the labels.
    """

    low: float
    high: float
    log: bool
    start: float
    names: dict[str, float]
    few: bool
    ticks: list[tuple[float, str]]

    @classmethod
    def of(cls, values: Sequence[Any]) -> "Axis":
        """Return the axis that holds all `values`, in the order of the trials."""
        numbers = [value for value in values if is_number(value)]
        log = _wants_log(numbers)
        shown = sorted({number for number in numbers if number > 0 or not log})
        named = [v for v in values if not is_number(v) or (log and v == 0)]
        names = sorted(set(map(text_of, named)), key=_natural)
        places = _places(names, bool(shown))
        start = GAP + max(places.values()) if places and shown else 0.0
        low, high = (shown[0], shown[-1]) if shown else (0.0, 1.0)
        few = len(shown) <= FEW
        # An axis without ticks gives the positions at which they are placed.
        bare = cls(low, high, log, start, places, few, [])
        ticks = [(place, text) for text, place in places.items()]
        for number in bare._marks(shown):
            position = bare.position(number)
            if all(abs(position - other) >= CLOSEST for other, _ in ticks):
                ticks.append((position, text_of(number)))
        return cls(low, high, log, start, places, few, ticks)

    def position(self, value: Any) -> float:
        """Return the position of a value, from 0 to 1."""
        text = text_of(value)
        if text in self.names:
            return self.names[text]
        if self.high == self.low:
            return (self.start + 1) / 2
        low, high = self._scaled(self.low), self._scaled(self.high)
        share = (self._scaled(value) - low) / (high - low)
        return self.start + (1 - self.start) * float(share)

    def _scaled(self, number: float) -> float:
        return math.log10(number) if self.log else float(number)

    def _marks(self, numbers: list) -> list:
        """Return the numbers that may get a label, the preferred ones first."""
        if self.few:
            return numbers
        ends = [numbers[0], numbers[-1]]
        if self.log:
            powers = range(
                math.ceil(math.log10(self.low)), math.floor(math.log10(self.high)) + 1
            )
            return [10.0**power for power in powers] + ends
        whole = all(isinstance(number, int) for number in numbers)
        locator = MaxNLocator(4, integer=whole, steps=[1, 2, 5, 10])
        marks = locator.tick_values(self.low, self.high)
        return [mark for mark in marks if self.low <= mark <= self.high] + ends


def _wants_log(numbers: Sequence[float]) -> bool:
    """Return whether numbers need a logarithmic scale.

    They do if they span more than a factor of `LOG_SPAN`, and if the first ones, which
    a search draws at random, are more evenly spread on a logarithmic scale: their
    geometric mean is below the logarithmic mean (b - a) / (ln b - ln a) of the ends.
    Zeros do not count, because they mean "off". With a negative number the scale is
    linear.
    """
    positive = [number for number in numbers if number > 0]
    if not positive or min(numbers) < 0:
        return False
    low, high = min(positive), max(positive)
    if high <= LOG_SPAN * low:
        return False
    middle = (high - low) / math.log(high / low)
    return float(np.mean(np.log(positive[:AT_RANDOM]))) < math.log(middle)


def _natural(text: str) -> list:
    """Return a sort key that compares numbers in a text: "8, 16" before "64, 32"."""
    parts = re.split(r"(\d+)", text)
    return [int(part) if part.isdecimal() else part for part in parts]


def _places(names: list[str], below_numbers: bool) -> dict[str, float]:
    """Return positions for names, over the whole axis or only its lowest part."""
    if below_numbers:
        step = min(STEP, 0.35 / len(names)) if names else 0.0
        return {name: index * step for index, name in enumerate(names)}
    return {name: (index + 0.5) / len(names) for index, name in enumerate(names)}


def values_of(records: Iterable[Record], name: str) -> list:
    """Return the values of a parameter in all trials that have it."""
    return [r.parameters[name] for r in records if name in r.parameters]


def is_number(value: Any) -> bool:
    """Return whether a value is a number; bool does not count as one."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def text_of(value: Any, digits: int = 2) -> str:
    """Return a value as a person would write it, floats with `digits` digits.

    0.00031 -> "0.00031", 1e-05 -> "1e-5", [8, 16] -> "8, 16", None -> "none".
    """
    if value is None or isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        style = ".0f" if 100 <= abs(value) < 1e5 else f".{digits}g"
        return f"{value:{style}}".replace("e-0", "e-").replace("e+0", "e")
    if isinstance(value, list | tuple):
        return ", ".join(map(text_of, value))
    return str(value)


@dataclass(frozen=True)
class LossScale:
    """The range of losses to show, without losses far above the others.

    Outliers would flatten the rest of a chart, so they are shown at the upper end:
    `high` is three times as far above the best loss as the upper quartile is, or the
    highest loss if that is lower. If the upper quartile is more than `LOG_SPAN` times
    the best loss, the scale is logarithmic.

    Attributes:
        low, high: ends of the range; `low` is the best loss.
        log: whether the scale is logarithmic.
        beyond: number of losses above `high`.
    """

    low: float
    high: float
    log: bool
    beyond: int

    @classmethod
    def of(cls, losses: Sequence[float]) -> "LossScale":
        """Return the scale for these losses, which must be finite."""
        values = np.asarray(losses if len(losses) else [0.0, 1.0], np.float64)
        log = bool(np.quantile(values, 0.75) > LOG_SPAN * values.min() > 0)
        scaled = np.log10(values) if log else values
        best = scaled.min()
        high = min(scaled.max(), best + 3 * (np.quantile(scaled, 0.75) - best))
        if high == best:  # three quarters of the losses are equal to the best
            high = scaled.max()
        beyond = int((scaled > high).sum())
        low, high = (10**best, 10**high) if log else (best, high)
        return cls(float(low), float(high), log, beyond)

    def shown(self, losses: Sequence[float]) -> np.ndarray:
        """Return the losses (N,), clipped to the upper end."""
        return np.minimum(np.asarray(losses, np.float64), self.high)

    def compared(self, losses: Sequence[float]) -> np.ndarray:
        """Return the clipped losses (N,), or their logarithms if the scale is such."""
        shown = self.shown(losses)
        return np.log10(shown) if self.log else shown
