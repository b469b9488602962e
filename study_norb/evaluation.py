"""The command `test`: scores of a run against held-out toys."""

from dataclasses import dataclass, fields, replace
from pathlib import Path

import keras
import numpy as np

from common.data.splits import random_rows
from common.errors import UserError
from common.features import extractors
from common.gan.latents import sample_latents
from common.images import writing
from common.images.grids import image_grid
from common.images.sample_files import draw_neighbours
from common.metrics.image_scores import choose_count, features_of, score_images
from common.metrics.memorisation import score_copied_images
from common.metrics.report import table, write_metrics
from common.training.network_files import load_network
from common.training.run_dir import RunDir
from study_norb.camera_images import left
from study_norb.config import NAME, Config, Extractor
from study_norb.data import Toys, load_split
from study_norb.generation import Labels, make_toys
from study_norb.label_scores import (
    chance_scores,
    class_scores,
    classify,
    pose_scores,
)
from study_norb.model_scores import (
    capsule_scores,
    mean_image_scores,
    reconstruction_scores,
)
from study_norb.networks import build_generator
from study_norb.pose_regression import pose_network
from study_norb.score_sheets import COLUMNS, draw_classes, draw_reconstructions
from study_norb.training import check_classes, load_encoder

# Training steps of the classifier whose features the scores compare.
STEPS = 500
# Prefixes of the baselines' scores in metrics.json.
PREFIXES = {
    "training images": "baseline_train_",
    "held-out images": "baseline_heldout_",
    "untrained": "baseline_untrained_",
    "seed's network": "baseline_seed_",
    "mean image": "baseline_mean_",
    "chance": "baseline_chance_",
}
# Scores of classes that compare two sets; the shares of the classes tell more.
COMPARING = ("mode_score", "label_kl")
# Arrows of scores by the beginning of their names.
ARROWS = {
    "label_accuracy": "↑",
    "classifier_accuracy": "↑",
    "min_class_share": "↑",
    "n_classes": "↑",
    "azimuth_error": "↓",
    "median_azimuth_error": "↓",
    "elevation_error": "↓",
    "r_x": "↓",
    "r_z": "↓",
    "z_mean_abs": "→ 0",
    "z_std_mean": "→ 1",
}


@dataclass(frozen=True)
class ImageSet:
    """Images to score.

    Attributes:
        images: uint8 (N, S, S, C).
        labels: true or wanted labels; None for images that were generated for none.
    """

    images: np.ndarray
    labels: Labels | None


@dataclass(frozen=True)
class Bench:
    """The images and networks that runs are scored with.

    Attributes:
        train: all training images of the run.
        held_out: the held-out images that are drawn at random, of other toys.
        labels: what images are generated for: labels of held-out images.
        extractor: network whose features are compared.
        classifier: network that recognises the classes; None with a single class.
        poses: network that reads poses; None unless the run is generated for poses.
        count: number of images to generate.
        seed: seed of the latents.
    """

    train: Toys
    held_out: Toys
    labels: Labels
    extractor: extractors.Extractor
    classifier: extractors.Extractor | None
    poses: keras.Model | None
    count: int
    seed: int


def test(
    run: RunDir,
    config: Config | None = None,
    data: Path | None = None,
    samples: int | None = None,
    seed: int = 1,
    extractor: Extractor = "local",
    weights: Path | None = None,
    seed_run: Path | None = None,
) -> dict[str, float]:
    """Score a run's generator; write metrics.json, metrics.md and the sheets.

    The local features are those of a classifier of the training images of the left
    camera, so they are the same for all runs on the same data, size and classes. Of
    stereo pairs the left images are scored. Conditional runs generate images for the
    labels of held-out images.

    The table has these baselines: training images drawn at random, which show the best
    scores that can be expected; held-out images, whose classes and poses show how
    reliable the networks are that read them; the generator before training; and, if
    `seed_run` is given, a run of the seed's networks on the same data.

    Args:
        run: folder of the run.
        config: options of the run; by default its own.
        data: data set; by default the one that the run was trained on.
        samples: number of images to generate and, at most, of held-out images to
            compare them with; by default as many as are held out, at most 5,000.
        seed: seed of the latents and of the images that are drawn at random.
        extractor: "local" or "inceptionv3"; part of the name of each score.
        weights: file with InceptionV3's weights, or None for Keras's cache.
        seed_run: folder of a run with --variant published, as a further baseline; its
            scores have the prefix baseline_seed_.

    Returns:
        The scores of metrics.json by name.

    Raises:
        UserError: a run has no generator, the data are wrong or too few, or `seed_run`
            has other images.
    """
    if seed < 0:
        raise UserError(f"--seed must be a whole number from 0, found {seed}")
    config = run.configuration_with_data(config, data)
    generator = load_network(run.generator)
    # Checked before anything is trained.
    other = None if seed_run is None else find_seed_run(seed_run, config)
    bench = set_up_bench(config, samples, seed, extractor, weights)
    made = generate_for(bench, config, generator)
    sets = {"this run": made} | baseline_sets(bench, config, other)
    results = compare(bench, sets)
    held_out = ImageSet(bench.held_out.images, labels_of(bench.held_out))
    for name, shown in (sets | {"held-out images": held_out}).items():
        results[name] = results.get(name, {}) | recognise(bench, shown)
    if bench.classifier is not None:
        accuracy = results["held-out images"]["label_accuracy"]
        results["this run"]["classifier_accuracy"] = accuracy
    if bench.poses is not None:
        results["chance"] = chance_scores(bench.held_out.elevations)
    for name, scores in score_model(run, config, generator, bench, made).items():
        results[name] = results.get(name, {}) | scores
    metrics = dict(results["this run"])
    for name, prefix in PREFIXES.items():
        metrics |= {f"{prefix}{k}": v for k, v in results.get(name, {}).items()}
    write_table(run, config, metrics, results)
    draw_sheets(run, config, bench, left(made.images))
    return metrics


def find_seed_run(path: Path, config: Config) -> RunDir:
    """Return the run whose scores are a baseline.

    Args:
        path: folder of the other run.
        config: options of the run that is scored.

    Raises:
        UserError: its images have another size or other classes.
    """
    run = RunDir.find(NAME, path)
    other = run.read_config(Config)
    if other.size != config.size:
        raise UserError(
            f"--seed-run {run.path} makes images of {other.size} pixels, this run of "
            f"{config.size}; give a run of the same size"
        )
    if other.classes != config.classes:
        wanted, found = (", ".join(c.classes) or "all" for c in (config, other))
        raise UserError(
            f"--seed-run {run.path} has learnt the classes {found}, this run {wanted}; "
            "give a run of the same classes"
        )
    return run


def set_up_bench(
    config: Config,
    samples: int | None,
    seed: int,
    extractor: Extractor,
    weights: Path | None,
) -> Bench:
    """Load the images, and train or load the networks; see `test`."""
    train, held_out = load_split(config, "train"), load_split(config, "test")
    if config.labels != "none":
        check_classes(config, held_out)
    count = choose_count(samples, len(train), len(held_out))
    rng = np.random.default_rng(seed)
    held_out = take(held_out, random_rows(rng, len(held_out), count))
    # Labels of all held-out images, in random order; again if more are generated.
    asked = take(held_out, np.resize(rng.permutation(len(held_out)), count))
    seen = seen_left(config, train)
    classifier = choose_classifier(seen)
    return Bench(
        train,
        held_out,
        labels_of(asked),
        choose_extractor(extractor, weights, seen, classifier),
        classifier,
        pose_network(seen) if config.labels == "pose" else None,
        count,
        seed,
    )


def seen_left(config: Config, toys: Toys) -> Toys:
    """Return the images of the left camera only; (N, S, S, 1).

    Args:
        config: uses cameras.
        toys: one split. With cameras="both", every second image is a left one.
    """
    step = 2 if config.cameras == "both" else 1
    toys = take(toys, slice(None, None, step))
    return replace(toys, images=left(toys.images))


def take(toys: Toys, rows: np.ndarray | slice) -> Toys:
    """Return some of the images, with what is known about them."""
    chosen = {
        field.name: getattr(toys, field.name)[rows]
        for field in fields(toys)
        if field.name != "class_names"
    }
    return replace(toys, **chosen)


def labels_of(toys: Toys) -> Labels:
    """Return the labels of images."""
    return Labels(toys.classes, toys.azimuths, toys.elevations, toys.lightings)


def choose_classifier(toys: Toys) -> extractors.Extractor | None:
    """Return the network that recognises the classes; None with a single class.

    Args:
        toys: training images of the left camera.
    """
    if len(toys.class_names) == 1:
        return None
    return extractors.local(toys.images, toys.classes, steps=STEPS)


def choose_extractor(
    name: Extractor,
    weights: Path | None,
    toys: Toys,
    classifier: extractors.Extractor | None,
) -> extractors.Extractor:
    """Return the network whose features the scores are computed from.

    Args:
        name: "local" or "inceptionv3".
        weights: file with InceptionV3's weights.
        toys: training images of the left camera.
        classifier: the local network; with a single class there is none, and one is
            trained without labels.
    """
    if name == "inceptionv3":
        return extractors.inceptionv3(weights)
    return classifier or extractors.local_unlabelled(toys.images, steps=STEPS)


def generate_for(bench: Bench, config: Config, generator: keras.Model) -> ImageSet:
    """Return images for the labels of the bench.

    Args:
        bench: count, labels and seed.
        config: options of the run of the generator; without labels, the bench's are
            not used.
        generator: z, or [z, label], -> images.
    """
    latents = sample_latents(config, bench.count, bench.seed)
    images = make_toys(config, generator, latents, bench.labels)
    return ImageSet(images, None if config.labels == "none" else bench.labels)


def baseline_sets(
    bench: Bench, config: Config, other: RunDir | None
) -> dict[str, ImageSet]:
    """Return the images of the baselines by their names.

    Args:
        bench: training images, count, labels and seed.
        config: options of the run that is scored.
        other: run of the seed's networks, or None.
    """
    rng = np.random.default_rng(bench.seed)
    # In random order: the parts of the Inception Score must not be sorted by class.
    drawn = take(bench.train, rng.permutation(len(bench.train))[: bench.count])
    sets = {"training images": ImageSet(drawn.images, labels_of(drawn))}
    # The untrained generator draws its weights from Keras's global seed.
    keras.utils.set_random_seed(bench.seed % 2**32)
    sets["untrained"] = generate_for(bench, config, build_generator(config))
    if other is not None:
        network = load_network(other.generator)
        own = other.read_config(Config)
        sets["seed's network"] = generate_for(bench, own, network)
    return sets


def compare(bench: Bench, sets: dict[str, ImageSet]) -> dict[str, dict[str, float]]:
    """Return the scores of sets of images against held-out and training images.

    Args:
        bench: images and networks.
        sets: the sets by their names.
    """
    columns = {name: left(shown.images) for name, shown in sets.items()}
    held_out = left(bench.held_out.images)
    reference = features_of(held_out, bench.extractor, "held out")
    left_out = COMPARING if bench.classifier else (*COMPARING, "is")
    copied = score_copied_images(columns, held_out, left(bench.train.images))
    results = {}
    for name, images in columns.items():
        features = features_of(images, bench.extractor, name)
        scores = score_images(features, reference)
        own = {k: v for k, v in scores.items() if not k.startswith(left_out)}
        results[name] = own | copied[name]
    return results


def recognise(bench: Bench, shown: ImageSet) -> dict[str, float]:
    """Return the scores of the classes and poses that are recognised in images.

    Args:
        bench: networks that recognise them.
        shown: the images; without labels, only the shares of the classes are scored.

    Returns:
        The scores of `class_scores`; label_accuracy, the share of the images that are
        put in the class of their label; and the scores of `pose_scores`.
    """
    scores, images, labels = {}, left(shown.images), shown.labels
    if bench.classifier is not None:
        guessed = classify(bench.classifier, images)
        scores |= class_scores(guessed, bench.train.class_names)
        if labels is not None:
            scores["label_accuracy"] = float(np.mean(guessed == labels.classes))
    if bench.poses is not None and labels is not None:
        scores |= pose_scores(bench.poses, images, labels.azimuths, labels.elevations)
    return scores


def score_model(
    run: RunDir, config: Config, generator: keras.Model, bench: Bench, made: ImageSet
) -> dict[str, dict[str, float]]:
    """Return the scores that only aegan or the light capsgan has, by columns.

    Args:
        run: folder of the run; aegan's reconstructions are drawn into it.
        config: options of the run. With terms="gan", aegan trains no encoder.
        generator: generator of the run.
        bench: images and latents.
        made: generated images.
    """
    held_out = bench.held_out.images
    if config.model == "aegan" and config.terms != "gan":
        encoder = load_encoder(run)
        rng = np.random.default_rng(bench.seed)
        rows = random_rows(rng, len(bench.train), bench.count)
        latents = sample_latents(config, bench.count, bench.seed)
        own = reconstruction_scores(
            generator, encoder, held_out, bench.train.images[rows], latents
        )
        draw_reconstructions(
            generator, encoder, bench.held_out, run.path / "reconstructions.png"
        )
        mean = mean_image_scores(held_out, bench.train.images)
        return {"this run": own, "mean image": mean}
    if config.model == "capsgan" and config.variant == "light":
        discriminator = load_network(run.discriminator)
        shift = config.augment_shift
        return {"this run": capsule_scores(discriminator, held_out, made.images, shift)}
    return {}


def write_table(
    run: RunDir,
    config: Config,
    metrics: dict[str, float],
    results: dict[str, dict[str, float]],
) -> None:
    """Write metrics.json and metrics.md; the table has the columns in a fixed order."""
    order = [name for name in ("this run", *PREFIXES) if name in results]
    arrows = {
        name: arrow
        for name in metrics
        for start, arrow in ARROWS.items()
        if name.startswith(start)
    }
    kind = f"{config.model} {config.variant}, {config.size}^2"
    title = f"{run.path.name}: toys of {config.data or 'procedural stand-in'}, {kind}"
    text = table(title, {name: results[name] for name in order}, arrows)
    write_metrics(run.path, metrics, text)


def draw_sheets(run: RunDir, config: Config, bench: Bench, made: np.ndarray) -> None:
    """Draw samples.png, a row for each class, and neighbours.png.

    With labels, each row shows images of the class that they were generated for, with
    poses by azimuth. Without, it shows those that the classifier puts in the class, and
    their share. Of a single class, samples.png is a grid.

    Args:
        run: folder to draw into.
        config: uses labels.
        bench: labels, classifier and training images.
        made: generated images, uint8 (N, S, S, 1).
    """
    path = run.path / "samples.png"
    if bench.classifier is None and config.labels != "pose":
        writing.save_image(image_grid(made[: COLUMNS * COLUMNS]), path)
    elif config.labels == "none":
        classes = classify(bench.classifier, made)
        shares = np.bincount(classes, minlength=len(bench.train.class_names))
        names = [
            f"{name} {100 * share / len(made):.0f} %"
            for name, share in zip(bench.train.class_names, shares, strict=True)
        ]
        writing.save_image(draw_classes(made, classes, names), path)
    else:
        azimuths = bench.labels.azimuths if config.labels == "pose" else None
        names = bench.train.class_names
        writing.save_image(
            draw_classes(made, bench.labels.classes, names, azimuths), path
        )
    shown = np.linspace(0, len(made) - 1, COLUMNS).astype(int)
    draw_neighbours(made[shown], left(bench.train.images), run.path / "neighbours.png")
