"""`python -m chapter04_dcgan` is the command line of main.py."""

import sys

from chapter04_dcgan.commands import CHAPTER
from common.cli.main import main

sys.exit(main(CHAPTER))
