"""How `tune` judges a generator of drawn faces."""

from chapter04_dcgan.config import Config
from chapter04_dcgan.data import load_images
from chapter04_dcgan.evaluation import choose_extractor
from chapter04_dcgan.training import sample_latents
from common.metrics.image_judge import LEAST, image_judge
from common.metrics.validation import SEED, chosen_rows
from common.tuning import Judge

SAMPLES = 1000


def make_judge(config: Config) -> Judge:
    """Return a judge by FID in the local features, against validation images.

    Args:
        config: of a trial; uses data, size, validation_every and what latents need.

    Raises:
        UserError: the data are wrong or too few.
    """
    train = load_images(config, "train")
    rows = chosen_rows(len(train.images), config.validation_every, LEAST, SAMPLES)
    network = choose_extractor("local", None, train)
    latents = sample_latents(config, SAMPLES, SEED)
    return image_judge(train.images[rows], network, latents)
