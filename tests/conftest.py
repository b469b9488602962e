"""Fixtures that several test files use."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


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
