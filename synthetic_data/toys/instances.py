"""The toys of a data set: ten instances of each of five categories."""

from collections.abc import Callable

import numpy as np

from synthetic_data.toys import airplanes, animals, cars, humans, trucks
from synthetic_data.toys.solids import CELLS, Sculpture
from synthetic_data.toys.views import Toy

INSTANCES = {"training": (4, 6, 7, 8, 9), "testing": (0, 1, 2, 3, 5)}
# The function that makes a toy of each category, and the kinds it knows. Kinds k and
# k + 5 are relatives.
_MAKERS: tuple[tuple[Callable[[str, np.random.Generator], Sculpture], tuple], ...] = (
    (animals.animal, animals.KINDS),
    (humans.human, humans.KINDS),
    (airplanes.airplane, airplanes.KINDS),
    (trucks.truck, trucks.KINDS),
    (cars.car, cars.KINDS),
)
CATEGORIES = len(_MAKERS)
_PAIRS = 5  # pairs of related kinds in each category


def make_toy(category: int, instance: int, seed: int = 0, cells: int = CELLS) -> Toy:
    """Return a toy.

    All ten instances of a category are of different kinds. Of each pair of related
    kinds, for example horse and pony, one is a training and the other a test toy, so
    that both splits come from the same family.

    Args:
        category: 0 four-legged animal, 1 human figure, 2 airplane, 3 truck, 4 car.
        instance: 0 to 9.
        seed: seed of the data set.
        cells: cells of the grid along the toy's longest side.
    """
    maker, kinds = _MAKERS[category]
    kind = kinds[_kind_numbers(category, seed)[instance]]
    rng = np.random.default_rng([seed, category, instance])
    return Toy(*maker(kind, rng).surface(cells))


def _kind_numbers(category: int, seed: int) -> dict[int, int]:
    """Return the index of the kind of each instance of a category."""
    rng = np.random.default_rng([seed, category])
    which = rng.integers(0, 2, _PAIRS)  # which of each pair is a training toy
    numbers = {}
    for instances, chosen in zip(INSTANCES.values(), (which, 1 - which), strict=True):
        kinds = rng.permutation(np.arange(_PAIRS) + _PAIRS * chosen)
        numbers |= dict(zip(instances, kinds.tolist(), strict=True))
    return numbers
