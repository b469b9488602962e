"""`python -m chapter02_3dgan` is the command line of main.py."""

import sys

from chapter02_3dgan.commands import CHAPTER
from common.cli.main import main

sys.exit(main(CHAPTER))
