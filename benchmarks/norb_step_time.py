"""Compare the time of a step of DCGAN, CapsGAN and AEGAN with that of Keras's loop.

    python -m benchmarks.norb_step_time --variant light

For each model, all of them have the same networks, batch, losses and optimizers,
without penalty, augmentation and weight averages:
  ours         the compiled step of AdversarialModel, alternating updates
  ours_shared  the same with all networks updated from one shared pass: less work, a
               different algorithm
  book_style   predict, train_on_batch for each discriminator, and one train_on_batch of
               the combined model; for aegan a quarter of its author's loop, which
               trains on four mini-batches
A step of ours trains AEGAN's discriminators on three mini-batches (real and two kinds
of generated items); a quarter of its author's loop, on one.

The output is a table, and in its last line one JSON object. Times are in seconds:
medians over rounds, in each of which every variant runs once.
"""

import dataclasses
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import tyro

from benchmarks.aegan_loop import MINI_BATCHES, aegan_loop
from benchmarks.book_loop import book_loop, latent_inputs
from benchmarks.timing import compiled_step, take_turns
from common.gan.optimizers import build_optimizers
from common.training import devices
from common.training.environment import describe_environment
from study_norb import networks
from study_norb.config import PRESETS, Config
from study_norb.models.capsgan import margin_loss
from study_norb.training import build_model

MODELS = ("dcgan", "capsgan", "aegan")
# Images in a batch of the published networks, of which a step takes seconds.
PUBLISHED_BATCH = 4


@dataclass(frozen=True)
class Options:
    """Compare one training step with the loop that books write."""

    variant: Literal["light", "published"] = "light"
    """Networks, at the size of their preset: 48 pixels for light, 96 for published."""

    models: tuple[Literal["dcgan", "capsgan", "aegan"], ...] = MODELS
    """Models to measure."""

    batch_size: int | None = None
    """Images in a batch; by default the preset's for light, and 4 for published."""

    rounds: int = 7
    """Rounds of measurements."""

    calls: int = 5
    """Steps of each variant in one round."""


def step_config(options: Options, model: str, mode: str = "alternating") -> Config:
    """Return the preset without the options that the book's loop does not have."""
    if options.variant == "light":
        config = PRESETS["quick"]
        batch = options.batch_size or config.batch_size
    else:
        config = PRESETS["paper"]
        batch = options.batch_size or PUBLISHED_BATCH
    return dataclasses.replace(
        config,
        model=model,
        r1_gamma=0.0,
        augment_shift=0,
        average=0.0,
        update_mode=mode,
        batch_size=batch,
        precision="float32",
    )


def real_batch(config: Config) -> np.ndarray:
    """Return noise instead of images (B, S, S, C), float32 in [-1, 1]."""
    shape = (config.batch_size, config.size, config.size, config.channels)
    return np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)


def ours(config: Config) -> Callable[[], object]:
    """Return a function that runs one compiled step of AdversarialModel."""
    return compiled_step(
        build_model(config), real_batch(config), devices.use_jit(config)
    )


def book_style(config: Config) -> Callable[[], object]:
    """Return a function that runs one step of the book's loop; for aegan, one round."""
    generator = networks.build_generator(config)
    discriminator = networks.build_discriminator(config)
    real = real_batch(config)
    d_optimizer, g_optimizer = build_optimizers(config)
    if config.model == "aegan":
        dz_optimizer, _ = build_optimizers(config)
        return aegan_loop(
            generator,
            networks.build_encoder(config),
            discriminator,
            networks.build_latent_discriminator(config),
            real,
            (d_optimizer, dz_optimizer, g_optimizer),
            (config.image_weight, config.latent_weight),
        )
    game = None
    if config.model == "capsgan" and config.variant == "light":
        # One capsule must be long, "real" or "generated", and the other one short.
        targets = np.eye(2, dtype=np.float32)[:, None].repeat(len(real), axis=1)
        game = (lambda target, lengths: margin_loss(lengths, target), *targets)
    return book_loop(
        generator,
        discriminator,
        real,
        latent_inputs(generator, config.batch_size),
        (d_optimizer, g_optimizer),
        game=game,
    )


def measure(options: Options, model: str) -> dict[str, float]:
    """Return the seconds of a step of each variant, and the ratios, for one model."""
    works = {
        "book_style": book_style(step_config(options, model)),
        "ours": ours(step_config(options, model)),
        "ours_shared": ours(step_config(options, model, "simultaneous")),
    }
    seconds = take_turns(works, options.rounds, options.calls)
    if model == "aegan":
        seconds["book_style"] /= MINI_BATCHES
    book = seconds["book_style"]
    found = {f"seconds_{name}": round(value, 4) for name, value in seconds.items()}
    ours_alone = (name for name in seconds if name != "book_style")
    return found | {f"ratio_{n}": round(book / seconds[n], 2) for n in ours_alone}


def tabulate(results: dict[str, dict[str, float]]) -> str:
    """Return the results of the models as a Markdown table.

    Args:
        results: results of `measure` by model.
    """
    names = list(next(iter(results.values())))
    lines = [
        "| model | " + " | ".join(names) + " |",
        "|---" + "|---:" * len(names) + "|",
    ]
    for model, found in results.items():
        cells = [str(found[name]) for name in names]
        lines.append("| " + " | ".join([model, *cells]) + " |")
    return "\n".join(lines) + "\n"


def report(options: Options) -> dict:
    """Measure all models and return the JSON object."""
    # As in `train`.
    config = step_config(options, MODELS[0])
    devices.set_up(config, bfloat16_keeps_quality=False)
    results = {model: measure(options, model) for model in options.models}
    sys.stdout.write(tabulate(results))
    facts = {"variant": options.variant, "size": config.size}
    facts["batch_size"] = config.batch_size
    machine = describe_environment()
    facts |= {key: machine[key] for key in ("processor", "cores", "devices")}
    return results | facts


if __name__ == "__main__":
    sys.stdout.write(json.dumps(report(tyro.cli(Options))) + "\n")
