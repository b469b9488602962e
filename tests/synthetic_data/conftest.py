"""Fixtures of the tests of stand-ins."""

from collections.abc import Iterator

import pytest

from synthetic_data.drawing import pool


@pytest.fixture(scope="module", autouse=True)
def two_cores(one_core) -> Iterator[None]:
    """Draw in two processes here, as a user's command does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pool, "usable_cores", lambda: 2)
        yield
