"""How `tune` judges a generator of digits."""

from chapter01_gan.config import Config
from chapter01_gan.data import load_images
from chapter01_gan.evaluation import choose_extractor
from chapter01_gan.training import sample_latents
from common.metrics.image_judge import LEAST, image_judge
from common.metrics.validation import SEED, chosen_rows
from common.tuning import Judge

SAMPLES = 1000


def make_judge(config: Config) -> Judge:
    """Return a judge by FID in the local features, against validation images.

    Args:
        config: of a trial; uses data, validation_every and what latents need.

    Raises:
        UserError: the data are wrong, too few, or have no labels.
    """
    images, labels = load_images(config, "train")
    rows = chosen_rows(len(images), config.validation_every, LEAST, SAMPLES)
    network = choose_extractor("local", None, images, labels)
    return image_judge(images[rows], network, sample_latents(config, SAMPLES, SEED))
