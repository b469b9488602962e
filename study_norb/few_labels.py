"""The command `semi-supervised`: what a GAN has learnt without labels, for few labels.

A run's discriminator has seen all training images without their classes. A classifier
of few labelled images begins with its convolutions; the same classifier begins with
random weights, too. Both are trained in the same way, and tested on toys that neither
has seen.

Reference: Radford et al. 2016, arXiv:1511.06434, section 5 (features of D).
"""

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import keras
import numpy as np
from keras import layers
from matplotlib.figure import Figure
from tqdm import tqdm

from common.errors import UserError
from common.features.local_classifier import shift
from common.files import atomic_path
from common.images.pixels import to_floats
from common.startup import progress_interval
from common.training.network_files import load_network
from common.training.run_dir import RunDir
from study_norb.config import Config
from study_norb.data import Toys, load_split
from study_norb.networks import halved

logger = logging.getLogger(__name__)

# What the classifiers begin with, by the headings of the table.
ALONE, GAN = METHODS = ("labels alone", "with the GAN")
# Of both classifiers alike.
BATCH_SIZE = 32
LEARNING_RATE = 1e-3
DROPOUT = 0.5
# Images in one call of the finished classifier.
TEST_BATCH = 256
COLOURS = {ALONE: "#D55E00", GAN: "#0072B2"}


@dataclass(frozen=True)
class Training:
    """One training of the comparison.

    Attributes:
        method: name in METHODS.
        labels: number of labelled images.
        seed: seed of the choice of the labelled images, the weights and the batches.
    """

    method: str
    labels: int
    seed: int


def semi_supervised(
    run: RunDir,
    config: Config | None = None,
    data: Path | None = None,
    counts: Sequence[int] = (50, 100, 500),
    steps: int = 300,
    seeds: int = 3,
    seed: int = 0,
    out: Path | None = None,
) -> str:
    """Compare classifiers of few labels that begin with a run's D, and with nothing.

    Writes semi_supervised.json, .md and .png. They are written again after each pair
    of trainings, so that an interruption loses no finished pair.

    Args:
        run: folder of a run of dcgan or aegan without labels.
        config: options of the run; by default its own.
        data: data set; by default the one that the run was trained on.
        counts: numbers of labelled images, each at least the number of classes.
        steps: training steps of each classifier.
        seeds: number of trainings of each kind.
        seed: the first seed.
        out: folder to write to; by default the run's.

    Returns:
        The table, as Markdown.

    Raises:
        UserError: the run has another model or has seen labels, its training is not
            finished, or an option or the data are wrong.
    """
    config = run.configuration_with_data(config, data)
    check_run(run, config)
    for name, value in (("steps", steps), ("seeds", seeds)):
        if value < 1:
            raise UserError(f"--{name} must be 1 or above, found {value}")
    if seed < 0:
        raise UserError(f"--seed must be a whole number from 0, found {seed}")
    discriminator = load_network(run.discriminator)
    train, test = load_split(config, "train"), load_split(config, "test")
    check_counts(train, counts)
    out, rows = out or run.path, []
    plan = [
        Training(method, count, seed + number)
        for number in range(seeds)
        for count in counts
        for method in METHODS
    ]
    for training in plan:
        rows.append(run_training(config, training, discriminator, steps, train, test))
        if training.method == GAN:
            write(out, steps, rows)
    logger.info("written: semi_supervised.json, .md and .png in %s", out)
    return tabulate(rows)


def check_run(run: RunDir, config: Config) -> None:
    """Check that a run's discriminator can be a classifier that has seen no labels.

    Args:
        run: folder of the run.
        config: its options.

    Raises:
        UserError: it cannot.
    """
    if config.labels != "none":
        raise UserError(
            f"the discriminator in {run.path} has seen labels (--labels "
            f"{config.labels}); give a run with --labels none"
        )
    if config.model == "capsgan" or config.variant == "published":
        raise UserError(
            "semi-supervised needs a light dcgan or aegan, but the run in "
            f"{run.path} is a {config.variant} {config.model}"
        )
    if config.model == "aegan" and config.terms in ("ae", "aae"):
        raise UserError(
            f"the run in {run.path} has --terms {config.terms}, which trains no "
            "discriminator of images; give a run with other --terms"
        )


def check_counts(toys: Toys, counts: Sequence[int]) -> None:
    """Check the numbers of labelled images.

    Args:
        toys: the training split.
        counts: numbers of labelled images.

    Raises:
        UserError: there is only one class or no number, or a number is below that of
            the classes, or above that of the images.
    """
    least, most = len(toys.class_names), len(toys.images)
    if least < 2:
        raise UserError("semi-supervised needs at least 2 classes, found 1")
    if not counts:
        raise UserError("--counts needs at least one number of labelled images")
    for count in counts:
        if not least <= count <= most:
            raise UserError(
                f"--counts must be from {least}, the number of classes, to {most}, "
                f"the number of training images; found {count}"
            )


def choose_labelled(toys: Toys, count: int, seed: int) -> np.ndarray:
    """Choose images to keep the labels of, in equal numbers of each class.

    Within a class, the numbers of each instance are equal, too. Where equal numbers
    are not possible, they differ by 1. A larger choice with the same seed contains
    the smaller one.

    Args:
        toys: the training split.
        count: number of images to choose.
        seed: seed of the choice.

    Returns:
        Rows of the images, int64 (count,), ascending.
    """
    order = np.random.default_rng(seed).permutation(len(toys.classes))
    # Deal as from a shuffled pack: within each class one image of each instance in
    # turn, then one image of each class in turn.
    kinds = toys.classes * (toys.instances.max() + 1) + toys.instances
    for group in (kinds, toys.classes):
        order = order[np.argsort(_turns(group[order]), kind="stable")]
    return np.sort(order[:count])


def _turns(values: np.ndarray) -> np.ndarray:
    """Return for each value how many equal ones come before it, int64 (N,)."""
    order = np.argsort(values, kind="stable")
    _, starts, sizes = np.unique(values[order], return_index=True, return_counts=True)
    turns = np.empty(len(values), np.int64)
    turns[order] = np.arange(len(values)) - np.repeat(starts, sizes)
    return turns


def build_classifier(
    config: Config, classes: int, discriminator: keras.Model | None
) -> keras.Model:
    """Build a classifier on the convolutions of the light discriminator.

    Args:
        config: uses size, cameras, filters and d_filters.
        classes: number K of classes.
        discriminator: network whose convolutions it begins with; random weights if it
            is None.

    Returns:
        images (B, S, S, C) in [-1, 1] -> logits (B, K).
    """
    images = keras.Input((config.size, config.size, config.channels), name="images")
    x = layers.Dropout(DROPOUT)(layers.Flatten()(halved(config, images)))
    classifier = keras.Model(images, layers.Dense(classes)(x), name="classifier")
    if discriminator is not None:
        pairs = zip(convolutions(classifier), convolutions(discriminator), strict=True)
        for own, learnt in pairs:
            own.set_weights(learnt.get_weights())
    return classifier


def convolutions(network: keras.Model) -> list[layers.Conv2D]:
    """Return the convolutions of a network in their order."""
    return [layer for layer in network.layers if isinstance(layer, layers.Conv2D)]


def run_training(
    config: Config,
    training: Training,
    discriminator: keras.Model,
    steps: int,
    train: Toys,
    test: Toys,
) -> dict:
    """Train one classifier and test it after its last step.

    Args:
        config: options of the run.
        training: which one.
        discriminator: the run's D.
        steps: number of training steps.
        train: the training split.
        test: the test split.

    Returns:
        A row of semi_supervised.json.
    """
    keras.utils.set_random_seed(training.seed % 2**32)
    rng = np.random.default_rng(training.seed)
    begin = discriminator if training.method == GAN else None
    classifier = build_classifier(config, len(train.class_names), begin)
    rate = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, steps)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    classifier.compile(keras.optimizers.Adam(rate), loss, jit_compile=False)
    labelled = choose_labelled(train, training.labels, training.seed)
    images, classes = np.asarray(train.images[labelled]), train.classes[labelled]
    title = f"{training.labels} labels, seed {training.seed}, {training.method}"
    bar = tqdm(range(steps), title, unit="step", mininterval=progress_interval())
    for _ in bar:
        rows = rng.integers(0, len(labelled), BATCH_SIZE)
        inputs = to_floats(shift(images[rows], rng))
        last = float(classifier.train_on_batch(inputs, classes[rows]))
        bar.set_postfix(loss=f"{last:.2f}", refresh=False)
    return {**asdict(training), "loss": last, "accuracy": accuracy(classifier, test)}


def accuracy(classifier: keras.Model, toys: Toys) -> float:
    """Return the share of images whose class is found.

    Args:
        classifier: images -> logits (B, K).
        toys: the images and their classes.
    """
    right = 0
    for start in range(0, len(toys.images), TEST_BATCH):
        part = slice(start, start + TEST_BATCH)
        logits = classifier(to_floats(np.asarray(toys.images[part])), training=False)
        right += int(np.sum(np.argmax(logits, axis=1) == toys.classes[part]))
    return right / len(toys.images)


def summarise(rows: list[dict]) -> Iterator[tuple[int, dict[str, np.ndarray]]]:
    """Yield each number of labels with the accuracies of both methods, by seed."""
    for count in sorted({row["labels"] for row in rows}):
        yield (
            count,
            {
                method: np.array(
                    [
                        row["accuracy"]
                        for row in rows
                        if (row["labels"], row["method"]) == (count, method)
                    ]
                )
                for method in METHODS
            },
        )


def tabulate(rows: list[dict]) -> str:
    """Return the accuracies as a Markdown table: means and deviations over the seeds.

    Args:
        rows: rows of semi_supervised.json, both methods of each number and seed.
    """
    lines = [f"| labels | {ALONE} | {GAN} | difference |", "|---:|---:|---:|---:|"]
    for count, found in summarise(rows):
        gain = _percent(found[GAN] - found[ALONE], sign="+")
        alone, gan = (_percent(found[method]) for method in METHODS)
        lines.append(f"| {count} | {alone} | {gan} | {gain} |")
    seeds = len({row["seed"] for row in rows})
    lines += [
        "",
        "Accuracy on all images of the held-out toys, in %: mean and standard "
        f"deviation over {seeds} seeds.",
    ]
    return "\n".join(lines) + "\n"


def _percent(shares: np.ndarray, sign: str = "") -> str:
    return f"{100 * shares.mean():{sign}.1f} ± {100 * shares.std():.1f}"


def draw(rows: list[dict], path: Path) -> None:
    """Draw the accuracies against the number of labels.

    Args:
        rows: rows of semi_supervised.json, both methods of each number and seed.
        path: path of the PNG.
    """
    figure = Figure(figsize=(6.4, 4), layout="constrained")
    axes = figure.subplots()
    counts = [count for count, _ in summarise(rows)]
    for method, color in COLOURS.items():
        shares = [100 * found[method] for _, found in summarise(rows)]
        means = [share.mean() for share in shares]
        axes.plot(counts, means, "o-", color=color, linewidth=2.4, label=method)
        # Each seed's own result.
        for count, share in zip(counts, shares, strict=True):
            axes.plot([count] * len(share), share, ".", color=color, alpha=0.5)
    axes.set_xscale("log")
    axes.set_xticks(counts, [str(count) for count in counts], minor=False)
    axes.minorticks_off()
    axes.set(xlabel="labelled images", ylabel="accuracy on held-out toys, %")
    axes.grid(alpha=0.3)
    axes.legend()
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=110)


def write(out: Path, steps: int, rows: list[dict]) -> None:
    """Write semi_supervised.json, .md and .png.

    Args:
        out: folder.
        steps: training steps of each classifier.
        rows: a dictionary for each training.
    """
    found = {"steps": steps, "trainings": rows}
    text = json.dumps(found, indent=1, allow_nan=False) + "\n"
    for suffix, content in ((".json", text), (".md", tabulate(rows))):
        with atomic_path(out / f"semi_supervised{suffix}") as temporary:
            temporary.write_text(content, encoding="utf-8")
    draw(rows, out / "semi_supervised.png")
