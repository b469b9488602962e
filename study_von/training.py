"""Training of the Visual Object Networks in three stages, and the networks of a run."""

import dataclasses
import logging
import shutil
from collections.abc import Callable, Sequence
from typing import NamedTuple

import keras
import numpy as np

from common.data.batches import TrainingData
from common.errors import UserError
from common.gan.latents import sample_latents
from common.images.grids import sheet, to_picture
from common.training import devices
from common.training.fit import Gallery, begin, open_run
from common.training.network_files import load_network
from common.training.run_dir import RunDir
from common.training.stages import begin_stage, fit_stage, has_ended
from study_von.config import JOINT_FIELDS, TEXTURE_FIELDS, Config
from study_von.data import VonData, load_split
from study_von.stages import joint, texture
from study_von.stages.shape import train_shape
from study_von.training_data import sketch_items, view_items
from study_von.viewpoints import open_pool
from study_von.volumes import make_volumes

# Measured: see "Results" in the README.
BFLOAT16_KEEPS_QUALITY = True
GALLERY_IMAGES = 24
Callbacks = Sequence[keras.callbacks.Callback]
logger = logging.getLogger(__name__)
# Files of each stage, without .keras: those that later stages and commands read.
TEXTURE, JOINT = "texture", "joint"
GENERATOR, ENCODER = "texture_generator", "texture_encoder"
SHAPE_GENERATOR = "shape_generator"


class Networks(NamedTuple):
    """The networks that make images, of one run.

    Attributes:
        shape_generator: z (B, latent_dim) -> volume (B, S, S, S, 1).
        texture_generator: [sketch (B, H, H, C), z (B, d)] -> image (B, H, H, 3).
        texture_encoder: image -> mean and log-variance (B, d) of z.
        stage: the stage that they are from, "texture" or "joint".
    """

    shape_generator: keras.Model
    texture_generator: keras.Model
    texture_encoder: keras.Model
    stage: str


def train(
    config: Config,
    run: RunDir | None = None,
    callbacks: Callbacks = (),
) -> RunDir:
    """Train the stages that the configuration names, or continue them.

    The stage shape lies in the run's folder itself, the others in its folders texture
    and joint. A stage shape that has ended is skipped unless the option `stage` names
    it. A stage starts again if the one that it builds on has changed. If the stage
    texture starts again, the networks of the joint one are removed.

    Args:
        config: what to train on, and how.
        run: folder of the run; by default a new one below runs/.
        callbacks: further Keras callbacks, called at every step.

    Returns:
        The run.

    Raises:
        UserError: an option or the data are wrong, or a stage is missing that the one
            to train builds on.
        TrainingError: a loss is not finite.

    Reference: Zhu et al. 2018, arXiv:1812.02725, section 3.
    """
    run = open_run(config, run)
    open_pool(config)  # A wrong file is reported before hours of training.
    data = load_split(config, "train")
    with begin(config, run, BFLOAT16_KEEPS_QUALITY) as config:
        wanted = list(STAGES) if config.stage == "all" else [config.stage]
        for name in wanted:
            logger.info("stage %s", name)
            # Each stage starts the same whether or not others ran before it.
            keras.utils.set_random_seed(config.seed % 2**32)
            if STAGES[name](config, run, data, callbacks):
                break  # The training was interrupted.
    return run


def train_first(
    config: Config, run: RunDir, data: VonData, callbacks: Callbacks
) -> bool:
    """Train the stage shape; return whether it was interrupted."""
    if config.stage == "all" and has_ended(run):
        logger.info(
            "this stage has ended; continue it with train --resume --stage shape"
        )
        return False
    return train_shape(config, run, data.shapes, callbacks)


def train_texture(
    config: Config, run: RunDir, data: VonData, callbacks: Callbacks
) -> bool:
    """Train the stage texture; return whether it was interrupted."""
    sources = [run.generator] if config.texture_shapes == "generated" else []
    stage = begin_stage(run, TEXTURE, config, TEXTURE_FIELDS, sources)
    if not stage.checkpoints.exists() and not list(stage.path.glob("*.keras")):
        # This stage begins; later networks are of earlier options, and the commands
        # would take them for the newest.
        shutil.rmtree(run.path / JOINT, ignore_errors=True)
    volumes = data.shapes
    if config.texture_shapes == "generated":
        latents = sample_latents(config, len(volumes), config.seed)
        volumes = make_volumes(config, load_network(run.generator), latents)
    with devices.scope(config):
        networks = texture.build_networks(config)
        model = texture.build_model(config, networks)
    items = sketch_items(config, volumes, data.photos)
    return fit_stage(
        model,
        items,
        texture_gallery(config, items),
        of_stage(config, config.texture_batch_size),
        stage,
        callbacks,
        config.of_texture("texture_steps"),
        texture_results(model.average_generator, networks),
    )


def train_joint(
    config: Config, run: RunDir, data: VonData, callbacks: Callbacks
) -> bool:
    """Train all networks together; return whether it was interrupted."""
    earlier = run.path / TEXTURE
    names = [GENERATOR, ENCODER, "image_discriminator"]
    if config.texture == "published":
        names += ["sketch_estimator", "sketch_discriminator"]
    paths = [earlier / f"{name}.keras" for name in names]
    sources = [run.generator, run.discriminator, *paths]
    stage = begin_stage(run, JOINT, config, JOINT_FIELDS, sources)
    with devices.scope(config):
        networks = texture.TextureNetworks(*(load_network(path) for path in paths))
        shape_discriminator = load_network(run.discriminator)
        model = joint.build_model(
            config, load_network(run.generator), shape_discriminator, networks
        )
    items = view_items(config, data)
    average = model.average_generator
    results = texture_results(average.get_layer("texture_networks"), networks)
    results[SHAPE_GENERATOR] = average.get_layer("generator")
    results["shape_discriminator"] = shape_discriminator
    return fit_stage(
        model,
        items,
        joint_gallery(config, items),
        of_stage(config, config.joint_batch_size),
        stage,
        callbacks,
        config.joint_steps,
        results,
    )


def of_stage(config: Config, batch_size: int) -> Config:
    """Return the options of a later stage, whose resume checks its photos.

    Args:
        config: options of the run.
        batch_size: photos in a batch of the stage.
    """
    return dataclasses.replace(config, batch_size=batch_size, data=config.photos)


def texture_results(
    average: keras.Model,
    networks: texture.TextureNetworks,
) -> dict[str, keras.Model]:
    """Return the texture networks to write, by name: averaged but for the D's.

    Args:
        average: the averaged result of `texture.combine`.
        networks: the networks that were trained.
    """
    results = {name: average.get_layer(name) for name in (GENERATOR, ENCODER)}
    results["image_discriminator"] = networks.image_discriminator
    if networks.estimator is not None:
        results["sketch_estimator"] = average.get_layer("sketch_estimator")
        results["sketch_discriminator"] = networks.sketch_discriminator
    return results


def texture_gallery(config: Config, items: TrainingData) -> Gallery:
    """Return how the stage texture is drawn; see `draw_rows`."""
    photos, _, sketches = items.fetch(spread(items.count))
    return Gallery([sketches, texture_latents(config, len(photos)), photos], draw_rows)


def joint_gallery(config: Config, items: TrainingData) -> Gallery:
    """Return how the joint stage is drawn; see `draw_rows`."""
    photos, _, azimuths, elevations, _ = items.fetch(spread(items.count))
    shapes = sample_latents(config, len(photos), config.seed)
    angles = [azimuths[:, None], elevations[:, None]]
    textures = texture_latents(config, len(photos))
    return Gallery([shapes, *angles, textures, photos], draw_rows)


def spread(count: int) -> np.ndarray:
    """Return the rows of the gallery's items, int64 (N,)."""
    return np.linspace(0, count - 1, GALLERY_IMAGES).astype(np.int64)


def texture_latents(config: Config, count: int, seed: int | None = None) -> np.ndarray:
    """Return latents of textures from N(0, 1): float32 (count, texture_latent_dim).

    Args:
        config: uses texture_latent_dim and seed.
        count: number of latents.
        seed: seed of the latents; by default that of the run.
    """
    seed = config.seed if seed is None else seed
    random = np.random.default_rng([seed, 1])
    return random.normal(size=(count, config.texture_latent_dim)).astype(np.float32)


def draw_rows(images: np.ndarray) -> np.ndarray:
    """Return a sheet of twelve columns.

    Args:
        images: photos (N, H, H, 3), or (N, n H, H, 3): below one another an image with
            a random texture, one of the same sketch with a photo's texture, and
            perhaps the photo's depth.
    """
    size = images.shape[2]
    parts = images.reshape(len(images), -1, size, size, 3)
    tiles = []
    for start in range(0, len(parts), 12):
        for kind in range(parts.shape[1]):
            row = parts[start : start + 12, kind]
            tiles.append([(to_picture(image, size), None) for image in row])
    return sheet(tiles)


def load_networks(run: RunDir) -> Networks:
    """Return the networks of the newest stage of a run: joint, else texture.

    Raises:
        UserError: neither stage has ended, or a file is damaged.
    """
    for stage in (JOINT, TEXTURE):
        if (run.path / stage / f"{GENERATOR}.keras").is_file():
            return load_stage(run, stage)
    raise UserError(
        f"no texture network in {run.path}; wait for the end of the stage texture, or "
        "continue the training with train --resume"
    )


def load_stage(run: RunDir, stage: str) -> Networks:
    """Return the networks of one stage of a run, "texture" or "joint".

    Raises:
        UserError: a file is missing or damaged.
    """
    folder = run.path / stage
    own = folder / f"{SHAPE_GENERATOR}.keras"
    return Networks(
        load_network(own if stage == JOINT else run.generator),
        load_network(folder / f"{GENERATOR}.keras"),
        load_network(folder / f"{ENCODER}.keras"),
        stage,
    )


STAGES: dict[str, Callable[..., bool]] = {
    "shape": train_first,
    TEXTURE: train_texture,
    JOINT: train_joint,
}
