"""Whether a value from a JSON file is of the kind that an option's type asks for."""

import types
import typing
from pathlib import Path
from typing import Any


def fits(kind: Any, value: Any) -> bool:
    """Tell whether `value`, as JSON holds it, is one of the type `kind`.

    Args:
        kind: annotation of a configuration's field: int, float, str, bool, Path,
            None, Literal, a tuple or a union of such.
        value: from JSON; a list stands for a tuple, a text for a path, and a whole
            number is a float, too.
    """
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Literal:
        return any(value == one and type(value) is type(one) for one in inner)
    if origin in (typing.Union, types.UnionType):
        return any(fits(one, value) for one in inner)
    if origin is tuple:
        if not isinstance(value, (list, tuple)):
            return False
        if inner[-1] is Ellipsis:
            return all(fits(inner[0], item) for item in value)
        return len(value) == len(inner) and all(map(fits, inner, value))
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, (str, Path) if kind is Path else kind)


def describe(kind: Any) -> str:
    """Return what `kind` asks for, for messages: "int", "'adam' or 'sgd'"."""
    if typing.get_origin(kind) is typing.Literal:
        return " or ".join(map(repr, typing.get_args(kind)))
    if isinstance(kind, type) and not typing.get_args(kind):
        return kind.__name__
    return str(kind).replace("typing.", "").replace("pathlib.", "")
