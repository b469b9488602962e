"""The command `test`: scores of a trained GAN against held-out images."""

from pathlib import Path

import keras
import numpy as np

from chapter01_gan.config import Config, Extractor
from chapter01_gan.data import load_split
from chapter01_gan.networks import build_generator
from common.data.splits import random_rows
from common.errors import UserError
from common.features import extractors
from common.gan.latents import sample_latents
from common.gan.sampling import make_images
from common.images import writing
from common.images.grids import image_grid, sheet, to_picture
from common.images.pixels import to_floats
from common.images.sample_files import TILE, draw_neighbours
from common.metrics.image_scores import choose_count, score_sets
from common.metrics.memorisation import score_copied_images
from common.metrics.report import table, write_metrics
from common.training.network_files import load_network
from common.training.run_dir import RunDir

# Images on samples.png; columns of neighbours.png and classes.png.
SHEET_IMAGES = 100
SHOWN = 10


def test(
    run: RunDir,
    config: Config | None = None,
    data: Path | None = None,
    samples: int | None = None,
    seed: int = 1,
    extractor: Extractor = "local",
    weights: Path | None = None,
) -> dict[str, float]:
    """Score a run's generator; write metrics.json, metrics.md and the sheets.

    The table has two baselines: training images drawn at random, which show the best
    scores that can be expected, and the generator before training.

    Args:
        run: folder of the run.
        config: options of the run; by default its own.
        data: data set; by default the one that the run was trained on.
        samples: number of images to generate and of held-out images to compare them
            with; by default as many as there are held-out images, at most 5,000.
        seed: seed of the latents and of the images that are drawn at random.
        extractor: "local" or "inceptionv3"; part of the name of each score.
        weights: file with InceptionV3's weights, or None for Keras's cache.

    Returns:
        The scores of metrics.json by name.

    Raises:
        UserError: the run has no generator, or the data are wrong.
    """
    config = run.configuration_with_data(config, data)
    generator = load_network(run.generator)
    train, labels = load_split(config, "train")
    test, _ = load_split(config, "test")
    count = choose_count(samples, len(train), len(test))
    if seed < 0:
        raise UserError(f"--seed must be a whole number from 0, found {seed}")
    network = choose_extractor(extractor, weights, train, labels)
    rng = np.random.default_rng(seed)
    latents = sample_latents(config, count, seed)
    made = make_images(generator, latents)
    # The untrained generator draws its weights from Keras's global seed.
    keras.utils.set_random_seed(seed % 2**32)
    columns = {
        "this run": made,
        "training images": train[random_rows(rng, len(train), count)],
        "untrained": make_images(build_generator(config), latents),
    }
    held_out = test[random_rows(rng, len(test), count)]
    results = score_sets(columns, held_out, network)
    copied = score_copied_images(columns, held_out, train)
    results = {name: scores | copied[name] for name, scores in results.items()}
    metrics = dict(results["this run"])
    for name, prefix in (("training images", "train"), ("untrained", "untrained")):
        metrics |= {f"baseline_{prefix}_{k}": v for k, v in results[name].items()}
    title = f"{run.path.name}: digits of {config.data or 'procedural stand-in'}"
    write_metrics(run.path, metrics, table(title, results))
    writing.save_image(image_grid(made[:SHEET_IMAGES]), run.path / "samples.png")
    draw_neighbours(made[:SHOWN], train, run.path / "neighbours.png")
    if extractor == "local":
        draw_classes(run, made, network)
    return metrics


def choose_extractor(
    name: Extractor, weights: Path | None, train: np.ndarray, labels: np.ndarray | None
) -> extractors.Extractor:
    """Return the network whose features the scores are computed from."""
    if name == "inceptionv3":
        return extractors.inceptionv3(weights)
    return extractors.local(train, labels)


def draw_classes(run: RunDir, made: np.ndarray, network: extractors.Extractor) -> None:
    """Draw classes.png: one row of samples for each class that the classifier finds.

    Args:
        run: folder of the run.
        made: samples, uint8 (N, 28, 28).
        network: the classifier.
    """
    _, probabilities = network(to_floats(made))
    classes = probabilities.argmax(axis=1)
    blank = np.zeros_like(made[0])
    tiles, names = [], []
    for number in range(probabilities.shape[1]):
        chosen = made[classes == number]
        names.append(f"{number}: {len(chosen) / len(made):.1%}")
        # All rows are equally long, also those of classes with few samples.
        shown = [*chosen[:SHOWN], *[blank] * max(0, SHOWN - len(chosen))]
        tiles.append([(to_picture(image, TILE), None) for image in shown])
    writing.save_image(sheet(tiles, row_labels=names), run.path / "classes.png")
