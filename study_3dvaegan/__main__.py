"""`python -m study_3dvaegan` is the command line of main.py."""

import sys

from common.cli.main import main
from study_3dvaegan.commands import CHAPTER

sys.exit(main(CHAPTER))
