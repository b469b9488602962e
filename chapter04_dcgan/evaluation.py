"""What a trained DCGAN is worth, by scores against held-out drawings."""

from pathlib import Path

import keras
import numpy as np

from chapter04_dcgan.config import NAME, Config, Extractor
from chapter04_dcgan.data import Faces, load_split
from chapter04_dcgan.networks import build_generator
from common.errors import UserError
from common.features import extractors
from common.gan.latents import sample_latents
from common.gan.sampling import make_images
from common.images import writing
from common.images.grids import image_grid
from common.images.sample_files import draw_neighbours
from common.metrics.image_scores import choose_count, score_sets, some
from common.metrics.report import table, write_metrics
from common.training.network_files import load_network
from common.training.run_dir import RunDir

SHEET_IMAGES = 64
SHOWN = 10
# Of the local extractor: more bring no more.
STEPS = 300
# Scores that need classes which mean something; clusters do not.
OF_CLASSES = ("is", "mode_score", "label_kl")
# How the scores of baselines begin in metrics.json.
PREFIXES = {
    "training images": "baseline_train_",
    "untrained": "baseline_untrained_",
    "book's recipe": "baseline_book_",
}


def test(
    run: RunDir,
    config: Config | None = None,
    data: Path | None = None,
    samples: int | None = None,
    seed: int = 1,
    extractor: Extractor = "local",
    weights: Path | None = None,
    book_run: Path | None = None,
) -> dict[str, float]:
    """Score a run's generator, and write metrics.json, metrics.md and the sheets.

    The baselines in the same table are training images drawn at random, the best
    that can be hoped for, the generator before training and, where given, another
    run on the same data: that of the book's recipe.

    Args:
        run: folder of the run.
        config: options of the run; by default its own.
        data: data set; by default the one that the run was trained on.
        samples: how many to draw; by default as many as there are held-out images,
            at most 5,000. As many held-out ones are compared with, if there are.
        seed: of the latents and of the drawn images.
        extractor: "local" or "inceptionv3"; it is part of each score's name.
        weights: file of InceptionV3's weights, or None for Keras's cache.
        book_run: folder of a run with the preset book, as a further baseline; its
            scores have the prefix baseline_book_.

    Returns:
        The scores, by the names in metrics.json.

    Raises:
        UserError: a run has no generator, or the data are wrong.
    """
    config = run.configuration(config, data)
    generator = load_network(run.generator)
    train, test = load_split(config, "train"), load_split(config, "test")
    count = choose_count(samples, len(train.images), len(test.images))
    if seed < 0:
        raise UserError(f"--seed must be a whole number from 0, found {seed}")
    rng = np.random.default_rng(seed)
    latents = sample_latents(config, count, seed)
    made = make_images(generator, latents)
    keras.utils.set_random_seed(seed % 2**32)
    columns = {
        "this run": made,
        "training images": train.images[some(rng, len(train.images), count)],
        "untrained": make_images(build_generator(config), latents),
    }
    if book_run is not None:
        columns["book's recipe"] = book_images(
            RunDir.find(NAME, book_run), config, count, seed
        )
    held_out = test.images[some(rng, len(test.images), count)]
    network = choose_extractor(extractor, weights, train)
    results = {
        name: {k: v for k, v in scores.items() if not k.startswith(OF_CLASSES)}
        for name, scores in score_sets(columns, held_out, network).items()
    }
    metrics = dict(results["this run"])
    for name, prefix in PREFIXES.items():
        metrics |= {f"{prefix}{k}": v for k, v in results.get(name, {}).items()}
    title = f"{run.path.name}: faces of {config.data or 'procedural stand-in'}"
    write_metrics(run.path, metrics, table(f"{title}, {config.size}^2", results))
    writing.save_image(image_grid(made[:SHEET_IMAGES]), run.path / "samples.png")
    draw_neighbours(made[:SHOWN], train.images, run.path / "neighbours.png")
    return metrics


def book_images(run: RunDir, config: Config, count: int, seed: int) -> np.ndarray:
    """Return as many images of another run, which must be of the same size."""
    other = run.read_config(Config)
    if other.size != config.size:
        raise UserError(
            f"{run.path} makes images of {other.size} pixels, this run of {config.size}"
        )
    latents = sample_latents(other, count, seed)
    return make_images(load_network(run.generator), latents)


def choose_extractor(
    name: Extractor, weights: Path | None, train: Faces
) -> extractors.Extractor:
    """Return the network whose features the scores compare."""
    if name == "inceptionv3":
        return extractors.inceptionv3(weights)
    return extractors.local_unlabelled(train.images, steps=STEPS)
