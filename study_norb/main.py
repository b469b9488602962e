"""Command line of the smallNORB study; `python study_norb/main.py --help` lists it."""

import sys
from pathlib import Path

if __name__ == "__main__":
    # A script's own folder is on the path, the repository's root is not.
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    from common.cli.main import main
    from study_norb.commands import CHAPTER

    sys.exit(main(CHAPTER))
