"""What tests of the commands share; services within their process keep their logs off the output that is read."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from support.ports import cluster_ports
from support.tiny_repository import write_spot

from flawgate_cli.doctor.scope import Scope
from flawgate_cli.local_cluster.layout import Layout


@pytest.fixture(scope="module", autouse=True)
def quiet() -> Iterator[None]:
    """Log lines are kept in memory."""
    with structlog.testing.capture_logs():
        yield


@pytest.fixture
def scope(tmp_path: Path) -> Scope:
    """A cluster that does not run, with the recipe `spot`."""
    write_spot(tmp_path / "models")
    layout = Layout(tmp_path / "models", cluster_ports(), triton_python=Path(sys.executable))
    return Scope(layout, layout.url)
