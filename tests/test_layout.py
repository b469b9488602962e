"""The layout of the code: which parts may import which, and no circular imports.

README and docs/architecture.md describe the layout. Imports inside of functions count
as well as those at the top of a file.
"""

import ast
import graphlib
import itertools
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# The parts of `common` (its folders and the files at its root), in floors from the
# lowest to the highest: a part imports from lower floors or from itself.
FLOORS = (
    ("errors",),
    ("files", "startup", "config"),
    ("untrusted",),
    ("config_files", "layers", "data", "features"),
    ("images",),
    ("gan", "metrics", "shapes"),
    ("training",),
    ("chapter", "notebook"),
    ("tuning",),
    ("cli",),
)
# A study may import the one chapter that it extends.
EXTENDS = {"study_3dvaegan": "chapter02_3dgan", "study_von": "chapter02_3dgan"}
MAX_FILES_IN_COMMON = 8
# Lines that two chapters may share in a row. Networks and losses may be alike: they
# are what a chapter teaches.
MAX_SHARED_LINES = 12


def modules() -> dict[str, Path]:
    """Return the project's modules: the path of each file by the module's name."""
    tops = ("common", "synthetic_data", "chapter*", "study_*")
    paths = [path for top in tops for path in ROOT.glob(f"{top}/**/*.py")]
    parts = {path: path.relative_to(ROOT).with_suffix("").parts for path in paths}
    return {".".join(p).removesuffix(".__init__"): path for path, p in parts.items()}


MODULES = modules()


def imports(name: str) -> set[str]:
    """Return the project's modules that a module imports anywhere in its file."""
    found = set()
    for node in ast.walk(ast.parse(MODULES[name].read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: relative import"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in MODULES else node.module for name in names}
    return found & set(MODULES)


GRAPH = {name: imports(name) for name in MODULES}


def floor(name: str) -> int:
    """Return the number of the floor of a module of `common`, from 0."""
    part = name.split(".")[1]
    return next(number for number, parts in enumerate(FLOORS) if part in parts)


def test_the_graph_is_there():
    """The graph has many modules; on an empty one all tests below would pass."""
    assert len(MODULES) > 200
    assert "common.gan.losses" in GRAPH["chapter04_dcgan.training"]


def test_there_are_no_circular_imports():
    try:
        graphlib.TopologicalSorter(GRAPH).prepare()
    except graphlib.CycleError as error:
        pytest.fail(f"circular import: {' -> '.join(error.args[1])}")


def test_every_file_of_common_is_on_a_floor():
    for name in GRAPH:
        if name.startswith("common."):
            floor(name)


def test_common_imports_only_from_lower_floors():
    for name, others in GRAPH.items():
        for other in others:
            if name.startswith("common.") and other.startswith("common."):
                same = name.split(".")[1] == other.split(".")[1]
                assert same or floor(other) < floor(name), f"{name} imports {other}"


def test_common_and_the_stand_ins_import_no_chapter():
    for name, others in GRAPH.items():
        tops = {other.split(".")[0] for other in others}
        if name.startswith("common"):
            assert tops <= {"common"}, name
        if name.startswith("synthetic_data"):
            assert tops <= {"common", "synthetic_data"}, name


def test_no_chapter_imports_another():
    for name, others in GRAPH.items():
        own = name.split(".")[0]
        if own.startswith(("chapter", "study_")):
            allowed = {own, "common", "synthetic_data", EXTENDS.get(own)}
            assert {other.split(".")[0] for other in others} <= allowed, name


def test_common_has_few_files_at_its_root():
    assert len(list((ROOT / "common").glob("*.py"))) <= MAX_FILES_IN_COMMON


def longest_run(first: list[str], second: list[str]) -> int:
    """Return the length of the longest run of lines that both texts have."""
    longest, lengths = 0, {}
    for line in first:
        places = [place for place, other in enumerate(second) if other == line]
        lengths = {place: lengths.get(place - 1, 0) + 1 for place in places}
        longest = max(longest, *lengths.values(), 0)
    return longest


def test_a_shared_run_is_measured():
    assert longest_run(list("abcdx"), list("xbcdabc")) == 3
    assert longest_run(["a"], ["b"]) == 0


def test_no_two_chapters_say_the_same_at_length():
    texts = {
        name: [line.strip() for line in path.read_text().splitlines() if line.strip()]
        for name, path in MODULES.items()
        # Of a package's own file, the list of its files and names is alike by rule.
        if name.startswith(("chapter", "study_"))
        and "." in name
        and not name.endswith(".networks")
    }
    for (first, text), (second, other) in itertools.combinations(texts.items(), 2):
        if first.split(".")[0] != second.split(".")[0]:
            shared = longest_run(text, other)
            assert shared <= MAX_SHARED_LINES, f"{first} and {second}: {shared} lines"


@pytest.mark.parametrize(
    "folder",
    sorted({path.parent for path in MODULES.values()}, key=str),
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_a_package_lists_its_files_in_reading_order(folder):
    """The docstring of the package's __init__ names each of its files and folders."""
    text = ast.get_docstring(ast.parse((folder / "__init__.py").read_text()))
    inside = [p for p in folder.iterdir() if (p / "__init__.py").exists()]
    inside += [p for p in folder.glob("*.py") if not p.name.startswith("__")]
    missing = [p.stem for p in inside if f"{p.stem}:" not in text]
    assert not missing, f"{folder.name}/__init__.py does not say what {missing} are"
