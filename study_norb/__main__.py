"""`python -m study_norb` is the command line of main.py."""

import sys

from common.cli.main import main
from study_norb.commands import CHAPTER

sys.exit(main(CHAPTER))
