"""The search space and the objective of `tune` for the stage texture.

The stage shape is chapter 2's, whose own `tune` searches its options.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from common.chapter import Objective, Tuning
from common.tuning.objective import SEED, chosen_rows
from study_von.config import Config
from study_von.data import load_split
from study_von.viewpoints import open_pool

if TYPE_CHECKING:
    import keras

# None is the default of each texture network: 12 or 16 filters, an R1 penalty with the
# weight 1 or 3.
PUBLISHED: dict[str, Any] = {
    "texture": "published",
    # 64 [paper], on a GPU.
    "texture_width": {"choice": [None, 8, 16, 24]},
    # 3 [published code].
    "texture_blocks": {"integer": [1, 3]},
    # 0 is off [paper].
    "texture_r1_gamma": {"choice": [None, 0.0, 0.3, 3.0]},
    # 10, 25 and 2.5 [published code].
    "sketch_cycle_weight": {"loguniform": [1.0, 100.0]},
    "image_cycle_weight": {"loguniform": [2.5, 250.0]},
    "mask_weight": {"loguniform": [0.25, 25.0]},
}
FIELD: dict[str, Any] = {
    "texture": "field",
    # Of the encoder and the discriminator alone.
    "texture_width": {"choice": [None, 8, 24, 32]},
    "texture_r1_gamma": {"choice": [None, 0.3, 1.0, 10.0]},
}
SPACE: dict[str, Any] = {
    # The networks differ in their options.
    "texture": {"choice": [PUBLISHED, FIELD]},
    # 12 [published code].
    "texture_batch_size": {"choice": [4, 8, 12, 16, 32]},
    # 2e-4 [published code]; above 0.01 Adam destroys the networks.
    "texture_learning_rate": {"loguniform": [5e-5, 1e-2]},
    # The second is the paper's.
    "texture_loss": {"choice": ["non_saturating", "least_squares"]},
    # 0 [Karras et al. 2018], 0.5 [published code], 0.9 [Keras].
    "texture_beta_1": {"uniform": [0.0, 0.9]},
    # 1 [published code].
    "latent_cycle_weight": {"loguniform": [0.1, 10.0]},
    # 0.001 [published code].
    "kl_weight": {"loguniform": [1e-4, 1e-2]},
    # 0.1 and 2 [published code].
    "hue_jitter": {"choice": [0.0, 0.05, 0.1]},
    "photo_shift": {"choice": [0, 2, 4]},
    # Off, or an average over about 100 to 500 steps, because trials are short.
    "average": {"choice": [0.0, 0.99, 0.998]},
}

# Images that a trial makes, and validation photos at most.
SAMPLES = 500


def make_objective(config: Config) -> Objective:
    """Return the objective: KID against validation photos in the local features.

    The images show validation shapes from viewpoints of the pool, with random textures.

    Args:
        config: configuration of a trial; uses texture, texture_latent_dim,
            validation_every, and the options of the data and of sketches.

    Raises:
        UserError: the data are wrong or too few.
    """
    # Late: the search itself needs no TensorFlow, only its trials do.
    from common.tuning.image_objective import LEAST, image_objective
    from study_von.evaluation import choose_extractor
    from study_von.sketch_batches import sketch_maps
    from study_von.training import GENERATOR, texture_latents

    train = load_split(config, "train")
    shapes, photos = train
    rows = chosen_rows(len(photos.images), config.validation_every, LEAST, SAMPLES)
    held_out = chosen_rows(len(shapes), config.validation_every, 1, SAMPLES)
    network = choose_extractor("local", None, train)
    random = np.random.default_rng(SEED)
    azimuths, elevations = open_pool(config).draw(SAMPLES, random)
    sketches = sketch_maps(
        config,
        np.asarray(shapes[held_out]),
        azimuths,
        elevations,
        np.resize(np.arange(len(held_out)), SAMPLES),
    )
    inputs = [sketches, texture_latents(config, SAMPLES, SEED)]
    measure = image_objective(np.asarray(photos.images[rows]), network, inputs)

    def objective(generator: "keras.Model") -> dict[str, float]:
        # The networks of the stage are trained as one.
        return measure(generator.get_layer(GENERATOR))

    return objective


# With real shapes the stage needs no other one. A trial is so short that its learning
# rates would hardly fall.
TUNING = Tuning(
    SPACE,
    make_objective,
    loss="kid",
    fixed={"stage": "texture", "texture_shapes": "real", "texture_decay": False},
)
