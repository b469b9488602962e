"""Scores of what is recognised in images: classes and poses, found and asked for."""

from collections.abc import Sequence

import keras
import numpy as np

from common.features.extractors import Extractor
from common.images.pixels import to_floats
from study_norb.conditions import ELEVATIONS
from study_norb.pose_regression import CHANCE, angular_distances, read_poses

# Images that are classified at once.
BATCH = 1024
# A class counts as found with this part of the share that each of equal classes has.
FOUND = 0.1


def classify(classifier: Extractor, images: np.ndarray) -> np.ndarray:
    """Return the most probable class of each image, int (N,).

    Args:
        classifier: network of class probabilities.
        images: uint8 (N, S, S, 1).
    """
    parts = [
        classifier(to_floats(images[start : start + BATCH]))[1].argmax(axis=1)
        for start in range(0, len(images), BATCH)
    ]
    return np.concatenate(parts)


def class_scores(guessed: np.ndarray, names: Sequence[str]) -> dict[str, float]:
    """Return how images spread over the classes.

    Args:
        guessed: class that each image is put in, int (N,), N >= 1.
        names: names of the K classes.

    Returns:
        class_share_<name>, the share of the images in each class; min_class_share, the
        smallest of them; n_classes, the number of classes whose share is at least
        0.1 / K.
    """
    shares = np.bincount(guessed, minlength=len(names)) / len(guessed)
    named = zip(names, shares, strict=True)
    return {
        **{f"class_share_{name}": float(share) for name, share in named},
        "min_class_share": float(shares.min()),
        "n_classes": int(np.sum(shares >= FOUND / len(names))),
    }


def pose_scores(
    network: keras.Model,
    images: np.ndarray,
    azimuths: np.ndarray,
    elevations: np.ndarray,
) -> dict[str, float]:
    """Return how far the poses that are read from images are off.

    Args:
        network: network from `pose_regression.pose_network`.
        images: uint8 (N, S, S, 1).
        azimuths: true or wanted azimuths, degrees (N,).
        elevations: true or wanted elevations, degrees (N,).

    Returns:
        azimuth_error_deg and median_azimuth_error_deg, mean and median of the angles
        between azimuths; elevation_error_deg, the mean absolute error.
    """
    found_azimuths, found_elevations = read_poses(network, images)
    errors = angular_distances(found_azimuths, azimuths)
    return {
        "azimuth_error_deg": float(errors.mean()),
        "median_azimuth_error_deg": float(np.median(errors)),
        "elevation_error_deg": float(np.abs(found_elevations - elevations).mean()),
    }


def chance_scores(elevations: np.ndarray) -> dict[str, float]:
    """Return the scores of poses that are guessed without looking.

    Args:
        elevations: true elevations, degrees (N,). The guess is the middle of
            smallNORB's.
    """
    error = np.abs(elevations - np.mean(ELEVATIONS)).mean()
    return {
        "azimuth_error_deg": CHANCE,
        "median_azimuth_error_deg": CHANCE,
        "elevation_error_deg": float(error),
    }
