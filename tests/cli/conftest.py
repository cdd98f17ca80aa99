"""Services within the process of the tests keep their logs off the output that the tests read."""

from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(scope="module", autouse=True)
def quiet() -> Iterator[None]:
    """Log lines are kept in memory."""
    with structlog.testing.capture_logs():
        yield
