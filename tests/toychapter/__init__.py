"""A chapter for tests of the search: its training is arithmetic and takes no time."""

from toychapter.config import PRESETS, Config
from toychapter.training import train

__all__ = ["PRESETS", "Config", "train"]
