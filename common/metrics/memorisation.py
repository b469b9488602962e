"""Memorisation: whether a generator has learnt training items by heart.

Copies of training items are nearer to the training set than new items of the same
kind are. Held-out items are such new items, so their distances are the measure.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np

# From items (N, ...) and (M, ...) to their distances (N, M).
Distances = Callable[[np.ndarray, np.ndarray], np.ndarray]
# Largest number of items of a set whose nearest training items are searched.
MAX_ITEMS = 500
# Training images that are compared at once.
_BLOCK = 1024
# Images are compared at an edge of at most this many squares of pixels.
_EDGE = 16
# Share of the held-out items that count as near to the training set.
_NEAR = 0.01


def score_memorisation(
    columns: Mapping[str, np.ndarray],
    held_out: np.ndarray,
    train: Iterable[np.ndarray],
    distances: Distances,
) -> dict[str, dict[str, float]]:
    """Compare sets of items with held-out items by their distances to training items.

    Of each set, at most MAX_ITEMS items at equal steps are used, but all training
    items: among some of them a copied one would be missed.

    Args:
        columns: items (N, ...) by the names of the sets.
        held_out: items (M, ...) of the same kind that no network has seen.
        train: the training items, in blocks (B, ...).
        distances: function that measures the distances of two sets of items.

    Returns:
        The scores of each set; see `compare_nearest`.
    """
    sets = [spread(items) for items in (*columns.values(), held_out)]
    *nearest, held = nearest_distances(sets, train, distances)
    return {
        name: compare_nearest(own, held)
        for name, own in zip(columns, nearest, strict=True)
    }


def score_copied_images(
    columns: Mapping[str, np.ndarray], held_out: np.ndarray, train: np.ndarray
) -> dict[str, dict[str, float]]:
    """Compare sets of images with held-out ones; see `score_memorisation`.

    Args:
        columns: uint8 (N, H, W[, C]) by the names of the sets.
        held_out: uint8 (M, H, W[, C]).
        train: uint8 (K, H, W[, C]); may be memory-mapped.
    """
    reduced = {name: reduce_images(spread(images)) for name, images in columns.items()}
    held = reduce_images(spread(held_out))
    return score_memorisation(reduced, held, reduced_blocks(train), euclidean)


def nearest_images(images: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Return the distance of each image to the nearest training image.

    Args:
        images: uint8 (N, H, W[, C]).
        train: uint8 (K, H, W[, C]); may be memory-mapped.

    Returns:
        float64 (N,).
    """
    blocks = reduced_blocks(train)
    return nearest_distances([reduce_images(images)], blocks, euclidean)[0]


def spread(items: np.ndarray) -> np.ndarray:
    """Return at most MAX_ITEMS of some items, at equal steps.

    Args:
        items: (N, ...).
    """
    if len(items) <= MAX_ITEMS:
        return items
    return items[np.linspace(0, len(items) - 1, MAX_ITEMS).astype(int)]


def nearest_distances(
    sets: Sequence[np.ndarray], blocks: Iterable[np.ndarray], distances: Distances
) -> list[np.ndarray]:
    """Return the distance of each item to the nearest training item.

    Args:
        sets: sets of items, each (N, ...).
        blocks: the training items, in blocks (B, ...), which bound the memory.
        distances: function that measures the distances of two sets of items.

    Returns:
        float64 (N,) for each set, in the unit of the distances; infinite without
        training items.
    """
    nearest = [np.full(len(items), np.inf) for items in sets]
    for block in blocks:
        for items, found in zip(sets, nearest, strict=True):
            np.minimum(found, distances(items, block).min(axis=1), out=found)
    return nearest


def compare_nearest(nearest: np.ndarray, held_out: np.ndarray) -> dict[str, float]:
    """Compare distances to the nearest training item with those of held-out items.

    Args:
        nearest: distances of the items to score, (N,), N >= 1.
        held_out: distances of held-out items, (M,), M >= 1.

    Returns:
        nearest_training_ratio: median of `nearest` divided by the median of `held_out`;
            about 1 for new items, 0 for copies, and above 1 for items unlike all
            training items;
        nearest_training_share: share of the items that are at least as near as the
            nearest 1 % of the held-out ones; about 0.01 for new items, 1 for copies.

        Without the ratio if half of the held-out items are copies themselves, because
        their median is 0.

    Reference:
        Meehan, Chaudhuri & Dasgupta 2020, arXiv:2004.05675, which tests whether
        generated items are nearer to the training set than held-out ones.
    """
    median = float(np.median(held_out))
    near = float(np.quantile(held_out, _NEAR))
    scores = {"nearest_training_share": float(np.mean(nearest <= near))}
    if median:
        scores["nearest_training_ratio"] = float(np.median(nearest)) / median
    return scores


def reduced_blocks(images: np.ndarray) -> Iterator[np.ndarray]:
    """Yield what `reduce_images` makes of images, in blocks float64 (B, D).

    Args:
        images: uint8 (N, H, W[, C]); may be memory-mapped.
    """
    for start in range(0, len(images), _BLOCK):
        yield reduce_images(images[start : start + _BLOCK])


def reduce_images(images: np.ndarray) -> np.ndarray:
    """Return the sums of pixels over squares, at most 16 x 16 squares for an image.

    At full size the noise of photos, which no network repeats, would hide that a
    picture is a copy.

    Args:
        images: uint8 (N, H, W[, C]).

    Returns:
        float64 (N, D), whole numbers.
    """
    factor = -(-max(images.shape[1:3]) // _EDGE)
    height, width = (edge // factor * factor for edge in images.shape[1:3])
    rows = sum(images[:, i:height:factor].astype(np.uint32) for i in range(factor))
    sums = sum(rows[:, :, i:width:factor] for i in range(factor))
    return sums.reshape(len(images), -1).astype(np.float64)


def euclidean(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the Euclidean distances between vectors of whole numbers.

    Args:
        a: float64 (N, D).
        b: float64 (M, D).

    Returns:
        float64 (N, M); exactly 0 for equal vectors, because sums of whole numbers
        below 2^53 are exact.
    """
    squares = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
    return np.sqrt(squares)
