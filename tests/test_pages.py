"""The Markdown pages: links point to files that exist and define what is named."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = (".", "docs", "benchmarks", "chapter*", "chapter*/*", "study_*")
PAGES = sorted(page for folder in FOLDERS for page in ROOT.glob(f"{folder}/*.md"))
LINK = re.compile(r"\[([^\]]*)\]\(([^)\s]+)\)")


def links(page: Path) -> list[tuple[str, str]]:
    """Return the text and the target of each link to a file of the project."""
    found = LINK.findall(page.read_text())
    return [link for link in found if not re.match(r"https?:|#", link[1])]


def names_in(path: Path) -> set[str]:
    """Return the functions, classes, methods and constants that a file defines."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {t.id for t in node.targets if isinstance(t, ast.Name)}
    return names


def test_the_pages_are_found():
    assert len(PAGES) >= 10
    assert sum(len(links(page)) for page in PAGES) >= 100


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_point_to_files_that_define_what_they_name(page):
    """A link to code names a file and, in backquotes, a name that the file defines.

    Links to lines are refused: an edit above the line would make them wrong.
    """
    for text, target in links(page):
        assert "#L" not in target, f"{target}: name the function, not its line"
        path = page.parent / target.split("#")[0]
        assert path.exists(), f"{page.name} links to {target}"
        name = re.fullmatch(r"`(\w+)(\(\))?`", text)
        if name and path.suffix == ".py":
            assert name[1] in names_in(path), f"{target} does not define {name[1]}"
