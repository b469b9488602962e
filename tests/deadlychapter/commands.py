"""The deadly chapter as its command line sees it."""

import dataclasses

from toychapter.commands import CHAPTER as TOY

CHAPTER = dataclasses.replace(TOY, name="deadlychapter")
