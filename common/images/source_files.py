"""Image files that a command makes others of: their names, and that they are kept."""

from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

from common.errors import UserError, printable

# Letters of a file's name in a caption.
NAME_LENGTH = 18


def file_names(sources: Sequence[Path], taken: Collection[str] = ()) -> list[str]:
    """Return a different name without suffix for the results of each file.

    It is the file's name without its suffix. If several files share it, their
    suffixes stay, and if they share those as well, a number follows.

    Args:
        sources: paths of the files.
        taken: names in lower case that other results have.
    """
    # Some file systems ignore case, so names are compared without it.
    stems = Counter(source.stem.casefold() for source in sources)
    used, names = set(taken), []
    for source in sources:
        is_unique = stems[source.stem.casefold()] == 1
        name = source.stem if is_unique else source.name
        number = 1
        while name.casefold() in used:
            number += 1
            name = f"{source.name}_{number}"
        used.add(name.casefold())
        names.append(name)
    return names


def keep_sources(sources: Sequence[Path], results: Sequence[Path]) -> None:
    """Check that no result would replace a file that it is made from.

    Args:
        sources: paths of the files that are read.
        results: paths of the files to write.

    Raises:
        UserError: one of them would.
    """
    existing = [path for path in results if path.exists()]
    for source in sources:
        if source.exists() and any(source.samefile(path) for path in existing):
            raise UserError(
                f"{source} would be replaced by a result; choose another folder "
                "with --out"
            )


def short_name(name: str) -> str:
    """Return the name of a file as a caption: in one line, of at most 18 letters."""
    text = " ".join(printable(name).split())
    return text if len(text) <= NAME_LENGTH else f"{text[: NAME_LENGTH - 3]}..."
