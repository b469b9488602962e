"""Command line of the study; `python study_von/main.py --help` lists it."""

import sys
from pathlib import Path

if __name__ == "__main__":
    # A script's own folder is on the path, the repository's root is not.
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    from common.cli.main import main
    from study_von.commands import CHAPTER

    sys.exit(main(CHAPTER))
