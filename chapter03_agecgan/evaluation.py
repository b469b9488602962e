"""The command `test`: how well a run hits ages, keeps persons and resembles photos."""

from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from chapter03_agecgan.ageing import Ager, draw_aged, draw_people
from chapter03_agecgan.ages import AGE_CLASSES, one_hot
from chapter03_agecgan.config import NAME, Config
from chapter03_agecgan.data import Faces, load_split
from chapter03_agecgan.evaluators import (
    Evaluators,
    choose_evaluators,
    score_ages,
    share_verified,
)
from chapter03_agecgan.learnt import list_ages, read_counts
from chapter03_agecgan.networks import build_generator
from common.data.classes import FEW_ITEMS, few_items
from common.data.splits import random_rows
from common.errors import UserError
from common.gan.latents import sample_latents
from common.gan.sampling import make_images
from common.images.sample_files import draw_neighbours
from common.metrics.fid import fid
from common.metrics.image_scores import choose_count, features_of, score_sets
from common.metrics.memorisation import compare_nearest, nearest_images, spread
from common.metrics.report import table, write_metrics
from common.training.run_dir import RunDir

# Rows of the sheets.
SHOWN = 8
# Generated faces of each age class whose ages are scored.
EACH = 100
# Scores of images with unordered classes; ages are scored by their own measures.
OF_CLASSES = ("is", "mode_score", "label_kl")
# Arrow of a score by a word in its name.
DIRECTIONS = {"error": "↓", "accuracy": "↑", "verification": "↑", "accept": "↓"}
# Prefixes of the baselines' scores in metrics.json.
PREFIXES = {
    "photo unchanged": "baseline_unchanged_",
    "real photos": "baseline_real_",
    "untrained": "baseline_untrained_",
    "book's recipe": "baseline_book_",
}


@dataclass(frozen=True)
class Bench:
    """The photos and networks that runs are scored with.

    Attributes:
        evaluators: networks that recognise ages and persons.
        ages: age classes that are scored: those that the run has learnt, int (K,).
        train: photos that the run has learnt from.
        held_out: photos of these ages that no network has learnt from.
        nearest: distances of held-out photos to their nearest training photos, (M,).
        photos: the held-out photos that are aged, uint8 (N, S, S, 3).
        classes: age classes of these photos, int (N,).
        count: number of faces to generate for the scores against held-out photos.
        seed: seed of the latents.
    """

    evaluators: Evaluators
    ages: np.ndarray
    train: Faces
    held_out: Faces
    nearest: np.ndarray
    photos: np.ndarray
    classes: np.ndarray
    count: int
    seed: int


def test(
    run: RunDir,
    config: Config | None = None,
    data: Path | None = None,
    samples: int | None = None,
    photos: int = 100,
    seed: int = 1,
    recognition: str | None = None,
    book_run: Path | None = None,
) -> dict[str, float]:
    """Score a run; write metrics.json, metrics.md and the sheets.

    Held-out photos are aged to all classes; the age in each photo is given, as in the
    paper. The evaluators have been trained on real photos only. Ages that the run has
    not learnt are left out; both files name them.

    Args:
        run: folder of a run whose three stages have been trained.
        config: options of the run; by default its own.
        data: data set; by default the one that the run was trained on.
        samples: number of faces to generate for the scores against held-out photos;
            by default as many as are held out, at most 5,000.
        photos: largest number of held-out photos to age.
        seed: seed of the latents, of the photos that are drawn at random, and of the
            network that recognises persons.
        recognition: network that recognises persons: "local", "imagenet", or a file;
            by default another network of the run's own kind.
        book_run: folder of a run with --preset book, as a further baseline; its
            scores have the prefix baseline_book_.

    Returns:
        The scores of metrics.json by name.

    Raises:
        UserError: the run has no networks, or the data are wrong, or no held-out photo
            is of an age that the run has learnt.
    """
    if seed < 0:
        raise UserError(f"--seed must be a whole number from 0, found {seed}")
    if photos < 1:
        raise UserError(f"--photos must be at least 1, found {photos}")
    config = run.configuration_with_data(config, data)
    ager = Ager(run, config)
    bench = set_up_bench(config, ager.ages, samples, photos, seed, recognition)
    # The untrained generator draws its weights from Keras's global seed.
    keras.utils.set_random_seed(seed % 2**32)
    columns = {
        "this run": score_run(ager, bench, run),
        "photo unchanged": score_unchanged(bench),
        "real photos": score_real(bench),
        "untrained": score_generator(config, build_generator(config), bench),
    }
    if book_run is not None:
        other = RunDir.find(NAME, book_run)
        other_ager = Ager(other, other.configuration())
        columns["book's recipe"] = score_run(other_ager, bench)
    metrics = dict(columns["this run"])
    for name, prefix in PREFIXES.items():
        metrics |= {f"{prefix}{k}": v for k, v in columns.get(name, {}).items()}
    title = (
        f"{run.path.name}: faces of {config.data or 'procedural stand-in'}, persons "
        f"recognised by {bench.evaluators.recognizer.name}"
    )
    arrows = {
        name: arrow
        for name in metrics
        for word, arrow in DIRECTIONS.items()
        if word in name
    }
    few = few_items(read_counts(run) or {})
    metrics |= {f"training_photos_{name}": count for name, count in few.items()}
    text = table(title, columns, arrows) + describe_few(few)
    write_metrics(run.path, metrics, text)
    return metrics


def describe_few(few: dict[str, int]) -> str:
    """Return lines that name the ages with few training photos, or with none.

    Args:
        few: number of training photos of each such age class.
    """
    missing = [name for name, count in few.items() if not count]
    rare = [f"{name} ({count})" for name, count in few.items() if count]
    lines = [
        ("not learnt", missing),
        (f"learnt from fewer than {FEW_ITEMS} photos", rare),
    ]
    return "".join(f"\n{text}: {', '.join(names)}\n" for text, names in lines if names)


def set_up_bench(
    config: Config,
    ages: np.ndarray,
    samples: int | None,
    photos: int,
    seed: int,
    recognition: str | None,
) -> Bench:
    """Load the photos, and train or load the evaluators; see `test`."""
    train, held_out = load_split(config, "train"), load_split(config, "test")
    held_out = held_out.subset(np.flatnonzero(np.isin(held_out.classes, ages)))
    if not len(held_out.images):
        raise UserError(
            f"{held_out.folder}: no held-out photo is of an age that the run has "
            f"learnt ({', '.join(list_ages(ages))}); test on other photos with --data"
        )
    count = choose_count(samples, len(train.images), len(held_out.images))
    evaluators = choose_evaluators(config, train, held_out, seed, recognition)
    chosen = random_rows(np.random.default_rng(seed), len(held_out.images), photos)
    return Bench(
        evaluators,
        ages,
        train,
        held_out,
        nearest_images(spread(held_out.images), train.images),
        held_out.images[chosen],
        held_out.classes[chosen],
        count,
        seed,
    )


def score_nearest(
    bench: Bench, faces: np.ndarray, wanted: np.ndarray, suffix: str = ""
) -> dict[str, float]:
    """Compare faces with held-out photos by their distances to training photos.

    Args:
        bench: training photos, and the distances of held-out photos.
        faces: uint8 (N, S, S, 3).
        wanted: wanted age class of each face, int (N,).
        suffix: end of the scores' names.

    Returns:
        The scores of `compare_nearest`, and the ratio of each age class.
    """
    nearest = nearest_images(faces, bench.train.images)
    scores = compare_nearest(nearest, bench.nearest)
    named = {f"{name}{suffix}": value for name, value in scores.items()}
    ratio = "nearest_training_ratio"
    for number in bench.ages:
        scores = compare_nearest(nearest[wanted == number], bench.nearest)
        if ratio in scores:
            named[f"{ratio}{suffix}_{AGE_CLASSES[number]}"] = scores[ratio]
    return named


def score_run(ager: Ager, bench: Bench, run: RunDir | None = None) -> dict[str, float]:
    """Return all scores of a run.

    Args:
        ager: networks of the run.
        bench: photos and evaluators.
        run: folder to draw the sheets into, or None to draw none.
    """
    scores = score_generator(ager.config, ager.generator, bench)
    latents = ager.latents(bench.photos, bench.classes)
    aged = ager.at_ages(latents, bench.ages)
    scores |= score_aged(bench, aged)
    if bench.evaluators.verified:
        scores |= score_rebuilt(ager, bench, aged)
    if run is not None:
        # Spread over all photos: photos next to each other may show the same person.
        shown = np.linspace(0, len(aged) - 1, min(SHOWN, len(aged))).astype(int)
        draw_aged(
            bench.photos[shown],
            aged[shown],
            run.path / "aged.png",
            bench.ages,
            bench.classes[shown],
        )
        new = sample_latents(ager.config, SHOWN, bench.seed)
        people = ager.at_ages(new, bench.ages)
        draw_people(people, run.path / "samples.png", bench.ages)
        own = people[np.arange(SHOWN), np.arange(SHOWN) % len(bench.ages)]
        draw_neighbours(own, bench.train.images, run.path / "neighbours.png")
    return scores


def score_generator(
    config: Config, generator: keras.Model, bench: Bench
) -> dict[str, float]:
    """Return the scores of faces that are generated from random latents.

    Ages are scored on equally many faces of each class. For the scores against
    held-out photos the faces have the ages of these photos. The FID of each class
    compares with the training photos of that class, because few are held out.
    """
    evaluators = bench.evaluators
    wanted = np.tile(bench.ages, EACH)
    faces = _faces(config, generator, wanted, bench.seed)
    ages = score_ages(evaluators, faces, wanted)
    scores = {f"{name}_generated": value for name, value in ages.items()}
    scores |= score_nearest(bench, faces, wanted)
    drawn = np.resize(bench.held_out.classes, bench.count)
    like_photos = _faces(config, generator, drawn, bench.seed + 1)
    scores |= _closeness(evaluators, like_photos, bench.held_out.images)
    for number in bench.ages:
        name = AGE_CLASSES[number]
        real = bench.train.images[bench.train.classes == number]
        if len(real) >= EACH:
            pair = (real, faces[wanted == number])
            statistics = [
                features_of(i, evaluators.ages, name).statistics for i in pair
            ]
            scores[f"fid_{name}_{evaluators.ages.name}"] = fid(*statistics)
    return scores


def _faces(
    config: Config, generator: keras.Model, classes: np.ndarray, seed: int
) -> np.ndarray:
    """Return one face of a new person for each given age class: uint8 (N, S, S, 3)."""
    latents = sample_latents(config, len(classes), seed)
    return make_images(generator, [latents, one_hot(classes)])


def _closeness(
    evaluators: Evaluators, faces: np.ndarray, real: np.ndarray
) -> dict[str, float]:
    """Return FID, KID, precision and recall of faces against real ones."""
    scores = score_sets({"": faces}, real, evaluators.ages)[""]
    return {k: v for k, v in scores.items() if not k.startswith(OF_CLASSES)}


def score_aged(bench: Bench, aged: np.ndarray) -> dict[str, float]:
    """Return the scores of photos that were aged to all K classes of the bench.

    Args:
        bench: the original photos, and the evaluators.
        aged: each photo at all ages, uint8 (N, K, S, S, 3).
    """
    evaluators = bench.evaluators
    wanted = np.tile(bench.ages, len(aged))
    faces = aged.reshape(-1, *aged.shape[2:])
    ages = score_ages(evaluators, faces, wanted)
    scores = {f"{name}_aged": value for name, value in ages.items()}
    scores |= score_nearest(bench, faces, wanted, "_aged")
    if evaluators.verified:
        scores["identity_verification_aged"] = share_verified(
            evaluators, bench.photos, aged
        )
        scores["identity_false_accept"] = evaluators.verified["false_accept"]
    return scores


def score_rebuilt(ager: Ager, bench: Bench, aged: np.ndarray) -> dict[str, float]:
    """Return the share of persons that are recognised at their own age.

    "encoder" is measured with the encoder's first estimate of z, "final" with the z
    that ageing uses. The paper's table has the same measure.
    """
    rows = np.arange(len(aged))
    own = np.searchsorted(bench.ages, bench.classes)
    guessed = ager.at_ages(ager.first_guess(bench.photos), bench.ages)
    return {
        f"identity_verification_rebuilt_{name}": share_verified(
            bench.evaluators, bench.photos, faces[rows, own][:, None]
        )
        for name, faces in (("encoder", guessed), ("final", aged))
    }


def score_unchanged(bench: Bench) -> dict[str, float]:
    """Return the scores of a baseline that takes the photo itself for every age."""
    repeated = np.repeat(bench.photos[:, None], len(bench.ages), axis=1)
    scores = score_aged(bench, repeated)
    wanted = np.resize(bench.ages, len(bench.photos))
    ages = score_ages(bench.evaluators, bench.photos, wanted)
    return scores | {f"{name}_generated": value for name, value in ages.items()}


def score_real(bench: Bench) -> dict[str, float]:
    """Return the scores of real photos, the best that can be expected."""
    held_out = bench.held_out
    ages = score_ages(bench.evaluators, held_out.images, held_out.classes)
    rng = np.random.default_rng(bench.seed)
    rows = random_rows(rng, len(bench.train.images), bench.count)
    closeness = _closeness(bench.evaluators, bench.train.images[rows], held_out.images)
    real = spread(bench.train.images[rows])
    nearest = nearest_images(real, bench.train.images)
    closeness |= compare_nearest(nearest, bench.nearest)
    return {f"{name}_generated": value for name, value in ages.items()} | closeness
