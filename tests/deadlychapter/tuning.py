"""The deadly chapter is searched as the toy chapter is."""

from toychapter.tuning import TUNING

__all__ = ["TUNING"]
