"""Fixtures that several test files use."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from common.data import folders
from synthetic_data.drawing import pool

TESTS = Path(__file__).resolve().parent
ROOT = TESTS.parent
# Files that take longest, which begin first: else one of two processes ends long after
# the other. `make test` lets xdist keep this order.
LONGEST = (
    "common/training/test_resume",
    "common/training/test_strategies",
    "chapter05_srgan/test_chapter",
    "common/tuning/test_chapters",
    "chapter01_gan/stabilising/test_compare",
    "chapter04_dcgan/test_chapter",
    "chapter01_gan/test_chapter",
    "chapter03_agecgan/test_chapter",
    "chapter02_3dgan/test_chapter",
    "test_contract",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; within a file the order stays."""
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(
        key=lambda item: places.get(
            str(item.path.relative_to(TESTS).with_suffix("")), len(places)
        )
    )


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory) -> Iterator[None]:
    """Keep what tests decode out of the user's cache, also in subprocesses."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session", autouse=True)
def one_core() -> Iterator[None]:
    """Draw stand-ins in this process; starting others takes longer than small sets."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool, "usable_cores", lambda: 1)
        yield


@pytest.fixture(scope="session", autouse=True)
def own_log_level() -> Iterator[None]:
    """Keep TensorFlow quiet in subprocesses, whatever the user's shell exports."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
        yield


@pytest.fixture(autouse=True)
def own_settings() -> Iterator[None]:
    """Leave no test the settings or the given warnings of another one."""
    folders.warn_once.cache_clear()
    yield
    os.environ.pop("TF_CPP_MIN_LOG_LEVEL", None)
    if "keras" in sys.modules:
        sys.modules["keras"].mixed_precision.set_global_policy("float32")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of small real data sets, which is no part of the project."""
    folder = ROOT.parent / "shared" / "data"
    if folder.is_dir():
        return folder
    message = f"the real data sets are not in {folder}"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)
