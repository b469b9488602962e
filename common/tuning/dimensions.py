"""The dimensions of a search space, and the ways through them.

A branch names the options that are set together: the space itself is one, and so
is each alternative of a choice. Hyperopt knows a dimension by a label, the path to
it: "optimizer", and within its first alternative "optimizer/0/beta_1".
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# More digits of a learning rate tell nothing.
DIGITS = 4
Draws = Mapping[str, list]


@dataclass(frozen=True)
class Value:
    """An option that an alternative sets."""

    value: Any


@dataclass(frozen=True)
class Range:
    """A number between two limits, both included."""

    kind: str
    low: float
    high: float

    def expression(self, label: str) -> Any:
        """Return Hyperopt's node."""
        from hyperopt import hp

        if self.kind == "loguniform":
            return hp.loguniform(label, math.log(self.low), math.log(self.high))
        if self.kind == "uniform":
            return hp.uniform(label, self.low, self.high)
        # Half a step more at both ends: each number is then as likely.
        return hp.quniform(label, self.low - 0.5, self.high + 0.5, 1)

    def value(self, draw: float) -> float | int:
        """Return the option's value."""
        if self.kind == "integer":
            return min(max(round(draw), self.low), self.high)
        return float(min(max(float(f"{draw:.{DIGITS}g}"), self.low), self.high))

    def holds(self, value: Any) -> bool:
        """Tell whether a value lies within."""
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        whole = self.kind != "integer" or isinstance(value, int)
        return number and whole and self.low <= value <= self.high


@dataclass(frozen=True)
class Choice:
    """One of several alternatives, each with the options that it sets."""

    branches: tuple[Mapping[str, "Value | Range | Choice"], ...]


Branch = Mapping[str, Value | Range | Choice]


def fields_of(branch: Branch) -> list[str]:
    """Return the names of all options that a branch may set."""
    names = []
    for name, node in branch.items():
        inner = node.branches if isinstance(node, Choice) else ()
        names += [field for one in inner for field in fields_of(one)] or [name]
    return list(dict.fromkeys(names))


def labels_of(branch: Branch, prefix: str = "") -> Iterator[str]:
    """Yield the labels of all dimensions, also of those within alternatives."""
    for name, node in branch.items():
        if not isinstance(node, Value):
            yield prefix + name
        for index, inner in enumerate(getattr(node, "branches", ())):
            yield from labels_of(inner, f"{prefix}{name}/{index}/")


def expression_of(branch: Branch, prefix: str = "") -> dict[str, Any]:
    """Return a dict of Hyperopt's nodes that evaluates to draws by label."""
    from hyperopt import hp

    nodes = {}
    for name, node in branch.items():
        label = prefix + name
        if isinstance(node, Range):
            nodes[label] = node.expression(label)
        elif isinstance(node, Choice):
            # The alternatives' numbers themselves, with what is drawn within.
            alternatives = [
                {label: index} | expression_of(inner, f"{label}/{index}/")
                for index, inner in enumerate(node.branches)
            ]
            nodes[f"{label}/"] = hp.choice(label, alternatives)
    return nodes


def values_of(branch: Branch, draws: Draws, prefix: str = "") -> dict[str, Any]:
    """Return the option values that draws stand for."""
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
    """Return the draws that stand for option values, or None where none do."""
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
    """Yield label and draw from what an expression evaluated to."""
    for label, draw in evaluated.items():
        if isinstance(draw, Mapping):
            yield from leaves(draw)
        else:
            yield label, draw
