"""Which parameters decide the loss: a forest is asked what it would say of others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from common.tuning.plots.axes import Axis, LossScale
from common.tuning.trial_records import Record

FEWEST = 8  # trials with a loss below which nothing is said
FOLDS = 8
DRAWS = 5  # of other values for each trial and parameter


@dataclass(frozen=True)
class Importance:
    """How much of the loss's variance each parameter decides.

    Attributes:
        shares: by parameter, at least 0. They add up to more than what is
            explained where parameters act together.
        explained: share of the variance of trials that it has not seen which the
            forest predicts. Near 0, the shares tell nothing.
        trials: with a loss, on which all this rests.
    """

    shares: Mapping[str, float]
    explained: float
    trials: int


def importance(
    records: Sequence[Record], fields: Sequence[str], seed: int = 0
) -> Importance | None:
    """Measure how much of the loss's variance each parameter decides.

    A forest f of random trees learns the loss y from seven eighths of the trials.
    In the others, the values of parameter j are replaced by those of trials drawn
    at random: x becomes x_j. The share is

        S_j = E[(y - f(x_j))^2 - (y - f(x))^2] / (2 Var(y)),

    on average over the eighths. For independent parameters and a forest that
    knows the truth it is the total effect: what would remain of the variance if
    all other parameters were fixed, on average. A parameter without effect gets
    about 0; what comes out below is 0. Losses far above the others count as in
    `LossScale`.

    Args:
        records: finished trials; those without a loss are left out.
        fields: names of the parameters. A trial may lack some.
        seed: of the forest and of the exchanges.

    Returns:
        The importance, or None for fewer than `FEWEST` trials with a loss.

    Reference:
        Breiman 2001, "Random Forests", section 10 (importance by exchange). Geurts,
        Ernst and Wehenkel 2006, "Extremely randomized trees". Jansen 1999,
        "Analysis of variance designs for model output", Computer Physics
        Communications 117 (total effect, from differences). Hutter, Hoos and
        Leyton-Brown 2014, "An Efficient Approach for Assessing Hyperparameter
        Importance" (forests for this purpose).
    """
    trials = [record for record in records if record.loss is not None]
    if len(trials) < FEWEST:
        return None
    losses = [trial.loss for trial in trials]
    target = LossScale.of(losses).compared(losses)
    variance = float(target.var())
    if variance == 0:
        return Importance(dict.fromkeys(fields, 0.0), 0.0, len(trials))
    positions, present = _features(trials, fields)
    rng = np.random.default_rng(seed)
    folds = rng.permutation(len(trials)) % FOLDS
    error, increase = 0.0, np.zeros(len(fields))
    for fold in range(FOLDS):
        held = folds == fold
        forest = _forest(seed).fit(positions[~held], target[~held])
        asked = _with_others(positions, present, held, rng)
        predicted = forest.predict(asked.reshape(-1, len(fields)))
        errors = ((predicted.reshape(len(asked), -1) - target[held]) ** 2).sum(axis=1)
        error += errors[0] / len(trials)
        replaced = errors[1:].reshape(DRAWS, len(fields)).mean(axis=0)
        increase += (replaced - errors[0]) / len(trials)
    shares = np.maximum(increase / (2 * variance), 0).tolist()
    explained = max(1 - error / variance, 0.0)
    return Importance(dict(zip(fields, shares, strict=True)), explained, len(trials))


def _forest(seed: int):
    from sklearn.ensemble import ExtraTreesRegressor

    return ExtraTreesRegressor(n_estimators=100, min_samples_leaf=2, random_state=seed)


def _features(
    trials: Sequence[Record], fields: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Return (N, F) positions on the axes, and which of them a trial has.

    In the place of a parameter that a trial lacks stands the median of the others,
    where a tree can hardly tell it: that it is lacking is the doing of the choice
    above it, and so counts for that choice.
    """
    positions = np.full((len(trials), len(fields)), 0.5)
    present = np.zeros(positions.shape, bool)
    for column, name in enumerate(fields):
        values = {
            row: trial.parameters[name]
            for row, trial in enumerate(trials)
            if name in trial.parameters
        }
        if not values:
            continue
        axis = Axis.of(list(values.values()))
        placed = [axis.position(value) for value in values.values()]
        positions[:, column] = np.median(placed)
        positions[list(values), column] = placed
        present[list(values), column] = True
    return positions, present


def _with_others(
    positions: np.ndarray,
    present: np.ndarray,
    held: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return the held trials (1 + DRAWS * F, H, F): as they are, then replaced.

    Those that lack a parameter go on lacking it.
    """
    fields = positions.shape[1]
    asked = np.tile(positions[held], (1 + DRAWS * fields, 1, 1))
    for index, changed in enumerate(asked[1:]):
        column = index % fields
        having = present[held, column]
        values = positions[present[:, column], column]
        if having.any():
            changed[having, column] = rng.choice(values, having.sum())
    return asked
