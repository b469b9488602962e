"""What every run can be told, and its way to JSON and back."""

import dataclasses
import json
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar

from common.errors import UserError

OptimizerName = Literal["adam", "sgd", "rmsprop", "adadelta"]
Activation = Literal["relu", "leaky_relu", "elu", "selu", "tanh", "sigmoid"]

# Steps are counted in int64 and random keys folded from int32 parts.
LARGEST = 2**31
Precision = Literal["auto", "float32", "mixed_bfloat16", "mixed_float16"]


@dataclass(frozen=True)
class RunConfig:
    """The fields that every run has. A chapter's Config adds its own.

    A field's docstring is its help text; a source stands in brackets.
    """

    # Options of later stages: they may change on resume, and only those stages start
    # again.
    LATER_STAGES: ClassVar[tuple[str, ...]] = ()
    # New names of options by the names that they had in earlier versions.
    RENAMED: ClassVar[dict[str, str]] = {}

    seed: int = 0
    """Root of all random numbers: weights, order of the data, noise."""

    data: Path | None = None
    """The real data set: a folder, or a file that the chapter's README names.
    Without it the chapter makes its stand-in."""

    batch_size: int = 32
    """Items in one training batch."""

    steps: int | None = None
    """Training steps in all; overrides epochs."""

    epochs: float | None = None
    """Passes over the data set."""

    max_minutes: float | None = None
    """End training cleanly after so many minutes, however far it is."""

    validation_every: int | None = None
    """Leave each so many-th training item out, to choose options by, as `tune` does;
    without it all are learnt from."""

    precision: Precision = "auto"
    """Number format of the networks' arithmetic. auto: mixed_bfloat16 where this
    machine is measured to be faster with it, else float32; weights stay float32."""

    strategy: Literal["none", "mirrored", "multiworker"] = "none"
    """Devices to train on: one, all of this machine, or those of all machines that
    the environment variable TF_CONFIG names. They share each batch."""

    jit: Literal["auto", "on", "off"] = "auto"
    """Compile the training step with XLA. auto: on a GPU only."""

    steps_per_execution: int = 1
    """Steps that run between two returns to Python."""

    update_mode: Literal["alternating", "simultaneous"] = "alternating"
    """alternating: the generator's pass comes after the discriminator's update
    [Goodfellow et al. 2014, algorithm 1]. simultaneous: both from one pass."""

    log_every: int = 50
    """Steps between two rows of metrics.csv."""

    sample_every: int = 250
    """Steps between two pictures of samples on the same latents."""

    checkpoint_every: int = 250
    """Steps between two checkpoints."""

    cache_mb: int = 1024
    """Memory that decoded data may take; what does not fit stays on the disk."""

    def validate(self) -> None:
        """Check the values that are wrong in every chapter.

        Raises:
            UserError: names the option, what was expected and what was found.
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
    """Raise a UserError about field `name` unless `condition` holds."""
    if not condition:
        option = "--" + name.replace("_", "-")
        raise UserError(f"{option} must be {expected}, found {getattr(config, name)}")


def require_positive(config: Any, names: str) -> None:
    """Check that the fields (names with spaces between) are above 0 or None."""
    for name in names.split():
        value = getattr(config, name)
        finite = value is None or 0 < value < LARGEST
        require(config, name, finite, "above 0 and finite")


def require_range(
    config: Any, names: str, low: float, high: float, expected: str
) -> None:
    """Check that the fields (names with spaces between) are in [low, high) or None."""
    for name in names.split():
        value = getattr(config, name)
        fits = value is None or low <= value < high
        require(config, name, fits, expected)


def check_gan_options(config: Any, sizes: tuple[int, ...] = ()) -> None:
    """Check the options that chapters share, those of them that a chapter has.

    Args:
        config: configuration of a chapter.
        sizes: what `size` may be, or () if the chapter has no such option.

    Raises:
        UserError: names the option, what was expected and what was found.
    """

    def among(names: str) -> str:
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
    """Return the name of the package that a class of configurations is from."""
    return config_class.__module__.partition(".")[0]


def to_json(config: RunConfig) -> str:
    """Return the configuration as JSON text; paths become strings."""
    return json.dumps(dataclasses.asdict(config), indent=2, default=str) + "\n"


def from_json(config_class: type[ConfigType], text: str, origin: str) -> ConfigType:
    """Return the configuration that `to_json` wrote.

    Args:
        config_class: the chapter's Config.
        text: JSON.
        origin: where the text is from, for messages.

    Raises:
        UserError: no JSON object, an unknown field, or a wrong value.
    """
    try:
        values = json.loads(text)
    except ValueError as error:
        raise UserError(f"{origin} is not valid JSON: {error}") from error
    if not isinstance(values, dict):
        raise UserError(f"{origin} must hold one JSON object of options")
    named = values.pop("chapter", package_of(config_class))
    if named != package_of(config_class):
        raise UserError(
            f"{origin} is of {named}, and this is {package_of(config_class)}"
        )
    values = {config_class.RENAMED.get(k, k): value for k, value in values.items()}
    hints = typing.get_type_hints(config_class)
    types = {f.name: hints[f.name] for f in dataclasses.fields(config_class)}
    unknown = sorted(set(values) - set(types))
    if unknown:
        raise UserError(
            f"{origin} has the unknown option {unknown[0]}; "
            f"known are {', '.join(sorted(types))}"
        )
    config = config_class(
        **{name: _restore(types[name], value) for name, value in values.items()}
    )
    try:
        config.validate()
    except TypeError as error:
        raise UserError(f"{origin} has a value of a wrong type: {error}") from error
    return config


def _restore(kind: Any, value: Any) -> Any:
    """Turn a JSON value back into a field's type: paths and tuples."""
    if isinstance(value, list):
        return tuple(value)
    if isinstance(value, str) and Path in (kind, *typing.get_args(kind)):
        return Path(value)
    return value


# A longer training is the same training, gone on with.
# Any number of devices takes the same steps.
MAY_CHANGE = ("steps", "epochs", "max_minutes", "cache_mb", "data", "strategy")


def differences(old: RunConfig, new: RunConfig) -> list[str]:
    """Return "name: old value -> new value" for fields that a run cannot change."""
    return [
        f"{field.name}: {getattr(old, field.name)} -> {getattr(new, field.name)}"
        for field in dataclasses.fields(old)
        if field.name not in (*MAY_CHANGE, *old.LATER_STAGES)
        and getattr(old, field.name) != getattr(new, field.name)
    ]


def with_length(default: ConfigType, asked: ConfigType) -> ConfigType:
    """Let the length that a user asks for win over the default's.

    Epochs that were asked for are not overridden by the default's steps, and a
    length that was asked for is not cut short by the default's time limit.

    Args:
        default: the preset, or the options of the run that is resumed.
        asked: the same with the user's options.
    """
    changes = {}
    if asked.epochs != default.epochs and asked.steps == default.steps:
        changes["steps"] = None
    longer = (asked.steps, asked.epochs) != (default.steps, default.epochs)
    if longer and asked.max_minutes == default.max_minutes:
        changes["max_minutes"] = None
    return dataclasses.replace(asked, **changes)
