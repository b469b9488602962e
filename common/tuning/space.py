"""Search spaces as plain data, which can be stored, compared and read from a file.

    {"batch_size": {"choice": [8, 16, 32]},
     "g_learning_rate": {"loguniform": [1e-4, 1e-1]},
     "optimizer": {"choice": [{"optimizer": "adam", "beta_1": {"uniform": [0, 0.9]}},
                              "rmsprop"]}}

An alternative of a choice is a value, or an object that sets several options. These may
be dimensions themselves, which exist only if the alternative is taken.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from common.config import RunConfig, check_options
from common.config_files import read_object
from common.errors import UserError
from common.tuning.dimensions import (
    Branch,
    Choice,
    Draws,
    Range,
    Value,
    draws_of,
    expression_of,
    fields_of,
    labels_of,
    leaves,
    values_of,
)

KINDS = ("choice", "uniform", "loguniform", "integer")


class Space:
    """A search space over a chapter's options.

    Args:
        data: space in the form of this module's example.
        config_class: class of the chapter's configuration, whose fields are searched.
        origin: name of the space's source, for messages.

    Attributes:
        data: the space as it is stored in JSON.
        root: dimensions by option.
        fields: names of all options that a trial can set.
        labels: labels of all dimensions.

    Raises:
        UserError: the space has no dimension, an unknown option or wrong limits.
    """

    def __init__(
        self,
        data: Mapping[str, Any],
        config_class: type[RunConfig],
        origin: str = "the search space",
    ):
        # Tuples become lists, as in a JSON file.
        self.data = json.loads(json.dumps(data))
        self.root = _Reader(config_class, origin).root(self.data)
        self.fields = tuple(fields_of(self.root))
        self.labels = tuple(labels_of(self.root))

    @classmethod
    def read(cls, path: Path, config_class: type[RunConfig]) -> "Space":
        """Read a space from a JSON file.

        Raises:
            UserError: the file cannot be read, or the space is wrong.
        """
        return cls(read_object(path), config_class, str(path))

    def expression(self) -> dict[str, Any]:
        """Return Hyperopt's expression of the space.

        It evaluates to nested dictionaries of draws by label. `flat` turns these into
        the form in which Hyperopt stores a trial.
        """
        return expression_of(self.root)

    def flat(self, evaluated: Mapping[str, Any]) -> dict[str, list]:
        """Return draws by label from an evaluated expression."""
        draws = {label: [] for label in self.labels}
        for label, draw in leaves(evaluated):
            draws[label] = [draw]
        return draws

    def values(self, draws: Draws) -> dict[str, Any]:
        """Return option values from draws.

        Args:
            draws: draws by label, as in Hyperopt's trial["misc"]["vals"]: a list of
                one number, or an empty list if the label's branch was not taken.

        Returns:
            Values by option, in plain types; tuples are lists, as in JSON.
        """
        return values_of(self.root, draws)

    def draws(self, values: Mapping[str, Any]) -> dict[str, list] | None:
        """Return the draws that give these values, or None if they are outside.

        Args:
            values: values by option, at least those in `fields`.
        """
        values = json.loads(json.dumps(dict(values), default=str))
        found = draws_of(self.root, values)
        if found is None:
            return None
        return {label: [] for label in self.labels} | found


class _Reader:
    """Turns plain data into dimensions; raises a UserError for what is wrong."""

    def __init__(self, config_class: type[RunConfig], origin: str):
        self.config_class = config_class
        self.origin = origin

    def root(self, data: Mapping[str, Any]) -> Branch:
        if not data:
            raise UserError(
                f"{self.origin} has no dimension; give it at least one option, such as "
                '{"batch_size": {"choice": [8, 16]}}'
            )
        for name, node in data.items():
            if not isinstance(node, dict):
                raise self.error(
                    name, f"must be an object with one of {', '.join(KINDS)}", node
                )
        return self.branch(data)

    def branch(self, data: Mapping[str, Any]) -> Branch:
        branch = {name: self.node(name, node) for name, node in data.items()}
        names = [n for name, node in branch.items() for n in fields_of({name: node})]
        for name in names:
            if names.count(name) > 1:
                raise UserError(f"{self.origin} has {name} in two dimensions; keep one")
        return branch

    def node(self, name: str, data: Any) -> Value | Range | Choice:
        if not isinstance(data, dict):
            check_options({name: data}, self.config_class, self.origin)
            return Value(data)
        if len(data) != 1 or next(iter(data)) not in KINDS:
            raise self.error(name, f"must have one of {', '.join(KINDS)}", data)
        [(kind, inner)] = data.items()
        if kind == "choice":
            return self.choice(name, inner)
        return self.range(name, kind, inner)

    def choice(self, name: str, data: Any) -> Choice:
        if not isinstance(data, list) or len(data) < 2:
            raise self.error(name, "must have a choice of two or more values", data)
        options = [one if isinstance(one, dict) else {name: one} for one in data]
        return Choice(tuple(map(self.branch, options)))

    def range(self, name: str, kind: str, data: Any) -> Range:
        pair = isinstance(data, list) and len(data) == 2
        if not pair or not all(
            isinstance(x, (int, float)) and not isinstance(x, bool) and math.isfinite(x)
            for x in data
        ):
            raise self.error(name, f"must have two numbers as {kind}", data)
        low, high = data
        if low >= high:
            raise self.error(name, f"must have low < high as {kind}", data)
        if kind == "loguniform" and low <= 0:
            raise self.error(name, "must be above 0 as loguniform", data)
        if kind == "integer" and not all(isinstance(x, int) for x in data):
            raise self.error(name, "must have whole numbers as integer", data)
        # The middle of any other range is a float, which an option that must be a whole
        # number refuses.
        number = low if kind == "integer" else low + 0.5 * (high - low)
        check_options({name: number}, self.config_class, self.origin)
        return Range(kind, low, high)

    def error(self, name: str, expected: str, found: Any) -> UserError:
        return UserError(f"{self.origin}: {name} {expected}, found {json.dumps(found)}")
