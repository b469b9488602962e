"""The options that every run has, their checks, and their conversion to JSON."""

import dataclasses
import json
import math
import os
import re
import reprlib
import types
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar

from common.errors import UserError

OptimizerName = Literal["adam", "sgd", "rmsprop", "adadelta"]
Activation = Literal["relu", "leaky_relu", "elu", "selu", "tanh", "sigmoid"]
Precision = Literal["auto", "float32", "mixed_bfloat16", "mixed_float16"]

# Numbers must be below this, so that they fit into int32.
LARGEST = 2**31
# Options that may change on resume: they set how long or where to train, not what is
# computed.
MAY_CHANGE = ("steps", "epochs", "max_minutes", "cache_mb", "data", "strategy")


@dataclass(frozen=True)
class RunConfig:
    """The options that every run has. A chapter's Config adds its own.

    The docstring below a field is its help text; sources are in brackets.
    """

    # Options that only later stages use. They may change on resume; then only those
    # stages start again.
    LATER_STAGES: ClassVar[tuple[str, ...]] = ()
    # Present names of options by their names in earlier versions.
    RENAMED: ClassVar[dict[str, str]] = {}
    # The names that an option may have, if any other value is the path of a file.
    FILE_OR_NAME: ClassVar[dict[str, tuple[str, ...]]] = {}

    seed: int = 0
    """Seed of all random numbers: initial weights, order of the data,
    latents and noise."""

    data: Path | None = None
    """Real data set: a folder or a file, as described in the chapter's
    README. By default the chapter trains on its procedural stand-in."""

    batch_size: int = 32
    """Number of items in a training batch, over all devices together."""

    steps: int | None = None
    """Total number of training steps, including those before a resume;
    overrides --epochs."""

    epochs: float | None = None
    """Total length of training in passes over the data set; used if --steps
    is not set."""

    max_minutes: float | None = None
    """Time limit in minutes: save and stop then, even if steps are left.
    The limit starts again on resume."""

    validation_every: int | None = None
    """Leave every n-th training item out of training, as validation items
    to choose options by; `tune` sets this. By default, train on all
    training items."""

    precision: Precision = "auto"
    """Number format in which the networks compute; weights stay float32.
    auto: mixed_bfloat16 if it keeps the chapter's quality and is
    measured to be faster on this machine, else float32."""

    strategy: Literal["none", "mirrored", "multiworker"] = "none"
    """Devices to train on; they share each batch. none: one device.
    mirrored: all devices of this machine. multiworker: the devices of
    all workers that the environment variable TF_CONFIG lists."""

    jit: Literal["auto", "on", "off"] = "auto"
    """Whether to compile the training step with XLA. auto: only on a GPU
    and with --strategy none."""

    steps_per_execution: int = 1
    """Number of training steps in one call of the compiled step. More steps
    save time if a step is short; the result is the same."""

    update_mode: Literal["alternating", "simultaneous"] = "alternating"
    """Order of the updates in a training step. alternating: update the
    discriminator, then the generator from a new forward pass [Goodfellow
    et al. 2014, algorithm 1]. simultaneous: update both from one forward
    pass."""

    log_every: int = 50
    """Number of steps between two rows of metrics.csv."""

    sample_every: int = 250
    """Number of steps between two pictures of samples, always from the same
    latents."""

    checkpoint_every: int = 250
    """Number of steps between two checkpoints, from which training can
    resume."""

    cache_mb: int = 1024
    """Memory for decoded data, in MB; data that do not fit are read from
    the disk."""

    def validate(self) -> None:
        """Check the options that all chapters share.

        Raises:
            UserError: an option has a wrong value; the message names the option, what
                was expected and what was found.
        """
        require_positive(
            self,
            "batch_size steps epochs max_minutes steps_per_execution log_every "
            "sample_every checkpoint_every cache_mb",
        )
        every = self.validation_every
        wanted = every is None or 2 <= every <= LARGEST
        require(self, "validation_every", wanted, "2 or above")
        require(self, "seed", 0 <= self.seed < 2**62, "a whole number from 0")
        for name in ("log_every", "sample_every", "checkpoint_every"):
            value = getattr(self, name)
            require(
                self,
                name,
                value % self.steps_per_execution == 0,
                f"a multiple of --steps-per-execution {self.steps_per_execution}",
            )


def require(config: Any, name: str, condition: bool, expected: str) -> None:
    """Raise a UserError about the option `name` unless `condition` is true.

    Args:
        config: configuration that has the option.
        name: name of the option's field.
        condition: whether the value is right.
        expected: what the value must be, for the message.
    """
    if not condition:
        option = "--" + name.replace("_", "-")
        raise UserError(f"{option} must be {expected}, found {getattr(config, name)}")


def require_positive(config: Any, names: str) -> None:
    """Check that options are None or above 0 and finite.

    Args:
        config: configuration that has the options.
        names: names of the options' fields, separated by spaces.

    Raises:
        UserError: one of them has another value.
    """
    for name in names.split():
        value = getattr(config, name)
        finite = value is None or 0 < value < LARGEST
        require(config, name, finite, "above 0 and finite")


def require_range(
    config: Any, names: str, low: float, high: float, expected: str
) -> None:
    """Check that options are None or in [low, high).

    Args:
        config: configuration that has the options.
        names: names of the options' fields, separated by spaces.
        low: smallest value that is allowed.
        high: smallest value above the range.
        expected: the range in words, for the message.

    Raises:
        UserError: one of them has another value.
    """
    for name in names.split():
        value = getattr(config, name)
        fits = value is None or low <= value < high
        require(config, name, fits, expected)


def check_gan_options(config: Any, sizes: tuple[int, ...] = ()) -> None:
    """Check the options that several chapters have, as far as this chapter has them.

    Args:
        config: configuration of a chapter.
        sizes: values that `size` may have, or () if the chapter has no such option.

    Raises:
        UserError: an option has a wrong value; the message names the option, what was
            expected and what was found.
    """

    def among(names: str) -> str:
        """Return those of the names that the configuration has."""
        return " ".join(name for name in names.split() if hasattr(config, name))

    require_positive(
        config,
        among(
            "latent_dim filters convolutions r1_every g_learning_rate d_learning_rate"
        ),
    )
    require_range(config, among("r1_gamma"), 0, 1e6, "0 or above, finite")
    shares = among("average beta_1 beta_2 dropout")
    require_range(config, shares, 0, 1, "from 0 to below 1")
    require_range(config, among("filters"), 1, 1025, "at most 1024")
    require_range(config, among("convolutions"), 1, 9, "at most 8")
    if sizes:
        require(config, "size", config.size in sizes, f"one of {sizes}")
    if hasattr(config, "augment_shift"):
        shift = "from 0 to below --size"
        require_range(config, "augment_shift", 0, config.size, shift)


ConfigType = TypeVar("ConfigType", bound=RunConfig)


def package_of(config_class: type[RunConfig]) -> str:
    """Return the name of the package that defines a class of configurations."""
    return config_class.__module__.partition(".")[0]


def to_json(config: RunConfig) -> str:
    """Return the configuration as a JSON object; paths become strings."""
    return json.dumps(dataclasses.asdict(config), indent=2, default=str) + "\n"


def from_json(config_class: type[ConfigType], text: str, origin: str) -> ConfigType:
    """Return the configuration of a JSON text, as written by `to_json`.

    Args:
        config_class: class of the chapter's configurations.
        text: JSON object of options; missing ones get their defaults.
        origin: origin of the text, such as a file's path, for messages.

    Raises:
        UserError: the text is not a JSON object, it is from another chapter, or an
            option is unknown or has a wrong value.
    """
    values = parse_json(text, origin)
    if not isinstance(values, dict):
        raise UserError(f"{origin} must hold one JSON object of options")
    named = values.pop("chapter", package_of(config_class))
    if named != package_of(config_class):
        raise UserError(
            f"{origin} is from {named}, but this is {package_of(config_class)}"
        )
    renamed = config_class.RENAMED
    values = {renamed.get(name, name): value for name, value in values.items()}
    check_options(values, config_class, origin)
    kinds = typing.get_type_hints(config_class)
    config = config_class(
        **{name: _restore(kinds[name], value) for name, value in values.items()}
    )
    config.validate()
    return config


def check_options(
    values: dict[str, Any], config_class: type[RunConfig], origin: str
) -> None:
    """Check that options exist and that their values have the right type.

    Args:
        values: values by the option's name, as read from JSON.
        config_class: class of configurations that has the options.
        origin: origin of the values, such as a file's path, for messages.

    Raises:
        UserError: an option is wrong; the message names the first one.
    """
    hints = typing.get_type_hints(config_class)
    kinds = {
        field.name: hints[field.name] for field in dataclasses.fields(config_class)
    }
    for name, value in values.items():
        if name not in kinds:
            known = ", ".join(sorted(kinds))
            raise UserError(
                f"{origin} has the unknown option {name}; known are {known}"
            )
        if not fits(kinds[name], value):
            raise UserError(
                f"{origin}: {name} must be {expected_kind(kinds[name])}, "
                f"found {reprlib.repr(value)}"
            )


def fits(kind: Any, value: Any) -> bool:
    """Return whether a value from JSON has the type `kind`.

    Args:
        kind: annotation of a configuration's field: int, float, str, bool, Path,
            None, Literal, a tuple or a union of these.
        value: value from JSON. A list counts as a tuple, a string without a zero
            character as a path, and a whole number as a float, too; NaN and infinity
            have no type.
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
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return number and abs(value) < math.inf
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if kind is Path:
        return isinstance(value, (str, Path)) and "\0" not in str(value)
    return isinstance(value, kind)


def expected_kind(kind: Any) -> str:
    """Describe a type for messages, for example "int" or "'adam' or 'sgd'"."""
    if typing.get_origin(kind) is typing.Literal:
        return " or ".join(map(repr, typing.get_args(kind)))
    if isinstance(kind, type) and not typing.get_args(kind):
        return kind.__name__
    # Without the modules of classes, which differ between versions of Python.
    return re.sub(r"\b(?:\w+\.)+(?=\w)", "", str(kind))


def parse_json(text: str | bytes, origin: str) -> Any:
    """Return the value of a JSON text.

    Args:
        text: the text; bytes may begin with a byte-order mark.
        origin: origin of the text, such as a file's path, for messages.

    Raises:
        UserError: the text is not JSON, contains NaN or infinity, or is nested too
            deeply to be read.
    """
    try:
        return json.loads(text, parse_constant=_refuse)
    except ValueError as error:
        raise UserError(f"{origin} is not valid JSON: {error}") from error
    except RecursionError as error:
        raise UserError(
            f"{origin} is nested too deeply; options are numbers, texts and short lists"
        ) from error


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number in JSON")


def _restore(kind: Any, value: Any) -> Any:
    """Convert a JSON value to the type of its field: tuples and paths."""
    if isinstance(value, list):
        return tuple(value)
    if isinstance(value, str) and Path in (kind, *typing.get_args(kind)):
        return Path(value)
    return value


def differences(old: RunConfig, new: RunConfig) -> list[str]:
    """List the changes between two configurations that a resumed run must not have.

    Returns:
        Texts "name: old value -> new value".
    """
    return [
        f"{field.name}: {getattr(old, field.name)} -> {getattr(new, field.name)}"
        for field in dataclasses.fields(old)
        if field.name not in (*MAY_CHANGE, *old.LATER_STAGES)
        and getattr(with_absolute_paths(old), field.name)
        != getattr(with_absolute_paths(new), field.name)
    ]


def with_absolute_paths(config: ConfigType) -> ConfigType:
    """Return a configuration whose paths do not depend on the working folder.

    A run that is resumed from another folder must not find other files.
    """
    values = {f.name: getattr(config, f.name) for f in dataclasses.fields(config)}
    changed = {name: absolute(config, name, value) for name, value in values.items()}
    return dataclasses.replace(config, **changed)


def absolute(config: RunConfig, name: str, value: Any) -> Any:
    """Return a value as an absolute path if it is a path, and unchanged otherwise.

    Args:
        config: configuration with the option.
        name: name of the option.
        value: value of the option.
    """
    names = config.FILE_OR_NAME.get(name, (value,))
    is_path = isinstance(value, Path) or value not in names
    return type(value)(os.path.abspath(value)) if is_path else value


def with_length(default: ConfigType, asked: ConfigType) -> ConfigType:
    """Let the length of training that a user sets override the default's.

    If the user sets the epochs, the default's steps do not override them. If the user
    sets the steps or the epochs, the default's time limit does not apply.

    Args:
        default: the preset, or the options of the run that is resumed.
        asked: the same configuration with the user's options.
    """
    changes = {}
    if asked.epochs != default.epochs and asked.steps == default.steps:
        changes["steps"] = None
    longer = (asked.steps, asked.epochs) != (default.steps, default.epochs)
    if longer and asked.max_minutes == default.max_minutes:
        changes["max_minutes"] = None
    return dataclasses.replace(asked, **changes)
