"""`python -m chapter05_srgan` is the command line of main.py."""

import sys

from chapter05_srgan.commands import CHAPTER
from common.cli.main import main

sys.exit(main(CHAPTER))
