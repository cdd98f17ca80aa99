"""Versions are put in force and taken back while frames are inspected, with the real Triton."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from support.cluster import ClusterUnderTest, run_cluster
from support.golden import write_golden
from support.pictures import spot_png
from support.tiny_repository import write_spot

from flawgate_contracts.errors import GoldenFailed
from flawgate_contracts.repository.layout import ModelRepository
from flawgate_decision.promotion.tasks import Target, promote, rollback

pytestmark = pytest.mark.cluster

CLIENTS = 4
GREY = 255
GAINS = {"1": 1.0, "2": 0.5, "3": 0.75}
SEEN_TIMEOUT_S = 20.0
GREYS = {"bright": 250, "dark": 20}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterUnderTest]:
    """A cluster over three versions of `spot`, of which the third does not judge its golden frames as it says."""
    repository = tmp_path_factory.mktemp("versions")
    for version, gain in GAINS.items():
        recipe = write_spot(repository, version=version, gain=gain)
        write_golden(repository, recipe, GREYS, gain=0.1 if version == "3" else gain)
    yield from run_cluster(repository)


class Load:
    """Clients that send frames all the time, and what they are told."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._stop = threading.Event()
        self.told: list[tuple[str | None, float | None]] = []
        """Version and score of each answer."""
        self.refused: list[str] = []
        """What was said to frames that got none."""
        self._threads = [threading.Thread(target=self._send) for _ in range(CLIENTS)]

    def _send(self) -> None:
        with httpx.Client(base_url=self._url, timeout=60, trust_env=False) as http:
            while not self._stop.is_set():
                answer = http.post("/v1/inspections", data={"recipe": "spot"}, files={"file": spot_png(GREY)})
                if answer.status_code == httpx.codes.CREATED:
                    self.told.append((answer.json()["recipe_version"], answer.json()["score"]))
                else:
                    self.refused.append(answer.text)

    def wait_for(self, version: int) -> None:
        """Until answers of that version come, and no other."""
        deadline = time.monotonic() + SEEN_TIMEOUT_S
        while {told for told, _ in self.told[-2 * CLIENTS :]} != {str(version)}:
            assert time.monotonic() < deadline, f"version {version} is not seen; last: {self.told[-2 * CLIENTS :]}"
            time.sleep(0.05)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Send for as long as the block runs."""
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in self._threads:
                thread.join()


def test_promote_and_rollback_under_load_drop_no_request(cluster: ClusterUnderTest) -> None:
    """Every frame gets an answer, each of a version that was in force, with the score that is that version's."""
    load = Load(cluster.layout.url)
    with load.running():
        load.wait_for(1)
        for _ in range(2):
            promote(_target(cluster), "spot", 2)
            load.wait_for(2)
            rollback(_target(cluster), "spot")
            load.wait_for(1)
        with pytest.raises(GoldenFailed, match="judges 2 of 2 golden"):
            promote(_target(cluster), "spot", 3)
        load.wait_for(1)
    assert load.refused == []
    assert set(load.told) == {("1", 1.0), ("2", 0.5)}
    assert ModelRepository(cluster.layout.model_repository).active("spot") == 1


def _target(cluster: ClusterUnderTest) -> Target:
    triton = f"127.0.0.1:{cluster.layout.ports.triton_grpc}"
    return Target(Path(cluster.layout.model_repository), triton, offline=False, frames=None, unchecked=None)
