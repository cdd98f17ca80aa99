"""A real cluster under test: every service a process of its own, over real sockets, with the real Triton."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest

from flawgate_cli.local_cluster.cluster import LocalCluster, running_cluster
from flawgate_cli.local_cluster.layout import Layout
from support.ports import cluster_ports

ROOT = Path(__file__).parents[2]
TRITON_PYTHON = ROOT / "services/triton/.venv/bin/python"
READY_TIMEOUT_S = 180.0


class ClusterUnderTest:
    """A running cluster and a client of its gateway."""

    def __init__(self, layout: Layout, cluster: LocalCluster, lines: list[str]) -> None:
        self.layout = layout
        self.cluster = cluster
        self.lines = lines
        self.http = httpx.Client(base_url=layout.url, timeout=60, trust_env=False)

    def inspect(self, recipe: str, data: bytes, **fields: str) -> httpx.Response:
        """`POST /v1/inspections` with a form."""
        return self.http.post("/v1/inspections", data={"recipe": recipe, **fields}, files={"file": data})


def run_cluster(repository: Path, **told: Any) -> Iterator[ClusterUnderTest]:
    """A cluster over a repository, until the generator is closed; `told` is of its layout."""
    if not TRITON_PYTHON.exists():
        pytest.skip("Triton's environment is not installed: run `make setup`")
    with TemporaryDirectory() as data_dir:
        layout = Layout(repository, cluster_ports(), triton_python=TRITON_PYTHON, data_dir=Path(data_dir), **told)
        lines: list[str] = []
        with running_cluster(
            layout, lambda name, line: lines.append(f"{name}: {line}"), ready_timeout_s=READY_TIMEOUT_S
        ) as up:
            under_test = ClusterUnderTest(layout, up, lines)
            yield under_test
            under_test.http.close()
