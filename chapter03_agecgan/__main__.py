"""`python -m chapter03_agecgan` is the command line of main.py."""

import sys

from chapter03_agecgan.commands import CHAPTER
from common.cli.main import main

sys.exit(main(CHAPTER))
