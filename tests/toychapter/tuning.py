"""How `tune` searches the toy chapter's options."""

from common.chapter import Tuning
from toychapter.config import SPACE


def make_objective(config):
    """Return the error of a generator on items that are left out."""
    assert config.validation_every == 10
    return lambda generator: {"error": generator.error, "steps": generator.step}


TUNING = Tuning(SPACE, make_objective, "error", uses_tensorflow=False)
