"""Files that are named by the number of training steps, such as step_00000250.png."""

import re
from pathlib import Path

# Sample pictures that a run keeps. From then on, every second one is removed.
MOST_PICTURES = 256


def step_file(folder: Path, step: int, suffix: str) -> Path:
    """Return the path of the file of one step.

    Args:
        folder: folder of the files.
        step: number of steps done.
        suffix: suffix with the dot, for example ".png".
    """
    return folder / f"step_{step:08d}{suffix}"


def find_step_files(folder: Path, suffix: str) -> dict[int, Path]:
    """Find the files that `step_file` has named; files of other names do not count.

    Args:
        folder: folder of the files; it may be missing.
        suffix: suffix with the dot.

    Returns:
        The paths by the number of steps, in ascending order.
    """
    name = re.compile(rf"step_(\d{{8,}}){re.escape(suffix)}", re.ASCII)
    entries = folder.iterdir() if folder.is_dir() else ()
    found = {
        int(match[1]): path
        for path in entries
        if (match := name.fullmatch(path.name)) and path.is_file()
    }
    return dict(sorted(found.items()))


def is_kept(number: int, newest: int) -> bool:
    """Return whether a long run keeps a sample picture; see `MOST_PICTURES`.

    The intervals between the kept ones double whenever there would be too many, so a
    resumed run keeps the same ones as an uninterrupted one.

    Args:
        number: number of the picture, from 0.
        newest: number of the newest one, which is always kept.
    """
    interval = 1
    while newest // interval >= MOST_PICTURES:
        interval *= 2
    return number == newest or number % interval == 0
