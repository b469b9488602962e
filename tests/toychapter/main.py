"""Command line of the toy chapter."""

import sys
from pathlib import Path

if __name__ == "__main__":
    tests = Path(__file__).resolve().parent.parent
    sys.path[:0] = [str(tests), str(tests.parent)]
    from common.cli.main import main
    from toychapter.commands import CHAPTER

    sys.exit(main(CHAPTER))
