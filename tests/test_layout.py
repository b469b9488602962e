"""The layout of the code: which room may import which, and no import goes in a circle.

README and docs/architecture.md describe the rooms. Lazy imports inside of functions
count as well as those at the top of a file.
"""

import ast
import graphlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# Rooms of `common` from the lowest floor to the highest: a room imports from floors
# below its own, or from itself.
FLOORS = (
    ("errors",),
    ("files", "startup", "config"),
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


def modules() -> dict[str, Path]:
    """Return the files of the project's packages by the names of their modules."""
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
            found |= {one if one in MODULES else node.module for one in names}
    return found & set(MODULES)


GRAPH = {name: imports(name) for name in MODULES}


def floor(name: str) -> int:
    """Return the floor of a module of `common`."""
    room = name.split(".")[1]
    return next(number for number, rooms in enumerate(FLOORS) if room in rooms)


def test_the_graph_is_there():
    """The tests below would pass on an empty graph."""
    assert len(MODULES) > 200
    assert "common.gan.losses" in GRAPH["chapter04_dcgan.training"]


def test_no_import_goes_in_a_circle():
    try:
        graphlib.TopologicalSorter(GRAPH).prepare()
    except graphlib.CycleError as error:
        pytest.fail(f"circle: {' -> '.join(error.args[1])}")


def test_every_file_of_common_stands_on_a_floor():
    for name in GRAPH:
        if name.startswith("common."):
            floor(name)


def test_no_import_goes_upwards_in_common():
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


def test_common_stays_small_at_its_root():
    assert len(list((ROOT / "common").glob("*.py"))) <= MAX_FILES_IN_COMMON


@pytest.mark.parametrize(
    "folder",
    sorted({path.parent for path in MODULES.values()}, key=str),
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_a_package_lists_its_files_in_reading_order(folder):
    """Each file and folder of a package is named in the docstring of its __init__."""
    text = ast.get_docstring(ast.parse((folder / "__init__.py").read_text()))
    inside = [p for p in folder.iterdir() if (p / "__init__.py").exists()]
    inside += [p for p in folder.glob("*.py") if not p.name.startswith("__")]
    missing = [p.stem for p in inside if f"{p.stem}:" not in text]
    assert not missing, f"{folder.name}/__init__.py does not say what {missing} are"
