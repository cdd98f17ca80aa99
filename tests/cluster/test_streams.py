"""Lines of simulated cameras on the whole cluster, with faults: every frame is accounted for, here and on record."""

import json
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from support.cluster import ClusterUnderTest, run_cluster
from support.tiny_repository import write_spot

from flawgate_camera.simulate.task import Wanted, simulate

pytestmark = pytest.mark.cluster


def line(under_test: ClusterUnderTest, **changes: Any) -> Wanted:
    """Three cameras for some seconds."""
    wanted: dict[str, Any] = {
        "recipe": "spot",
        "cameras": 3,
        "takt_s": 0.25,
        "seconds": 6.0,
        "policy": "lossless",
        "staleness_s": 1.0,
        "jitter_share": 0.1,
        "defect_share": 0.5,
        "frames": None,
        "pictures": 6,
        "size": 128,
        "seed": 1,
        "faults": "",
        "cut_every_s": None,
        "settle_s": 120.0,
        "deadline_s": 0.25,
        "station": "line",
        "gateway": f"127.0.0.1:{under_test.layout.ports.gateway_grpc}",
        "url": under_test.layout.url,
        "key_file": None,
        "ca_file": None,
    }
    return Wanted(**{**wanted, **changes})


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    "changes",
    [
        {"policy": "lossless", "faults": "cut@1+2,stall@4+1"},
        {"policy": "latest", "faults": "cut@1+2,delay@4+1:100ms"},
        {"policy": "every", "cut_every_s": 1.0},
    ],
    ids=str,
)
def test_every_frame_of_a_line_with_faults_is_accounted_for(
    spot_cluster: ClusterUnderTest, changes: dict[str, Any]
) -> None:
    """Frames are results and dropped, the gateway has the same on record, and each camera came back."""
    out = StringIO()
    simulate(line(spot_cluster, **changes), out, as_json=True)
    said = json.loads(out.getvalue())
    assert (said["adds_up"], said["gateway_agrees"]) == (True, True)
    for camera in said["cameras"]:
        assert camera["reconnects"] >= 1
        assert camera["results"] > 0
        assert changes["policy"] == "latest" or camera["dropped"] == {}


@contextmanager
def killed_after(under_test: ClusterUnderTest, seconds: float) -> Iterator[None]:
    """The gateway is killed after so many seconds, and started again as `flawgate up` does."""
    stop = threading.Event()
    keeper = threading.Thread(target=under_test.cluster.watch, args=(stop.wait,))
    killer = threading.Timer(seconds, lambda: os.kill(under_test.cluster.pid("gateway"), signal.SIGKILL))
    keeper.start()
    killer.start()
    try:
        yield
    finally:
        killer.join()
        stop.set()
        keeper.join()


@pytest.mark.timeout(300)
def test_a_gateway_killed_in_mid_stream_records_every_frame_once(tmp_path: Path) -> None:
    """`lossless`: all frames have exactly one inspection on record, none is dropped."""
    write_spot(tmp_path)
    for under_test in run_cluster(tmp_path):
        out = StringIO()
        with killed_after(under_test, 3.0):
            simulate(line(under_test), out, as_json=True)
        said = json.loads(out.getvalue())
        assert (said["adds_up"], said["gateway_agrees"]) == (True, True)
        for camera in said["cameras"]:
            assert (camera["results"], camera["dropped"]) == (camera["frames"], {})
            assert camera["reconnects"] >= 1
