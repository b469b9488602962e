"""`python -m study_von` is the command line of main.py."""

import sys

from common.cli.main import main
from study_von.commands import CHAPTER

sys.exit(main(CHAPTER))
