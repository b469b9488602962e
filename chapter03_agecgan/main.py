"""Command line of chapter 3; `python chapter03_agecgan/main.py --help` lists it."""

import sys
from pathlib import Path

if __name__ == "__main__":
    # A script's own folder is on the path, the repository's root is not.
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    from chapter03_agecgan.commands import CHAPTER
    from common.cli.main import main

    sys.exit(main(CHAPTER))
