"""The command `test`: scores of a run against held-out photos and shapes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import keras
import numpy as np

from common.data.splits import random_rows
from common.errors import UserError
from common.features import extractors
from common.gan.latents import sample_latents
from common.metrics.image_scores import choose_count, features_of, score_images
from common.metrics.memorisation import score_copied_images
from common.metrics.report import table, write_metrics
from common.training.run_dir import RunDir
from study_von import colours
from study_von.baselines import dcgan_images, minutes_of
from study_von.config import Config, Extractor
from study_von.consistency import NEIGHBOUR, Views, silhouette_iou, texture_drift
from study_von.data import VonData, load_split
from study_von.generation import check_seed
from study_von.networks import build_texture_generator
from study_von.painting import Images, encode_textures, paint, paint_shapes
from study_von.pose_regression import render_views, view_errors, view_network
from study_von.renders import Renders
from study_von.score_sheets import (
    COLUMNS,
    at_equal_steps,
    draw_images,
    draw_transfer,
)
from study_von.shape_evaluation import score_shapes, solid
from study_von.sketch_batches import sketch_maps
from study_von.training import (
    JOINT,
    TEXTURE,
    Networks,
    load_networks,
    load_stage,
    texture_latents,
)
from study_von.viewpoints import Viewpoints, frequent, open_pool
from study_von.volumes import make_volumes

# Training steps of the local extractor; more do not improve it.
STEPS = 300
# Scores that need meaningful classes, which clusters are not.
OF_CLASSES = ("is", "mode_score", "label_kl")
# Shapes that the reader of viewpoints is trained on and checked with, at most, and
# pictures of each that it is checked with.
VIEW_SHAPES, CHECKED_SHAPES, CHECKED_PICTURES = 256, 100, 4
# Objects whose colours are followed from view to view.
DRIFT_OBJECTS = 48
# Columns of the table, and the prefixes of their scores in metrics.json.
RUN, BEFORE, TRAIN = "this run", "before joint", "training data"
UNTRAINED, DCGAN = "untrained", "DCGAN"
PREFIXES = {
    RUN: "",
    BEFORE: "before_joint_",
    TRAIN: "baseline_train_",
    UNTRAINED: "baseline_untrained_",
    DCGAN: "baseline_dcgan_",
}
# Arrows of scores in the table.
ARROWS = {
    "silhouette_iou": "→ photos_silhouette_iou",
    "photos_silhouette_iou": "",
    "view_error_deg": "↓",
    "renders_view_error_deg": "",
    "colour_drift": "↓",
    "histogram_drift": "↓",
    "transfer_error": "↓",
    "colour_spread": "→ 1",
    "high_frequency": "→ 1",
    "shape_nearest_training_ratio": "→ 1",
    "shape_nearest_training_share": "→ 0.01",
    "dcgan_minutes": "",
}


@dataclass(frozen=True)
class Bench:
    """The data and networks that runs are scored with.

    Attributes:
        train: the training split.
        held_out: the held-out split.
        photos: the held-out photos that are drawn at random, uint8 (N, H, H, 3).
        masks: their masks, uint8 (N, H, H).
        pool: viewpoints.
        azimuths: degrees (N,) of the images to make.
        elevations: degrees (N,).
        shape_latents: float32 (N, latent_dim).
        texture_latents: float32 (N, texture_latent_dim).
        extractor: network whose features are compared.
        reader: network that reads viewpoints.
        seed: seed of everything that is drawn at random.
    """

    train: VonData
    held_out: VonData
    photos: np.ndarray
    masks: np.ndarray
    pool: Viewpoints
    azimuths: np.ndarray
    elevations: np.ndarray
    shape_latents: np.ndarray
    texture_latents: np.ndarray
    extractor: extractors.Extractor
    reader: keras.Model
    seed: int


def test(
    run: RunDir,
    config: Config | None = None,
    data: Path | None = None,
    photos: Path | None = None,
    samples: int | None = None,
    seed: int = 1,
    extractor: Extractor = "local",
    weights: Path | None = None,
    baseline_minutes: float | None = None,
) -> dict[str, float]:
    """Score a run; write metrics.json, metrics.md, test.png and transfer.png.

    Images show random shapes of the run with random textures, from viewpoints of the
    pool. The table has these baselines: training photos and training shapes, which show
    the best scores that can be expected; the run's shapes with an untrained texture
    network, and shapes of an untrained generator; and a DCGAN on the same photos. If
    the joint stage has ended, the networks before it are a column too. What each score
    means is in `consistency`, `colours` and `common.metrics`.

    Args:
        run: folder of the run.
        config: options of the run; by default its own.
        data: shapes; by default those that the run was trained on.
        photos: photos; by default those that the run was trained on.
        samples: number of images to generate and of held-out photos to compare them
            with; by default as many as there are held-out photos, at most 5,000. Also
            the largest number of shapes.
        seed: seed of the latents, the viewpoints and the data that are drawn at random.
        extractor: "local" or "inceptionv3"; part of the name of each image score.
        weights: file with InceptionV3's weights, or None for Keras's cache.
        baseline_minutes: minutes to train the DCGAN for; by default as many as the
            run's stages took. 0 leaves it out.

    Returns:
        The scores of metrics.json by name.

    Raises:
        UserError: the run has no texture network, or the data are wrong or too few.
    """
    check_seed(seed)
    if baseline_minutes is not None and not 0 <= baseline_minutes < 1e5:
        raise UserError(
            f"--baseline-minutes must be 0 or above, found {baseline_minutes}"
        )
    config = run.configuration_with_data(config, data)
    if photos is not None:
        config = replace(config, photos=photos)
    stages = {RUN: load_networks(run)}
    if stages[RUN].stage == JOINT:
        stages[BEFORE] = load_stage(run, TEXTURE)
    bench = set_up_bench(config, samples, seed, extractor, weights)
    minutes = minutes_of(run) if baseline_minutes is None else baseline_minutes
    images = {
        name: make_images(config, bench, networks) for name, networks in stages.items()
    }
    images |= baseline_images(run, config, bench, stages[RUN], minutes)
    results = compare(bench, {name: made.images for name, made in images.items()})
    for name, made in images.items():
        results[name] |= score_objects(bench, made)
    transferred = {}
    for name, networks in stages.items():
        scores, transferred[name] = score_textures(config, bench, networks)
        results[name] |= scores
    results[RUN] |= check_rules(config, bench)
    if minutes:
        results[RUN]["dcgan_minutes"] = minutes
    generators = {name: own.shape_generator for name, own in stages.items()}
    columns = {TRAIN: TRAIN, UNTRAINED: UNTRAINED}
    of_shapes = score_shapes(
        config, generators, bench.train.shapes, bench.held_out.shapes, samples, seed
    )
    for name, scores in of_shapes.items():
        results[columns.get(name, name)] |= scores
    metrics = {
        prefix + score: value
        for name, prefix in PREFIXES.items()
        for score, value in results.get(name, {}).items()
    }
    write_table(run, config, metrics, results)
    shown = {"photos": bench.photos} | {
        name: images[name].images for name in (RUN, DCGAN) if name in images
    }
    draw_images(shown, run.path / "test.png")
    draw_transfer(*transferred[RUN], run.path / "transfer.png")
    return metrics


def set_up_bench(
    config: Config,
    samples: int | None,
    seed: int,
    extractor: Extractor,
    weights: Path | None,
) -> Bench:
    """Load the data, and train or load the networks that score; see `test`."""
    train, held_out = load_split(config, "train"), load_split(config, "test")
    total = len(held_out.photos.images)
    count = choose_count(samples, len(train.photos.images), total)
    rng = np.random.default_rng(seed)
    rows = random_rows(rng, total, count)
    pool = open_pool(config)
    azimuths, elevations = pool.draw(count, rng)
    shapes = solid(config, train.shapes, at_equal_steps(train.shapes, VIEW_SHAPES))
    return Bench(
        train=train,
        held_out=held_out,
        photos=np.asarray(held_out.photos.images[rows]),
        masks=np.asarray(held_out.photos.masks[rows]),
        pool=pool,
        azimuths=azimuths,
        elevations=elevations,
        shape_latents=sample_latents(config, count, seed),
        texture_latents=texture_latents(config, count, seed),
        extractor=choose_extractor(extractor, weights, train),
        reader=view_network(shapes, pool, config.image_size),
        seed=seed,
    )


def choose_extractor(
    name: Extractor, weights: Path | None, train: VonData
) -> extractors.Extractor:
    """Return the network whose features the image scores are computed from."""
    if name == "inceptionv3":
        return extractors.inceptionv3(weights)
    return extractors.local_unlabelled(np.asarray(train.photos.images), steps=STEPS)


def make_images(config: Config, bench: Bench, networks: Networks) -> Images:
    """Return images of random shapes and textures from viewpoints of the pool."""
    return paint_shapes(
        config,
        networks,
        bench.shape_latents,
        bench.azimuths,
        bench.elevations,
        bench.texture_latents,
    )


def baseline_images(
    run: RunDir, config: Config, bench: Bench, networks: Networks, minutes: float
) -> dict[str, Images]:
    """Return the images of the baselines by their names.

    Args:
        run: folder of the run; the DCGAN's is below it.
        config: options of the run.
        bench: training photos, latents and viewpoints.
        networks: networks of the run.
        minutes: minutes to train the DCGAN for; 0 leaves it out.
    """
    rng = np.random.default_rng(bench.seed)
    real, count = bench.train.photos, len(bench.photos)
    drawn = np.asarray(real.images[random_rows(rng, len(real.images), count)])
    # The untrained network draws its weights from Keras's global seed.
    keras.utils.set_random_seed(bench.seed % 2**32)
    untrained = networks._replace(texture_generator=build_texture_generator(config))
    images = {TRAIN: Images(drawn), UNTRAINED: make_images(config, bench, untrained)}
    if minutes:
        made = dcgan_images(run, config, real, minutes, count, bench.seed)
        images[DCGAN] = Images(made)
    return images


def compare(
    bench: Bench, images: Mapping[str, np.ndarray]
) -> dict[str, dict[str, float]]:
    """Return the scores of sets of images against held-out and training photos.

    Args:
        bench: photos and extractor.
        images: uint8 (N, H, H, 3) by the names of the sets.
    """
    reference = features_of(bench.photos, bench.extractor, "held out")
    train = np.asarray(bench.train.photos.images)
    copied = score_copied_images(images, bench.photos, train)
    results = {}
    for name, made in images.items():
        features = features_of(made, bench.extractor, name)
        scores = score_images(features, reference)
        own = {k: v for k, v in scores.items() if not k.startswith(OF_CLASSES)}
        results[name] = own | copied[name]
    return results


def score_objects(bench: Bench, made: Images) -> dict[str, float]:
    """Return the scores of images of objects that need no other network.

    Args:
        bench: held-out photos and the reader of viewpoints.
        made: images; without silhouettes, they have no known shape and viewpoint.

    Returns:
        colour_spread and high_frequency and, of the run's images, silhouette_iou and
        view_error_deg, the median angle between the viewpoint that is read from an
        image and the one that it was made for.
    """
    own, real = (colours.quantiles(images) for images in (made.images, bench.photos))
    scores = {}
    spread = colours.spread(real)
    if spread:
        scores["colour_spread"] = colours.spread(own) / spread
    detail = colours.high_frequency(bench.photos)
    if detail:
        scores["high_frequency"] = colours.high_frequency(made.images) / detail
    if made.silhouettes is not None:
        scores["silhouette_iou"] = silhouette_iou(made.images, made.silhouettes)
        meant = Renders(made.images, bench.azimuths, bench.elevations)
        scores["view_error_deg"] = float(np.median(view_errors(bench.reader, meant)))
    return scores


def score_textures(
    config: Config, bench: Bench, networks: Networks
) -> tuple[dict[str, float], tuple[np.ndarray, ...]]:
    """Return the scores of textures, and images with the textures of photos.

    Args:
        config: options of the run.
        bench: held-out photos, latents and viewpoints.
        networks: networks of the run.

    Returns:
        colour_drift, histogram_drift and transfer_error; and, for `draw_transfer`, some
        photos and images with their textures, uint8 (n, H, H, 3) each.
    """
    z = encode_textures(networks.texture_encoder, bench.photos)
    views = (bench.shape_latents, bench.azimuths, bench.elevations)
    others = paint_shapes(config, networks, *views, z).images
    scores = score_drift(config, bench, networks)
    error = colours.transfer_error(
        colours.quantiles(bench.photos), colours.quantiles(others)
    )
    if error is not None:
        scores["transfer_error"] = error
    shown = at_equal_steps(z, COLUMNS)
    view = frequent(bench.pool, 1)[0]
    same = (np.full(len(shown), angle, np.float32) for angle in view)
    shape = np.repeat(bench.shape_latents[:1], len(shown), axis=0)
    single = paint_shapes(config, networks, shape, *same, z[shown]).images
    return scores, (bench.photos[shown], others[shown], single)


def score_drift(config: Config, bench: Bench, networks: Networks) -> dict[str, float]:
    """Return colour_drift and histogram_drift; see `consistency`."""
    count = min(DRIFT_OBJECTS, len(bench.photos))
    latents = bench.shape_latents[:count]
    azimuths, elevations = bench.azimuths[:count], bench.elevations[:count]
    # Positions on the surface are maps that the published texture network lacks.
    whole = replace(config, texture="field")
    places = [
        (azimuths, elevations),
        (azimuths + np.float32(NEIGHBOUR), elevations),
        bench.pool.draw(count, np.random.default_rng([bench.seed, 2])),
    ]
    volumes = make_volumes(config, networks.shape_generator, latents)
    views = Views(*(sketch_maps(whole, volumes, *view) for view in places))
    return texture_drift(
        lambda maps, z: paint(config, networks, maps, z),
        views,
        bench.texture_latents[:count],
    )


def check_rules(config: Config, bench: Bench) -> dict[str, float]:
    """Return how well the rules and networks that score do on real data.

    Returns:
        photos_silhouette_iou, the IoU of the foregrounds of held-out photos with their
        masks, and renders_view_error_deg, the median error of viewpoints that are read
        from renders of held-out shapes.
    """
    rows = at_equal_steps(bench.held_out.shapes, CHECKED_SHAPES)
    renders = render_views(
        solid(config, bench.held_out.shapes, rows),
        bench.pool,
        config.image_size,
        CHECKED_PICTURES,
        bench.seed,
    )
    return {
        "photos_silhouette_iou": silhouette_iou(bench.photos, bench.masks / 255),
        "renders_view_error_deg": float(np.median(view_errors(bench.reader, renders))),
    }


def write_table(
    run: RunDir,
    config: Config,
    metrics: dict[str, float],
    results: dict[str, dict[str, float]],
) -> None:
    """Write metrics.json and metrics.md; the table has the columns in a fixed order."""
    columns = {name: results[name] for name in PREFIXES if name in results}
    photos = config.photos or "procedural stand-in"
    kind = f"{config.texture} texture, {config.size}^3 and {config.image_size}^2"
    title = f"{run.path.name}: photos of {photos}, {kind}"
    write_metrics(run.path, metrics, table(title, columns, ARROWS))
