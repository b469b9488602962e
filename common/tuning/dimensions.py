"""The dimensions of a search space, and functions that walk through them.

A branch maps the names of options that are set together to their dimensions: the whole
space is a branch, and so is each alternative of a choice. Hyperopt identifies a
dimension by a label, its path in the space: "optimizer", and within its first
alternative "optimizer/0/beta_1".
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# Significant digits of a drawn number; further ones make no difference.
DIGITS = 4
# What Hyperopt drew, by label: a list of one number, or an empty list if the label's
# branch was not taken.
Draws = Mapping[str, list]


@dataclass(frozen=True)
class Value:
    """A fixed value that an alternative gives to an option."""

    value: Any


@dataclass(frozen=True)
class Range:
    """A number between two limits, both included.

    Attributes:
        kind: "uniform", "loguniform" or "integer".
        low: lower limit.
        high: upper limit.
    """

    kind: str
    low: float
    high: float

    def expression(self, label: str) -> Any:
        """Return the node of Hyperopt's search space that draws this number."""
        from hyperopt import hp

        if self.kind == "loguniform":
            return hp.loguniform(label, math.log(self.low), math.log(self.high))
        if self.kind == "uniform":
            return hp.uniform(label, self.low, self.high)
        # Half a step more at both ends makes all integers equally likely.
        return hp.quniform(label, self.low - 0.5, self.high + 0.5, 1)

    def value(self, draw: float) -> float | int:
        """Return the option's value for a draw: rounded, and within the limits."""
        if self.kind == "integer":
            return min(max(round(draw), self.low), self.high)
        return float(min(max(float(f"{draw:.{DIGITS}g}"), self.low), self.high))

    def holds(self, value: Any) -> bool:
        """Return whether a value lies within the limits."""
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        whole = self.kind != "integer" or isinstance(value, int)
        return number and whole and self.low <= value <= self.high


@dataclass(frozen=True)
class Choice:
    """A choice between alternatives, each of which sets one or more options."""

    branches: tuple[Mapping[str, "Value | Range | Choice"], ...]


Branch = Mapping[str, Value | Range | Choice]


def fields_of(branch: Branch) -> list[str]:
    """Return the names of all options that a branch can set."""
    names = []
    for name, node in branch.items():
        inner = node.branches if isinstance(node, Choice) else ()
        names += [field for one in inner for field in fields_of(one)] or [name]
    return list(dict.fromkeys(names))


def labels_of(branch: Branch, prefix: str = "") -> Iterator[str]:
    """Yield the labels of all dimensions, including those inside alternatives."""
    for name, node in branch.items():
        if not isinstance(node, Value):
            yield prefix + name
        for index, inner in enumerate(getattr(node, "branches", ())):
            yield from labels_of(inner, f"{prefix}{name}/{index}/")


def expression_of(branch: Branch, prefix: str = "") -> dict[str, Any]:
    """Return a dictionary of Hyperopt nodes that evaluates to draws by label."""
    from hyperopt import hp

    nodes = {}
    for name, node in branch.items():
        label = prefix + name
        if isinstance(node, Range):
            nodes[label] = node.expression(label)
        elif isinstance(node, Choice):
            # An alternative evaluates to its own index and the draws inside it.
            alternatives = [
                {label: index} | expression_of(inner, f"{label}/{index}/")
                for index, inner in enumerate(node.branches)
            ]
            nodes[f"{label}/"] = hp.choice(label, alternatives)
    return nodes


def values_of(branch: Branch, draws: Draws, prefix: str = "") -> dict[str, Any]:
    """Return the option values that belong to draws."""
    values = {}
    for name, node in branch.items():
        label = prefix + name
        if isinstance(node, Value):
            values[name] = node.value
        elif isinstance(node, Range):
            values[name] = node.value(draws[label][0])
        else:
            index = int(draws[label][0])
            values |= values_of(node.branches[index], draws, f"{label}/{index}/")
    return values


def draws_of(
    branch: Branch, values: Mapping[str, Any], prefix: str = ""
) -> dict[str, list] | None:
    """Return the draws that give these option values, or None if no draws do."""
    found: dict[str, list] = {}
    for name, node in branch.items():
        label = prefix + name
        if isinstance(node, Value):
            if values[name] != node.value:
                return None
        elif isinstance(node, Range):
            if not node.holds(values[name]):
                return None
            found[label] = [values[name]]
        else:
            inner = [
                {label: [index], **taken}
                for index, one in enumerate(node.branches)
                if (taken := draws_of(one, values, f"{label}/{index}/")) is not None
            ]
            if not inner:
                return None
            found |= inner[0]
    return found


def leaves(evaluated: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Yield the label and draw of each number in an evaluated expression."""
    for label, draw in evaluated.items():
        if isinstance(draw, Mapping):
            yield from leaves(draw)
        else:
            yield label, draw
