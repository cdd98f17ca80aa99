"""A model that answers, but wrongly: Triton is READY all the while, and no part is called OK."""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import httpx
import pytest
from support.cluster import ClusterUnderTest, run_cluster
from support.golden import write_golden
from support.pictures import spot_png
from support.tiny_repository import write_spot

pytestmark = pytest.mark.cluster

BAD_PART = 255
INTERVAL_S = 0.2
SEEN_TIMEOUT_S = 20.0
GREYS = {"bright": 250, "dark": 20}
NOT_TRUSTED = ("NOT_DECIDABLE", "GOLDEN_CHECK_FAILED")


class Line:
    """A cluster over `spot`, whose classification can be exchanged for one that finds every part good."""

    def __init__(self, cluster: ClusterUnderTest, wrong: Path) -> None:
        self.cluster = cluster
        self._file = cluster.layout.model_repository / "spot_cls/1/model.onnx"
        self._right = self._file.read_bytes()
        self._wrong = wrong.read_bytes()
        self._triton = f"http://127.0.0.1:{cluster.layout.ports.triton_http}/v2"

    def take(self, *, wrong: bool) -> None:
        """Exchange the file, and let Triton load it: same version, same shapes."""
        self._file.write_bytes(self._wrong if wrong else self._right)
        httpx.post(f"{self._triton}/repository/models/spot_cls/load", trust_env=False).raise_for_status()

    def verdict(self) -> tuple[str, str]:
        """Of a part that is bad beyond doubt."""
        told = self.cluster.inspect("spot", spot_png(BAD_PART)).raise_for_status().json()
        return told["evaluation"], told["reason"]

    def listed(self) -> tuple[str, int]:
        """State of the recipe, and golden frames that failed, as the gateway lists it."""
        told = self.cluster.http.get("/v1/recipes/spot").json()
        return told["state"], told["golden"]["failed"]

    def ready(self) -> int:
        """Status of the gateway's `/readyz`."""
        return self.cluster.http.get("/readyz").status_code

    def triton_is_ready(self) -> bool:
        """What Triton says of itself, and of the model."""
        paths = ("health/ready", "models/spot_cls/ready")
        return all(httpx.get(f"{self._triton}/{path}", trust_env=False).is_success for path in paths)

    def metrics(self) -> str:
        """Of decision."""
        port = self.cluster.layout.ports.decision_metrics
        return httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    """One whose golden frames are checked all the time."""
    repository, other = tmp_path_factory.mktemp("golden"), tmp_path_factory.mktemp("wrong")
    write_golden(repository, write_spot(repository), GREYS)
    write_spot(other, gain=0.1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DECISION_GOLDEN_INTERVAL_S", str(INTERVAL_S))
        patch.setenv("DECISION_PROBE_INTERVAL_S", str(INTERVAL_S))
        for cluster in run_cluster(repository):
            yield Line(cluster, other / "spot_cls/1/model.onnx")
    shutil.rmtree(other)


def until(holds: Callable[[], bool]) -> None:
    """Wait for it."""
    deadline = time.monotonic() + SEEN_TIMEOUT_S
    while not holds():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.02)


def test_a_model_that_answers_wrongly_calls_no_part_ok(line: Line) -> None:
    """From the failed check to the next that passes every part is NOT_DECIDABLE; then verdicts count again."""
    assert (line.verdict(), line.ready()) == (("NOT_OK", "SCORE_ABOVE_THRESHOLD"), 200)
    line.take(wrong=True)
    until(lambda: line.verdict() == NOT_TRUSTED)
    assert {line.verdict() for _ in range(20)} == {NOT_TRUSTED}
    assert line.triton_is_ready()
    until(lambda: line.ready() == 503)
    until(lambda: line.listed() == ("UNTRUSTED", 2))
    assert 'flawgate_golden_check_passed{recipe="spot"} 0.0' in line.metrics()
    line.take(wrong=False)
    seen = []
    until(lambda: seen.append(line.verdict()) or seen[-1] != NOT_TRUSTED)  # type: ignore[func-returns-value]
    assert seen[-1] == ("NOT_OK", "SCORE_ABOVE_THRESHOLD")
    until(lambda: line.ready() == 200)
    until(lambda: 'flawgate_golden_check_passed{recipe="spot"} 1.0' in line.metrics())


def test_the_failed_check_is_in_the_log_with_its_table(line: Line) -> None:
    """When it changes and not at each check, with the frame, what it should be and what it was."""
    parsed = [json.loads(text.split(": ", 1)[1]) for text in line.cluster.lines if '"flawgate_decision.trying"' in text]
    told = [(entry["state"], entry["detail"], entry.get("frames")) for entry in parsed if "state" in entry]
    assert all(one != other for one, other in pairwise(told))
    untrusted = [frames for state, _, frames in told if state == "UNTRUSTED"]
    assert "bright" in str(untrusted[0])
    assert "FAILED" in str(untrusted[0])
