"""Command line of chapter 5; `python chapter05_srgan/main.py --help` lists it."""

import sys
from pathlib import Path

if __name__ == "__main__":
    # A script's own folder is on the path, the repository's root is not.
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    from chapter05_srgan.commands import CHAPTER
    from common.cli.main import main

    sys.exit(main(CHAPTER))
