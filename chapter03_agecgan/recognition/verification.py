"""Face verification: whether two photos show the same person.

Two photos are accepted as the same person if the distance of their embeddings is at
most a threshold, which is set on pairs of real photos. A *genuine* pair is of one
person, an *impostor* pair of two persons.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import rankdata

from common.errors import UserError

if TYPE_CHECKING:
    from chapter03_agecgan.recognition.recognizer import Recognizer

# Share of the genuine pairs that the threshold accepts.
SHARE = 0.99
# Largest number of pairs of each kind.
MOST_PAIRS = 20_000
# Subtracted before rounding up, so that rounding errors in share * N do not count.
_ROUNDING = 1e-9


def distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the Euclidean distances of paired embeddings.

    d_i = ||a_i - b_i||; for unit vectors in [0, 2], and d^2 = 2 - 2 cos(a_i, b_i).

    Args:
        a: embeddings (N, D), finite.
        b: embeddings (N, D) to compare them with, finite.

    Returns:
        Distances, float64 (N,).

    Raises:
        ValueError: the shapes differ or are not (N, D), or a distance is not finite.
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if a.ndim != 2 or a.shape != b.shape:
        raise ValueError(
            f"expected two arrays of one shape (N, D), found {a.shape} and {b.shape}"
        )
    result = np.linalg.norm(a - b, axis=1)
    if not np.isfinite(result).all():
        raise ValueError("embeddings must be finite")
    return result


def same_pairs(
    persons: Sequence[str], rng: np.random.Generator, most: int = MOST_PAIRS
) -> np.ndarray:
    """Draw genuine pairs: two different photos of one person.

    All genuine pairs are equally likely, so a person with many photos is in many pairs.
    No pair is drawn twice.

    Args:
        persons: name of the person on each of the N photos.
        rng: random generator; it draws the pairs if there are more than `most`.
        most: largest number of pairs.

    Returns:
        Indices of the photos, int64 (P, 2); P = 0 if no person has two photos.
    """
    order, starts = _by_person(persons)
    # Each photo with the earlier photos of the same person.
    return _draw(order, starts, np.arange(len(order)) - starts, rng, most)


def other_pairs(
    persons: Sequence[str], rng: np.random.Generator, most: int = MOST_PAIRS
) -> np.ndarray:
    """Draw impostor pairs: photos of two persons; otherwise as `same_pairs`."""
    order, starts = _by_person(persons)
    # Each photo with all photos of earlier persons.
    return _draw(order, np.zeros_like(starts), starts, rng, most)


def threshold(same: np.ndarray, share: float = SHARE) -> float:
    """Return the smallest threshold that accepts a share of the genuine pairs.

    t = min {d in S : |{s in S : s <= d}| >= share |S|}

    Args:
        same: distances S of genuine pairs, (P,), P >= 1.
        share: share of the pairs to accept, in (0, 1].

    Returns:
        The threshold t; pairs of a distance up to it count as one person.

    Raises:
        ValueError: there are no pairs, or the share is outside (0, 1].

    Reference:
        Antipov et al. 2017, arXiv:1702.01983, section 3.3 (accepting by a threshold
        on the distance; the share is ours).
    """
    if not 0 < share <= 1:
        raise ValueError(f"share must be above 0 and at most 1, found {share}")
    ordered = np.sort(_checked(same))
    return float(ordered[int(np.ceil(share * len(ordered) - _ROUNDING)) - 1])


def accept_rate(values: np.ndarray, limit: float) -> float:
    """Return the share of pairs that are accepted as one person.

    |{d in values : d <= limit}| / |values|

    Args:
        values: distances, (P,), P >= 1.
        limit: threshold.

    Raises:
        ValueError: there are no pairs.
    """
    return float(np.mean(_checked(values) <= limit))


def false_accept_rate(other: np.ndarray, limit: float) -> float:
    """Return the share of impostor pairs that are accepted (FAR); low is good.

    FAR(t) = |{d in other : d <= t}| / |other|

    Args:
        other: distances of impostor pairs, (P,), P >= 1.
        limit: threshold t.

    Raises:
        ValueError: there are no pairs.
    """
    return accept_rate(other, limit)


def area_under_curve(same: np.ndarray, other: np.ndarray) -> float:
    """Return the probability that a genuine pair is nearer than an impostor pair (AUC).

    AUC = P(s < o) + P(s = o) / 2 for s of `same` and o of `other`; 0.5 is chance, 1 is
    perfect.

    Args:
        same: distances of genuine pairs, (P,), P >= 1.
        other: distances of impostor pairs, (Q,), Q >= 1.

    Raises:
        ValueError: there are no pairs.
    """
    same, other = _checked(same), _checked(other)
    # The Mann-Whitney U statistic: each impostor pair's rank among all pairs, minus its
    # rank among the impostor pairs, is the number of genuine pairs that are nearer.
    ranks = rankdata(np.concatenate([same, other]))[len(same) :]
    wins = ranks.sum() - len(other) * (len(other) + 1) / 2
    return float(wins / (len(same) * len(other)))


def equal_error_rate(same: np.ndarray, other: np.ndarray) -> float:
    """Return the error at the threshold where false accepts and rejects are equal.

    EER = (FAR(t) + FRR(t)) / 2 at the t where |FAR(t) - FRR(t)| is smallest. FRR(t) is
    the share of genuine pairs that t rejects, and t is one of the distances. Low is
    good.

    Args:
        same: distances of genuine pairs, (P,), P >= 1.
        other: distances of impostor pairs, (Q,), Q >= 1.

    Raises:
        ValueError: there are no pairs.
    """
    same, other = np.sort(_checked(same)), np.sort(_checked(other))
    limits = np.concatenate([same, other])
    accepted = np.searchsorted(other, limits, "right") / len(other)
    rejected = 1 - np.searchsorted(same, limits, "right") / len(same)
    best = np.argmin(abs(accepted - rejected))
    return float(accepted[best] + rejected[best]) / 2


def verify(
    recognizer: "Recognizer", images: np.ndarray, persons: Sequence[str], seed: int = 0
) -> dict[str, float]:
    """Measure how well a network verifies people, on people it was not trained on.

    Args:
        recognizer: network that computes the embeddings.
        images: uint8 (N, S, S, 3).
        persons: name of the person on each photo, N names.
        seed: seed of the choice of pairs, at most 20,000 of each kind.

    Returns:
        "threshold", which accepts 99 % of the genuine pairs; "same_accepted" and
        "false_accept", the shares of genuine and impostor pairs that it accepts; "eer"
        and "auc"; "same_pairs" and "other_pairs", the numbers of pairs.

    Raises:
        UserError: no person has two photos, or all photos are of one person.
    """
    rng = np.random.default_rng(seed)
    genuine = same_pairs(persons, rng)
    impostor = other_pairs(persons, rng)
    if not (len(genuine) and len(impostor)):
        raise UserError(
            "verification compares photos of one person and of two: expected 2 people "
            f"or more and one with 2 photos or more, found {len(set(persons))} people "
            f"with {len(persons)} photos; give more photos"
        )
    embeddings = recognizer.embed(images)
    same = distances(embeddings[genuine[:, 0]], embeddings[genuine[:, 1]])
    other = distances(embeddings[impostor[:, 0]], embeddings[impostor[:, 1]])
    limit = threshold(same)
    return {
        "threshold": limit,
        "same_accepted": accept_rate(same, limit),
        "false_accept": false_accept_rate(other, limit),
        "eer": equal_error_rate(same, other),
        "auc": area_under_curve(same, other),
        "same_pairs": len(same),
        "other_pairs": len(other),
    }


def _by_person(persons: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Order photos by person.

    Returns:
        The indices of the photos in that order, (N,); and, for each position, the
        position of the first photo of the same person, (N,).
    """
    _, numbers = np.unique(np.asarray(persons, str), return_inverse=True)
    order = np.argsort(numbers, kind="stable")
    counts = np.bincount(numbers)
    return order, np.repeat(np.cumsum(counts) - counts, counts)


def _draw(
    order: np.ndarray,
    firsts: np.ndarray,
    counts: np.ndarray,
    rng: np.random.Generator,
    most: int,
) -> np.ndarray:
    """Draw pairs of photos.

    The photo at position i of `order` can be paired with the `counts[i]` photos from
    the position `firsts[i]` on. Pairs are drawn by their number among all possible
    pairs, so that these need not be listed: 100,000 photos have five billion.

    Args:
        order: indices of the photos, (N,).
        firsts: position of the first partner of each position, (N,).
        counts: number of partners of each position, (N,).
        rng: random generator.
        most: largest number of pairs.
    """
    ends = np.cumsum(counts)
    total = int(ends[-1]) if len(ends) else 0
    if total > most:
        chosen = np.sort(rng.choice(total, most, replace=False))
    else:
        chosen = np.arange(total)
    second = np.searchsorted(ends, chosen, "right")
    first = firsts[second] + chosen - (ends - counts)[second]
    return np.stack([order[first], order[second]], axis=1)


def _checked(values: np.ndarray) -> np.ndarray:
    """Return distances as an array; raise a ValueError if there are none."""
    values = np.asarray(values)
    if values.ndim != 1 or not values.size:
        raise ValueError(f"expected distances (P,), P >= 1, found {values.shape}")
    return values
