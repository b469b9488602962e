"""Face verification: do two photos show one person? The distance tells.

Photos are "the same person" where the distance of their embeddings is at most a
threshold, which is set on pairs of real photos.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import rankdata

from common.errors import UserError

if TYPE_CHECKING:
    from chapter03_agecgan.recognition.recognizer import Recognizer

SHARE = 0.99
MOST_PAIRS = 20_000
# Less than rounding errors of share * N, more than none.
_ROUNDING = 1e-9


def distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the Euclidean distances of paired embeddings.

    d_i = ||a_i - b_i||; for unit vectors in [0, 2], and d^2 = 2 - 2 cos(a_i, b_i).

    Args:
        a: (N, D) embeddings, finite.
        b: (N, D), those to compare with.

    Returns:
        float64 (N,).

    Raises:
        ValueError: the shapes differ or are no (N, D), or a value is not finite.
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if a.ndim != 2 or a.shape != b.shape:
        raise ValueError(f"expected twice (N, D), found {a.shape} and {b.shape}")
    result = np.linalg.norm(a - b, axis=1)
    if not np.isfinite(result).all():
        raise ValueError("embeddings must be finite")
    return result


def same_pairs(
    persons: Sequence[str], rng: np.random.Generator, most: int = MOST_PAIRS
) -> np.ndarray:
    """Draw pairs of different photos of one person.

    All such pairs are equally likely, and none comes twice: a person with many
    photos has many pairs.

    Args:
        persons: who is on each of the N photos.
        rng: decides which pairs, where there are more than `most`.
        most: largest number of pairs.

    Returns:
        int64 (P, 2), numbers of photos; P = 0 where nobody has two photos.
    """
    order, starts = _by_person(persons)
    return _draw(order, starts, np.arange(len(order)) - starts, rng, most)


def other_pairs(
    persons: Sequence[str], rng: np.random.Generator, most: int = MOST_PAIRS
) -> np.ndarray:
    """Draw pairs of photos of two persons; otherwise as `same_pairs`."""
    order, starts = _by_person(persons)
    return _draw(order, np.zeros_like(starts), starts, rng, most)


def threshold(same: np.ndarray, share: float = SHARE) -> float:
    """Return the smallest distance that accepts a share of the genuine pairs.

    t = min {d in S : |{s in S : s <= d}| >= share |S|}

    Args:
        same: S, (P,) distances of photos of one person.
        share: in (0, 1].

    Returns:
        The distance; pairs up to it count as one person.

    Raises:
        ValueError: there are no pairs, or the share is no share.

    Reference:
        Antipov et al. 2017, arXiv:1702.01983, section 3.3 (accepting by a threshold
        on the distance; the share is ours).
    """
    if not 0 < share <= 1:
        raise ValueError(f"share must be above 0 and at most 1, is {share}")
    ordered = np.sort(_filled(same))
    return float(ordered[int(np.ceil(share * len(ordered) - _ROUNDING)) - 1])


def accept_rate(values: np.ndarray, limit: float) -> float:
    """Return the share of pairs that count as one person.

    |{d in values : d <= limit}| / |values|

    Args:
        values: (P,) distances.
        limit: the threshold.

    Raises:
        ValueError: there are no pairs.
    """
    return float(np.mean(_filled(values) <= limit))


def false_accept_rate(other: np.ndarray, limit: float) -> float:
    """Return the share of pairs of two persons that count as one; low is good.

    FAR(t) = |{d in other : d <= t}| / |other|

    Args:
        other: (P,) distances of photos of two persons.
        limit: t, the threshold.

    Raises:
        ValueError: there are no pairs.
    """
    return accept_rate(other, limit)


def area_under_curve(same: np.ndarray, other: np.ndarray) -> float:
    """Return how likely a genuine pair is nearer than one of two persons (AUC).

    AUC = P(s < o) + P(s = o) / 2 for s of `same` and o of `other`; 0.5 is chance.

    Args:
        same: (P,) distances of photos of one person.
        other: (Q,) those of two persons.

    Raises:
        ValueError: there are no pairs.
    """
    same, other = _filled(same), _filled(other)
    ranks = rankdata(np.concatenate([same, other]))[len(same) :]
    wins = ranks.sum() - len(other) * (len(other) + 1) / 2
    return float(wins / (len(same) * len(other)))


def equal_error_rate(same: np.ndarray, other: np.ndarray) -> float:
    """Return the error where both kinds of it are alike; low is good.

    EER = (FAR(t) + FRR(t)) / 2 at the t where |FAR(t) - FRR(t)| is least, with
    FRR(t) the share of genuine pairs that t rejects; t is one of the distances.

    Args:
        same: (P,) distances of photos of one person.
        other: (Q,) those of two persons.

    Raises:
        ValueError: there are no pairs.
    """
    same, other = np.sort(_filled(same)), np.sort(_filled(other))
    limits = np.concatenate([same, other])
    accepted = np.searchsorted(other, limits, "right") / len(other)
    rejected = 1 - np.searchsorted(same, limits, "right") / len(same)
    best = np.argmin(abs(accepted - rejected))
    return float(accepted[best] + rejected[best]) / 2


def verify(
    recognizer: "Recognizer", images: np.ndarray, persons: Sequence[str], seed: int = 0
) -> dict[str, float]:
    """Measure how well a network tells people apart, on people it never saw.

    Args:
        recognizer: gives the embeddings.
        images: uint8 (N, S, S, 3).
        persons: who is on each.
        seed: of the choice of pairs, at most 20,000 of a kind.

    Returns:
        "threshold" that accepts 99 % of genuine pairs; "same_accepted" and
        "false_accept", the shares that it accepts; "eer", "auc" and the numbers of
        pairs, "same_pairs" and "other_pairs".

    Raises:
        UserError: nobody has two photos, or all photos are of one person.
    """
    rng = np.random.default_rng(seed)
    pairs = same_pairs(persons, rng), other_pairs(persons, rng)
    if not (len(pairs[0]) and len(pairs[1])):
        raise UserError(
            "verification compares photos of one person and of two: expected 2 people "
            f"or more and one with 2 photos or more, found {len(set(persons))} people "
            f"with {len(persons)} photos; give more photos"
        )
    embeddings = recognizer.embed(images)
    same, other = (distances(*embeddings[chosen.T]) for chosen in pairs)
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
    """Return the photos ordered by person, and where the person of each begins."""
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
    """Draw pairs of one photo and one of the `counts` photos from `firsts` on.

    All pairs together are numbered, so that none has to be listed to be drawn.
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


def _filled(values: np.ndarray) -> np.ndarray:
    """Return distances that there are some of."""
    values = np.asarray(values)
    if values.ndim != 1 or not values.size:
        raise ValueError(f"expected distances (P,), P >= 1, found {values.shape}")
    return values
