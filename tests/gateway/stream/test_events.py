import json
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from support.api_keys import KeyMaker
from support.gateway_cluster import GatewayCluster, running_gateway
from support.gateway_process import gateway_process
from support.grpc_door import DoorCaller
from support.pictures import spot_png
from support.stream_door import gap, hello, streaming

from flawgate.inspection.v1 import inspection_pb2 as pb
from flawgate_gateway.access.caller import Scope

PATH = "/v1/stations/{}/events"


class Event(NamedTuple):
    """One event as it came."""

    id: str
    kind: str
    data: dict[str, Any]


def parsed(lines: Iterator[str]) -> Iterator[Event]:
    """Events of a stream, by the standard: fields by line, an empty line after each."""
    fields: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(": ")
        if name in ("id", "event", "data"):
            fields[name] = value
        elif not line and "data" in fields:
            yield Event(fields["id"], fields["event"], json.loads(fields["data"]))
            fields = {}


@contextmanager
def watching(gateway: httpx.Client, station: str, last: str | None = None) -> Iterator[Iterator[Event]]:
    """The events of a station from now on."""
    headers = {} if last is None else {"last-event-id": last}
    with gateway.stream("GET", PATH.format(station), headers=headers) as answer:
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = answer.iter_lines()
        assert next(lines) == "retry: 2000"
        yield parsed(lines)


def inspect(gateway: httpx.Client, station: str, part: str = "SN-1") -> dict[str, Any]:
    """Inspect a frame there; gives the answer."""
    fields = {"recipe": "spot", "station": station, "part": part}
    answer: dict[str, Any] = gateway.post("/v1/inspections", data=fields, files={"file": spot_png(255)}).json()
    return answer


def test_what_happens_is_shown_as_it_happens(gateway: httpx.Client, door: DoorCaller) -> None:
    """An inspection as it was answered, and a gap; of this station alone, and at once."""
    with watching(gateway, "E1") as events, streaming(door) as stream:
        inspect(gateway, "elsewhere")
        said = inspect(gateway, "E1")
        began = time.monotonic()
        first = next(events)
        assert time.monotonic() - began < 1
        assert (first.kind, first.data) == ("inspection", said)
        stream.open(hello(identity=pb.Identity(station="E1", camera="top")))
        stream.settle([gap(1, 3)])
        second = next(events)
    assert (second.kind, second.data["first"], second.data["last"]) == ("gap", 1, 3)


def test_who_comes_back_misses_nothing(gateway: httpx.Client) -> None:
    """After the last event seen, all that happened meanwhile; what came just before it may come again."""
    with watching(gateway, "E2") as events:
        parts = [inspect(gateway, "E2", part)["part"] for part in ("a", "b")]
        seen = [next(events) for _ in parts]
    later = [inspect(gateway, "E2", part)["inspection_id"] for part in ("c", "d")]
    with watching(gateway, "E2", seen[0].id) as events:
        again = [next(events) for _ in range(3)]
    assert [event.data["inspection_id"] for event in again] == [seen[1].data["inspection_id"], *later]


def test_what_another_gateway_records_is_shown_too(cluster: GatewayCluster, tmp_path: Path) -> None:
    """By looking into the database they share."""
    settings = {"data_dir": tmp_path}
    with (
        gateway_process(cluster, **settings) as (_, one),
        gateway_process(cluster, **settings) as (_, other),
        watching(one, "E3") as events,
    ):
        said = inspect(other, "E3")
        assert next(events).data["inspection_id"] == said["inspection_id"]


def test_a_stop_ends_viewers_at_once(cluster: GatewayCluster, tmp_path: Path) -> None:
    """SIGTERM is not held up by who watches; the end is a whole answer, and a browser connects again elsewhere."""
    with (
        gateway_process(cluster, data_dir=tmp_path) as (process, client),
        client.stream("GET", PATH.format("E4")) as answer,
    ):
        lines = answer.iter_lines()
        next(lines)
        process.send_signal(signal.SIGTERM)
        assert list(lines) == [""]
        assert process.wait(5) == 0


def test_so_many_may_watch(tmp_path: Path) -> None:
    """One more is told to try again; who goes makes room."""
    with running_gateway(max_viewers=1) as cluster, cluster.client() as gateway:
        with watching(gateway, "E5"):
            refused = gateway.get(PATH.format("E5"))
            assert (refused.status_code, refused.json()["code"]) == (429, "OVERLOADED")
        time.sleep(1.5)  # the gateway finds that nobody reads any more
        with watching(gateway, "E5") as events:
            inspect(gateway, "E5")
            assert next(events).kind == "inspection"


ID = "01939c1e-7b1a-7c43-9d5e-3f1c2a9b8e10"


@pytest.mark.parametrize("wrong", ["x", "1-2", f"-1-{ID}", f"\N{ARABIC-INDIC DIGIT ONE}-{ID}", f"1{'0' * 18}-{ID}"])
def test_a_wrong_last_id_is_refused(gateway: httpx.Client, wrong: str) -> None:
    """422, not a stream that begins somewhere."""
    answer = gateway.get(PATH.format("E6"), headers={b"last-event-id": wrong.encode()})
    assert (answer.status_code, answer.json()["code"]) == (422, "INVALID_PARAMETER")


def test_a_viewer_needs_a_key_that_may_read(tmp_path: Path) -> None:
    """401 and 403 as everywhere."""
    with running_gateway(data_dir=tmp_path / "data", access="keys") as cluster, cluster.client() as gateway:
        keys = KeyMaker(f"sqlite:///{tmp_path}/data/records.db")
        assert gateway.get(PATH.format("S1")).status_code == 401
        assert gateway.get(PATH.format("S1"), headers=keys.headers(Scope.INSPECT)).status_code == 403
        with gateway.stream("GET", PATH.format("S1"), headers=keys.headers(Scope.READ)) as answer:
            assert answer.status_code == 200
