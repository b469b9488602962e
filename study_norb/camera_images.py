"""Images of one or two cameras as pictures to look at, and pictures as their input."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from common.images.pixels import mean_channel
from common.images.reading import find_images, read_image, warn_of_more
from study_norb.config import Config


def left(images: np.ndarray) -> np.ndarray:
    """Return the images of the left camera, (N, S, S, 1), of images (N, S, S, C)."""
    return images[..., :1]


def side_by_side(images: np.ndarray) -> np.ndarray:
    """Return the images of all cameras beside each other, the left one first.

    Args:
        images: (N, S, S, C), with one channel for each camera.

    Returns:
        (N, S, C S, 1).
    """
    return np.concatenate(np.split(images, images.shape[-1], axis=-1), axis=2)


def anaglyphs(images: np.ndarray) -> np.ndarray:
    """Return stereo pairs as pictures for glasses that are red on the left, cyan right.

    Args:
        images: (N, S, S, 2), left and right.

    Returns:
        (N, S, S, 3): red is the left image, green and blue are the right one.
    """
    return images[..., [0, 1, 1]]


def find_pictures(sources: Sequence[Path]) -> list[Path]:
    """Return image files, and the image files in folders, in the order of the sources.

    Args:
        sources: paths of image files or of folders, which are searched at any depth.

    Raises:
        UserError: a folder has no image files, or cannot be read.
    """
    found = []
    for source in map(Path, sources):
        found += find_images(source) if source.is_dir() else [source]
    return found


def read_picture(path: Path, config: Config) -> np.ndarray:
    """Read an image file as an image of the run: grey, square, uint8 (S, S, C).

    The largest square in the middle is resized. For stereo runs, a picture that is
    twice as wide as high is a pair, as `generate` writes them; any other serves as the
    image of both cameras.

    Args:
        path: image file of any common format.
        config: uses size and cameras.

    Raises:
        ImageError: it is not an image that can be used.
    """
    columns = 1
    if config.channels == 2:
        height, width, _ = read_image(path, tell_of_more=lambda path: None).shape
        columns = 2 if width == 2 * height else 1
    image = read_image(path, (config.size, columns * config.size), "crop", warn_of_more)
    parts = np.split(mean_channel(image), columns, axis=1)
    # A single picture is repeated for the second camera.
    return np.concatenate((2 * parts)[: config.channels], axis=-1)
