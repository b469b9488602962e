"""The toy chapter as its command line sees it."""

from common.chapter import Chapter
from toychapter.config import NAME, PRESETS

CHAPTER = Chapter(NAME, PRESETS)
