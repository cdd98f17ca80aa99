import hashlib
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from support.inspector_bench import Bench
from support.records import inspection
from support.stream_bench import StreamBench, cause_of, hello, inspected, sent

from flawgate_gateway.answer import FrameFacts, Inspection
from flawgate_gateway.database.connections import Database


@pytest.fixture
def streams(database: Database) -> StreamBench:
    """A desk over one database."""
    return StreamBench(Bench(database))


def decided(data: bytes, **changes: Any) -> Inspection:
    """What a camera's side decided of a picture."""
    facts = FrameFacts(width=24, height=32, sha256=hashlib.sha256(data).hexdigest())
    return inspection(frame=facts, service_version="flawgate-camera 0.1.0", **changes)


async def test_what_the_camera_decided_goes_on_record_as_it_is(streams: StreamBench) -> None:
    """With its own id and times, not inspected again; its picture is kept, and it stands in its stream."""
    own = decided(b"x", station="elsewhere", score=0.25)
    async with streams.connected(said := hello()) as side:
        (result,) = await side.settle([sent(1, b"x", decided=own, part="SN-9")])
    record = await streams.bench.records.get(own.inspection_id)
    assert record == inspected(result)
    assert record.service_version == "flawgate-camera 0.1.0"
    assert (record.decided_at, record.score, record.station, record.part) == (own.decided_at, 0.25, "S4", "SN-9")
    assert record.capture is not None
    assert (record.capture.stream_id, record.capture.sequence) == (str(said.stream_id), 1)
    assert record.links.frame is not None
    assert streams.bench.preprocessor.frames == []
    async with streams.connected(hello(str(said.stream_id))) as side:
        (again,) = await side.settle([sent(1, b"x", decided=own)])
    assert again.replayed


@pytest.mark.parametrize(
    "wrong",
    [
        partial(decided, b"other"),
        partial(decided, b"x", recipe="leather"),
        partial(decided, b"x", reason="no reason"),
        partial(decided, b"x", recipe_version="v" * 65),
        partial(decided, b"x", score=1.5),
        partial(decided, b"x", inspection_id="no id"),
        partial(decided, b"x", inspection_id="01939C1E-7B1A-7C43-9D5E-3F1C2A9B8E10"),
        partial(decided, b"x", score=None),
        partial(decided, b"x", picture_quality={"focus": float("nan")}),
    ],
    ids=["frame", "recipe", "reason", "version", "score", "id", "id in capitals", "good without a look", "no number"],
)
async def test_what_cannot_have_been_decided_is_refused(streams: StreamBench, wrong: Callable[[], Inspection]) -> None:
    """It is dropped with its reason, and the stream goes on."""
    async with streams.connected(said := hello()) as side:
        result, after = await side.settle([sent(1, b"x", decided=wrong()), sent(2)])
    assert cause_of(result) == "REFUSED"
    assert inspected(after).recipe == "spot"
    assert (await streams.facts(said.stream_id)).dropped == {"REFUSED": 1}


async def test_one_decision_stands_under_one_number(streams: StreamBench) -> None:
    """An id that is on record under another number is refused: nothing is counted twice."""
    own = decided(b"x")
    async with streams.connected(said := hello()) as side:
        _, twice = await side.settle([sent(1, b"x", decided=own), sent(2, b"x", decided=own)])
    assert cause_of(twice) == "REFUSED"
    facts = await streams.facts(said.stream_id)
    assert (facts.inspections, facts.dropped) == (1, {"REFUSED": 1})
