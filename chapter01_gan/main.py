"""Command line of chapter 1; `python chapter01_gan/main.py --help` lists it."""

import sys
from pathlib import Path

if __name__ == "__main__":
    # A script's own folder is on the path, the repository's root is not.
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    from chapter01_gan.commands import CHAPTER
    from common.cli.main import main

    sys.exit(main(CHAPTER))
