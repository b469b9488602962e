"""`python -m chapter01_gan` is the command line of main.py."""

import sys

from chapter01_gan.commands import CHAPTER
from common.cli.main import main

sys.exit(main(CHAPTER))
