"""What a trained GAN is worth, by scores against held-out images."""

import logging
from pathlib import Path

import keras
import numpy as np

from chapter01_gan.config import Config, Extractor
from chapter01_gan.data import load_images, to_floats
from chapter01_gan.generation import make_images
from chapter01_gan.networks import build_generator
from chapter01_gan.training import sample_latents
from common import images
from common.errors import UserError
from common.fitting import load_network
from common.metrics import extractors
from common.metrics.image_scores import ImageFeatures, extract, score_images
from common.metrics.report import table, write_metrics
from common.runs import RunDir
from common.sheets import image_grid, sheet, to_picture

BATCH = 500
MAX_SAMPLES = 5000
SHEET_IMAGES = 100
SHOWN = 10
TILE = 84
logger = logging.getLogger(__name__)


def test(
    run: RunDir,
    config: Config,
    samples: int | None = None,
    seed: int = 1,
    extractor: Extractor = "local",
    weights: Path | None = None,
) -> dict[str, float]:
    """Judge a run's generator, and write metrics.json, metrics.md and the sheets.

    The baselines in the same table are training images drawn at random, the best
    that can be hoped for, and the generator before training.

    Args:
        run: a folder with generator.keras.
        config: of the run; its `data` may be changed.
        samples: how many to draw; by default as many as there are held-out images,
            at most 5,000. As many held-out ones are compared with, if there are.
        seed: of the latents and of the drawn images.
        extractor: "local" or "inceptionv3"; it is part of each score's name.
        weights: file of InceptionV3's weights, or None for Keras's cache.

    Returns:
        The scores, by the names in metrics.json.

    Raises:
        UserError: the run has no generator, or the data are wrong.
    """
    generator = load_network(run.generator)
    train, labels = load_images(config, "train")
    reference, _ = load_images(config, "test")
    count = min(len(reference), MAX_SAMPLES) if samples is None else samples
    if not 2 <= count <= len(train):
        raise UserError(
            f"--samples must be from 2 to the {len(train)} training images, which a "
            f"baseline is drawn from; found {count}"
        )
    if seed < 0:
        raise UserError(f"--seed must be a whole number from 0, found {seed}")
    network = choose_extractor(extractor, weights, train, labels)
    rng = np.random.default_rng(seed)
    latents = sample_latents(config, count, seed)
    made = make_images(generator, latents)
    keras.utils.set_random_seed(seed % 2**32)
    columns = {
        "this run": made,
        "training images": train[some(rng, len(train), count)],
        "untrained": make_images(build_generator(config), latents),
    }
    held_out = describe(
        reference[some(rng, len(reference), count)], network, "held out"
    )
    results = {
        name: score_images(describe(shown, network, name), held_out)
        for name, shown in columns.items()
    }
    metrics = dict(results["this run"])
    for name, suffix in (("training images", "train"), ("untrained", "untrained")):
        metrics |= {f"{k}_baseline_{suffix}": v for k, v in results[name].items()}
    write_metrics(run.path, metrics, table(title(config, run), results))
    draw_sheets(run, made, train)
    if extractor == "local":
        draw_classes(run, made, network)
    return metrics


def choose_extractor(
    name: Extractor, weights: Path | None, train: np.ndarray, labels: np.ndarray | None
) -> extractors.Extractor:
    """Return the network whose features the scores compare."""
    if name == "inceptionv3":
        return extractors.inceptionv3(weights)
    return extractors.local(train, labels)


def describe(
    shown: np.ndarray, network: extractors.Extractor, name: str
) -> ImageFeatures:
    """Return what the scores need to know of some images."""
    parts = (to_floats(shown[i : i + BATCH]) for i in range(0, len(shown), BATCH))
    return extract(parts, network, description=name)


def some(rng: np.random.Generator, total: int, count: int) -> np.ndarray:
    """Draw `count` of `total` numbers without repetition, or all of them."""
    return np.sort(rng.permutation(total)[:count])


def title(config: Config, run: RunDir) -> str:
    """Return the heading of the table."""
    return f"{run.path.name}: digits of {config.data or 'procedural stand-in'}"


def draw_sheets(run: RunDir, made: np.ndarray, train: np.ndarray) -> None:
    """Write samples.png, and neighbours.png with the nearest training images.

    A generator that has learnt the training images by heart would show them.
    """
    images.save(image_grid(made[:SHEET_IMAGES]), run.path / "samples.png")
    shown = made[:SHOWN]
    flat = to_floats(train).reshape(len(train), -1)
    queries = to_floats(shown).reshape(len(shown), -1)
    distances = (flat**2).sum(axis=1) - 2 * queries @ flat.T
    nearest = np.argsort(distances, axis=1, kind="stable")[:, :3]
    rows = [shown, *(train[nearest[:, k]] for k in range(3))]
    names = ["sample", "nearest 1", "nearest 2", "nearest 3"]
    tiles = [[(to_picture(image, TILE), None) for image in row] for row in rows]
    images.save(sheet(tiles, row_labels=names), run.path / "neighbours.png")


def draw_classes(run: RunDir, made: np.ndarray, network: extractors.Extractor) -> None:
    """Write classes.png: the first samples that the classifier takes for each class."""
    _, probabilities = network(to_floats(made))
    classes = probabilities.argmax(axis=1)
    blank = np.zeros_like(made[0])
    tiles, names = [], []
    for number in range(probabilities.shape[1]):
        chosen = made[classes == number]
        names.append(f"{number}: {len(chosen) / len(made):.1%}")
        shown = [*chosen[:SHOWN], *[blank] * max(0, SHOWN - len(chosen))]
        tiles.append([(to_picture(image, TILE), None) for image in shown])
    images.save(sheet(tiles, row_labels=names), run.path / "classes.png")
