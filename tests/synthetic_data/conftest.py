"""Fixtures of the tests of stand-ins."""

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="module", autouse=True)
def two_cores(one_core) -> Iterator[None]:
    """Draw in two processes here, as a user's command does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "cpu_count", lambda: 2)
        yield
