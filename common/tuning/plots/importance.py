"""Estimate how much each parameter matters for the loss of a search.

A random forest is fitted to the trials. Then one parameter at a time gets other values,
and the increase of the forest's error shows how much this parameter matters.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from common.tuning.plots.axes import Axis, LossScale
from common.tuning.trial_records import Record

FEWEST = 8  # trials with a loss that an estimate needs
FOLDS = 8  # parts of the cross-validation
DRAWS = 5  # replacement values drawn for each trial and parameter


@dataclass(frozen=True)
class Importance:
    """The share of the loss's variance that each parameter is responsible for.

    Attributes:
        shares: share of each parameter, 0 or above. If parameters interact, the shares
            add up to more than the explained share.
        explained: share of the variance that the forest predicts in trials that it was
            not fitted to, from 0 to 1. If it is near 0, the shares mean nothing.
        trials: number of trials with a loss, from which all this is estimated.
    """

    shares: Mapping[str, float]
    explained: float
    trials: int


def importance(
    records: Sequence[Record], fields: Sequence[str], seed: int = 0
) -> Importance | None:
    """Estimate the share of the loss's variance that each parameter is responsible for.

    A random forest f is fitted to the loss y of seven eighths of the trials. In the
    other trials, the values of parameter j are replaced by those of trials drawn at
    random: x becomes x_j. The share is

        S_j = E[(y - f(x_j))^2 - (y - f(x))^2] / (2 Var(y)),

    averaged over the eight parts. For independent parameters and a perfect forest it is
    the total effect: the variance that would remain, on average, if all other
    parameters were fixed. A parameter without effect gets about 0; negative estimates
    are set to 0. Losses far above the others are clipped as in `LossScale`.

    Args:
        records: finished trials; those without a loss are left out.
        fields: names of the parameters. A trial may lack some of them.
        seed: seed of the forest and of the replacements.

    Returns:
        The importance, or None if fewer than `FEWEST` trials have a loss.

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
        inputs = _with_replacements(positions, present, held, rng)
        predicted = forest.predict(inputs.reshape(-1, len(fields)))
        errors = ((predicted.reshape(len(inputs), -1) - target[held]) ** 2).sum(axis=1)
        # errors[0] is the error on the trials as they are.
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
    """Return positions on the axes (N, F), and whether a trial has each one (N, F).

    A parameter that a trial lacks gets the median position of the others, where the
    trees can hardly distinguish it. A missing parameter is the effect of the choice
    that it depends on, so it must count for that choice.
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


def _with_replacements(
    positions: np.ndarray,
    present: np.ndarray,
    held: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Return copies of the trials in `held` (1 + DRAWS * F, H, F).

    The first copy is unchanged. In each other copy, one parameter has the values of
    random trials; trials that lack this parameter stay as they are.
    """
    fields = positions.shape[1]
    copies = np.tile(positions[held], (1 + DRAWS * fields, 1, 1))
    for index, changed in enumerate(copies[1:]):
        column = index % fields
        having = present[held, column]
        values = positions[present[:, column], column]
        if having.any():
            changed[having, column] = rng.choice(values, having.sum())
    return copies
