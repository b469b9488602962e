"""The command `test`: scores of a trained DCGAN against held-out drawings."""

from pathlib import Path

import keras
import numpy as np

from chapter04_dcgan.config import NAME, Config, Extractor
from chapter04_dcgan.data import Faces, load_split
from chapter04_dcgan.networks import build_generator
from common.data.splits import random_rows
from common.errors import UserError
from common.features import extractors
from common.gan.latents import sample_latents
from common.gan.sampling import make_images
from common.images import writing
from common.images.grids import image_grid
from common.images.sample_files import draw_neighbours
from common.metrics.image_scores import choose_count, score_sets
from common.metrics.memorisation import score_copied_images
from common.metrics.report import table, write_metrics
from common.training.network_files import load_network
from common.training.run_dir import RunDir

# Images on samples.png; columns of neighbours.png.
SHEET_IMAGES = 64
SHOWN = 10
# Training steps of the local extractor; more do not improve it.
STEPS = 300
# Scores that need meaningful classes, which clusters are not.
OF_CLASSES = ("is", "mode_score", "label_kl")
# Prefixes of the baselines' scores in metrics.json.
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
    """Score a run's generator; write metrics.json, metrics.md and the sheets.

    The table has these baselines: training images drawn at random, which show the best
    scores that can be expected, the generator before training and, if `book_run` is
    given, a run of the book's recipe on the same data.

    Args:
        run: folder of the run.
        config: options of the run; by default its own.
        data: data set; by default the one that the run was trained on.
        samples: number of images to generate and of held-out images to compare them
            with; by default as many as there are held-out images, at most 5,000.
        seed: seed of the latents and of the images that are drawn at random.
        extractor: "local" or "inceptionv3"; part of the name of each score.
        weights: file with InceptionV3's weights, or None for Keras's cache.
        book_run: folder of a run with --preset book, as a further baseline; its
            scores have the prefix baseline_book_.

    Returns:
        The scores of metrics.json by name.

    Raises:
        UserError: a run has no generator, or the data are wrong.
    """
    config = run.configuration_with_data(config, data)
    generator = load_network(run.generator)
    train, test = load_split(config, "train"), load_split(config, "test")
    count = choose_count(samples, len(train.images), len(test.images))
    if seed < 0:
        raise UserError(f"--seed must be a whole number from 0, found {seed}")
    rng = np.random.default_rng(seed)
    latents = sample_latents(config, count, seed)
    made = make_images(generator, latents)
    # The untrained generator draws its weights from Keras's global seed.
    keras.utils.set_random_seed(seed % 2**32)
    columns = {
        "this run": made,
        "training images": train.images[random_rows(rng, len(train.images), count)],
        "untrained": make_images(build_generator(config), latents),
    }
    if book_run is not None:
        columns["book's recipe"] = book_images(
            RunDir.find(NAME, book_run), config, count, seed
        )
    held_out = test.images[random_rows(rng, len(test.images), count)]
    network = choose_extractor(extractor, weights, train)
    results = {
        name: {k: v for k, v in scores.items() if not k.startswith(OF_CLASSES)}
        for name, scores in score_sets(columns, held_out, network).items()
    }
    copied = score_copied_images(columns, held_out, train.images)
    results = {name: scores | copied[name] for name, scores in results.items()}
    metrics = dict(results["this run"])
    for name, prefix in PREFIXES.items():
        metrics |= {f"{prefix}{k}": v for k, v in results.get(name, {}).items()}
    title = f"{run.path.name}: faces of {config.data or 'procedural stand-in'}"
    write_metrics(run.path, metrics, table(f"{title}, {config.size}^2", results))
    writing.save_image(image_grid(made[:SHEET_IMAGES]), run.path / "samples.png")
    draw_neighbours(made[:SHOWN], train.images, run.path / "neighbours.png")
    return metrics


def book_images(run: RunDir, config: Config, count: int, seed: int) -> np.ndarray:
    """Return images that another run generates: uint8 (count, S, S, 3).

    Args:
        run: folder of the other run.
        config: options of the run that is scored.
        count: number of images.
        seed: seed of the latents.

    Raises:
        UserError: the other run's images have another size.
    """
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
    """Return the network whose features the scores are computed from."""
    if name == "inceptionv3":
        return extractors.inceptionv3(weights)
    return extractors.local_unlabelled(train.images, steps=STEPS)
