"""The chapters of the project, found by their folders."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def chapter_names() -> tuple[str, ...]:
    """Return the names of the packages of all chapters and studies, sorted."""
    configs = [*ROOT.glob("chapter*_*/config.py"), *ROOT.glob("study_*/config.py")]
    return tuple(sorted(path.parent.name for path in configs))
