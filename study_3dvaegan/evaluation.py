"""The command `test`: reconstructions against baselines, IKEA, and the prior."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from chapter02_3dgan.evaluation import named, score_samples
from common.errors import UserError
from common.images import writing
from common.images.grids import sheet, to_picture
from common.metrics.report import table, write_metrics
from common.shapes.rendering import render_voxels
from common.training.run_dir import RunDir
from study_3dvaegan import ikea_protocol
from study_3dvaegan.baselines import (
    PIXELS,
    best_retrieval,
    encoder_means,
    encoder_ways,
    fit_latents,
    mean_shape_predictor,
    network_predictor,
)
from study_3dvaegan.config import Config
from study_3dvaegan.data import Pairs, load_split, training_and_validation
from study_3dvaegan.data_sets.ikea import Ikea, load_ikea
from study_3dvaegan.networks import build_encoder, build_generator
from study_3dvaegan.prediction_scores import (
    MAX_VALIDATION,
    Predictor,
    average_precision,
    best_threshold,
    choose_threshold,
    mean_iou,
    score_photos,
)
from study_3dvaegan.training import load_networks, load_threshold

# Most shapes to which latents are fitted.
MAX_FITTED = 32
# Up to this many elevations are rows of their own; more are rounded to tens.
MAX_ELEVATIONS = 6
# Photos on test.png, and the number of them in a row.
SHEET_PHOTOS = 16
SHEET_COLUMNS = 2
THIS_RUN, BY_ENCODER = "this run", "nearest photo (encoder)"
FITTED = "z fitted to the shape"
# Beginning of the names in metrics.json for each column.
PREFIXES = {
    THIS_RUN: "",
    "nearest photo (pixels)": "baseline_retrieval_",
    BY_ENCODER: "baseline_retrieval_features_",
    "mean training shape": "baseline_mean_",
    "untrained": "baseline_untrained_",
    FITTED: "baseline_fitted_",
}
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Column:
    """A way to predict shapes, one column of the table.

    Attributes:
        predict: photos -> occupancies.
        threshold: occupancy above which a voxel is filled.
    """

    predict: Predictor
    threshold: float


def test(
    run: RunDir,
    config: Config | None = None,
    data: Path | None = None,
    samples: int | None = None,
    seed: int = 1,
    photos: int | None = None,
    ikea: Path | None = None,
) -> dict[str, float]:
    """Score a run's reconstructions of held-out photos, and its samples of the prior.

    Writes metrics.json, metrics.md and test.png: for one photo of each of the first
    held-out shapes, the photo, its shape, the run's shape and the nearest training
    photo's. The run stands beside these baselines:

    - the shape of the nearest training photo, by small pictures and by the encoder;
    - the mean of the training shapes, the same for each photo;
    - both networks before training;
    - an upper bound: latents that were fitted to the true shapes themselves.

    Args:
        run: folder of the run.
        config: options of the run; by default its own.
        data: data set; by default the one that the run was trained on.
        samples: number of shapes to generate from the prior and of held-out shapes to
            compare them with; by default as many as there are held-out shapes, at most
            1,000.
        seed: seed of the latents, of the untrained networks and of the shapes that are
            drawn at random.
        photos: number of held-out photos, at equal steps; by default all.
        ikea: folder of the IKEA test set; without it there is no IKEA test.

    Returns:
        The scores of metrics.json by name.

    Raises:
        UserError: a network is missing, the data are wrong, or an option is out of
            range.
    """
    config = run.configuration_with_data(config, data)
    encoder, generator = load_networks(run)
    threshold = load_threshold(run)
    furniture = None
    if ikea is not None:
        furniture = load_ikea(ikea, config.image_size, memory_mb=config.cache_mb)
    train, held_out = load_split(config, "train"), load_split(config, "test")
    _, validation = training_and_validation(config)
    if photos is not None and not 1 <= photos <= len(held_out):
        raise UserError(
            f"--photos must be from 1 to the {len(held_out)} held-out photos, found "
            f"{photos}"
        )
    # First what refuses wrong options.
    _, prior = score_samples(
        config, generator, train.shapes, held_out.shapes, samples, seed, threshold
    )
    tested = held_out if photos is None else held_out.spread(photos)
    columns, notes = make_columns(
        config, encoder, generator, threshold, train, validation, seed
    )
    results = {
        name: score_column(column, tested, name) for name, column in columns.items()
    }
    results[FITTED] = score_fitted(encoder, generator, tested, validation)
    metrics = named(prior)
    for name, scores in results.items():
        metrics |= {PREFIXES[name] + key: value for key, value in scores.items()}
    text = [table(_title(config, run, tested), results), notes]
    text.append(table("Samples of the prior", prior))
    if furniture is not None:
        aligned = score_ikea(columns, furniture)
        for name, scores in aligned.items():
            found = {f"{PREFIXES[name]}ap_ikea_{k}": v for k, v in scores.items()}
            metrics |= found
        trained_on = str(config.data or "the procedural stand-in")
        text.append(ikea_protocol.comparison(aligned, furniture, trained_on))
    write_metrics(run.path, metrics, "\n".join(text))
    draw_sheet(run, columns, held_out)
    return metrics


def _title(config: Config, run: RunDir, tested: Pairs) -> str:
    """Return the title of the table: run, photos, data set and sizes."""
    data = config.data or "procedural stand-in, rendered"
    shapes = len(np.unique(tested.shape_rows))
    return (
        f"{run.path.name}: {len(tested)} photos of {shapes} held-out shapes of {data}, "
        f"photos {config.image_size} x {config.image_size}, shapes {config.size}^3"
    )


def make_columns(
    config: Config,
    encoder: keras.Model,
    generator: keras.Model,
    threshold: float,
    train: Pairs,
    validation: Pairs,
    seed: int,
) -> tuple[dict[str, Column], str]:
    """Return all ways to predict shapes from photos.

    The choices that a baseline needs, its threshold and how retrieval compares photos,
    are those with the largest mean IoU on validation photos.

    Args:
        config: options of the run.
        encoder: the run's encoder.
        generator: the run's generator.
        threshold: the run's threshold.
        train: training photos.
        validation: all photos of some training shapes; on at most MAX_VALIDATION of
            them choices are made.
        seed: seed of the untrained networks.

    Returns:
        The columns by their names, and Markdown that says what was chosen.
    """
    pixels, by_pixels = best_retrieval(PIXELS, train, validation)
    angles, by_means = best_retrieval(encoder_ways(encoder), train, validation)
    # The untrained networks draw their weights from Keras's global seed.
    keras.utils.set_random_seed(seed % 2**32)
    new_encoder = build_encoder(config)
    new_generator = build_generator(config, train.shapes.occupancy())
    untrained = network_predictor(new_encoder, new_generator)
    mean = mean_shape_predictor(train)
    judged = validation.spread(MAX_VALIDATION)
    columns = {
        THIS_RUN: Column(network_predictor(encoder, generator), threshold),
        "nearest photo (pixels)": Column(by_pixels, 0.5),
        BY_ENCODER: Column(by_means, 0.5),
        "mean training shape": Column(mean, choose_threshold(mean, judged)),
        "untrained": Column(untrained, choose_threshold(untrained, judged)),
    }
    notes = (
        f"Chosen on {len(judged)} validation photos: retrieval compares {pixels}, "
        f"and the encoder's {angles}; all thresholds. Retrieved shapes need none.\n\n"
        f"{FITTED}: an upper bound, not a competitor. It knows the true shape, and "
        "shows what the run's generator can express.\n"
    )
    return columns, notes


def score_column(column: Column, tested: Pairs, name: str) -> dict[str, float]:
    """Return the scores of one way to predict shapes.

    Args:
        column: the way.
        tested: held-out photos.
        name: name of the column, for the log.

    Returns:
        iou_test, ap_test: means over the photos;
        iou_test_elevation_<n>: mean IoU of the photos taken from n degrees above;
        threshold: occupancy above which a voxel was filled;
        n_photos: number of photos.
    """
    logger.info("scoring %d photos: %s", len(tested), name)
    iou, precision = score_photos(column.predict, tested, column.threshold)
    scores = {"iou_test": float(iou.mean()), "ap_test": float(precision.mean())}
    elevations = rounded_elevations(tested.elevations)
    for elevation in np.unique(elevations[np.isfinite(elevations)]):
        mean = float(iou[elevations == elevation].mean())
        scores[f"iou_test_elevation_{int(elevation)}"] = mean
    return scores | {"threshold": column.threshold, "n_photos": len(tested)}


def rounded_elevations(elevations: np.ndarray) -> np.ndarray:
    """Round elevations to degrees, or to tens of degrees if there are many.

    Args:
        elevations: degrees, float (N,), NaN where unknown.

    Returns:
        float (N,), whole numbers and NaN.
    """
    rounded = np.round(elevations)
    if len(np.unique(rounded[np.isfinite(rounded)])) > MAX_ELEVATIONS:
        rounded = 10 * np.round(elevations / 10)
    return rounded + 0.0  # no -0


def score_fitted(
    encoder: keras.Model, generator: keras.Model, tested: Pairs, validation: Pairs
) -> dict[str, float]:
    """Return the scores of latents that were fitted to the true shapes.

    Each starts from the encoder's mean of the first photo of its shape.

    Args:
        encoder: the run's encoder.
        generator: the run's generator.
        tested: held-out photos.
        validation: photos on whose shapes the threshold is chosen.
    """
    means = encoder_means(encoder)

    def fitted(pairs: Pairs) -> tuple[np.ndarray, np.ndarray]:
        """Return the occupancies and the true shapes of at most MAX_FITTED shapes."""
        _, first = np.unique(pairs.shape_rows, return_index=True)
        pairs = pairs.of_photos(first).spread(MAX_FITTED)
        shapes = pairs.shapes.voxels(pairs.shape_rows)
        return fit_latents(generator, shapes, means(pairs.images)), shapes

    threshold = best_threshold(*fitted(validation))
    predicted, shapes = fitted(tested)
    return {
        "iou_test": mean_iou(predicted, shapes, threshold),
        "ap_test": average_precision(predicted, shapes),
        "threshold": threshold,
        "n_photos": len(shapes),
    }


def score_ikea(
    columns: Mapping[str, Column], furniture: Ikea
) -> dict[str, dict[str, float]]:
    """Return the average precision of each column on the IKEA test set.

    Args:
        columns: ways to predict shapes by their names.
        furniture: photos, their grids and classes.

    Returns:
        For each column the mean AP of each class, and their "mean", in [0, 1].
    """
    results = {}
    for name, column in columns.items():
        logger.info("aligning %d IKEA photos: %s", len(furniture.images), name)
        scores = ikea_protocol.aligned_precisions(
            column.predict, column.threshold, furniture.images, furniture.grids
        )
        results[name] = ikea_protocol.by_class(scores, furniture.class_names)
    return results


def draw_sheet(run: RunDir, columns: Mapping[str, Column], held_out: Pairs) -> None:
    """Draw test.png: photo, true shape, the run's, and the nearest photo's.

    One photo is shown of each of the first 16 held-out shapes, in their order: view 0
    of the first shape, view 1 of the second, and so on.

    Args:
        run: folder of the run.
        columns: ways to predict shapes by their names.
        held_out: held-out photos.
    """
    shown = held_out.of_photos(sheet_rows(held_out.shape_rows))
    truth = shown.shapes.voxels(shown.shape_rows)
    names = (THIS_RUN, BY_ENCODER)
    made = [
        columns[name].predict(np.asarray(shown.images)) > columns[name].threshold
        for name in names
    ]
    pictures = [to_picture(image, 128) for image in shown.images]
    size = len(pictures[0])
    tiles = []
    for picture, *shapes in zip(pictures, truth, *made, strict=True):
        frame = np.logical_or.reduce(shapes)
        drawn = [render_voxels(s, image_size=size, frame=frame) for s in shapes]
        tiles += [(tile, None) for tile in (picture, *drawn)]
    width = 4 * min(SHEET_COLUMNS, len(pictures))
    rows = [tiles[i : i + width] for i in range(0, len(tiles), width)]
    labels = ["photo", "shape", "this run", "nearest"] * (width // 4)
    page = sheet(rows, column_labels=labels)
    writing.save_image(page, run.path / "test.png")


def sheet_rows(shape_rows: np.ndarray) -> np.ndarray:
    """Return the rows of one photo of each of the first 16 shapes.

    Args:
        shape_rows: row of each photo's shape, int64 (N,).

    Returns:
        int64 (n,): of the k-th shape, its view number k, counted round.
    """
    rows = []
    for number, shape in enumerate(np.unique(shape_rows)[:SHEET_PHOTOS]):
        views = np.flatnonzero(shape_rows == shape)
        rows.append(views[number % len(views)])
    return np.array(rows)
