from datetime import timedelta
from uuid import uuid4

import httpx
import pytest
from support.inspector_bench import Bench
from support.stream_bench import StreamBench, dropped, hello, sent

from flawgate_contracts.errors import InvalidParameter
from flawgate_gateway.database.connections import Database
from flawgate_gateway.stream.documents import GapQuery, StreamQuery, StreamSummary
from flawgate_gateway.stream.reports import list_gaps, list_streams


@pytest.fixture
def streams(database: Database) -> StreamBench:
    """A desk over one database."""
    return StreamBench(Bench(database))


async def test_streams_and_gaps_are_found_page_by_page(streams: StreamBench, database: Database) -> None:
    """By their station and camera; the newest first, none twice, none left out."""
    for number in range(5):
        async with streams.connected(hello(camera=f"cam{number % 2}", delivery="latest")) as side:
            await side.settle([sent(1), dropped(2, 2 + number)])
    found: list[StreamSummary] = []
    token = None
    while True:
        page = await list_streams(database, StreamQuery(station="S4", page_size=2, page_token=token))
        found += page.streams
        token = page.next_page_token
        if token is None:
            break
    assert [stream.frames for stream in found] == [6, 5, 4, 3, 2]
    assert [stream.opened_at for stream in found] == sorted((each.opened_at for each in found), reverse=True)
    one = await list_streams(database, StreamQuery(camera="cam1"))
    assert [stream.frames for stream in one.streams] == [5, 3]
    assert (await list_streams(database, StreamQuery(station="other"))).streams == ()


async def test_gaps_are_found_by_stream_and_time(streams: StreamBench, database: Database) -> None:
    """From a time on, before a time, of a camera, of one stream."""
    async with streams.connected(said := hello(delivery="latest")) as side:
        for number in range(1, 4):
            await side.settle([dropped(number, number)])
    async with streams.connected(hello(camera="side", delivery="latest")) as side:
        await side.settle([dropped(1, 9, "STALE")])
    everything = (await list_gaps(database, GapQuery())).gaps
    assert [(gap.first, gap.last) for gap in everything] == [(1, 9), (3, 3), (2, 2), (1, 1)]
    assert [gap.first for gap in (await list_gaps(database, GapQuery(stream_id=said.stream_id))).gaps] == [3, 2, 1]
    assert [gap.cause for gap in (await list_gaps(database, GapQuery(camera="side"))).gaps] == ["STALE"]
    second = everything[2].received_at
    assert len((await list_gaps(database, GapQuery.model_validate({"from": second}))).gaps) == 3
    assert len((await list_gaps(database, GapQuery(to=second))).gaps) == 1
    later = GapQuery.model_validate({"from": everything[0].received_at + timedelta(seconds=1)})
    assert (await list_gaps(database, later)).gaps == ()
    page = await list_gaps(database, GapQuery(page_size=3))
    rest = await list_gaps(database, GapQuery(page_size=3, page_token=page.next_page_token))
    assert (*page.gaps, *rest.gaps) == everything


async def test_a_page_token_of_another_query_is_refused(streams: StreamBench, database: Database) -> None:
    """It would give a page of another list."""
    async with streams.connected(hello(delivery="latest")) as side:
        await side.settle([dropped(number, number) for number in range(1, 4)])
    token = (await list_gaps(database, GapQuery(page_size=1))).next_page_token
    for other in (GapQuery(page_token=token, camera="top"), GapQuery(page_token="x" * 40)):
        with pytest.raises(InvalidParameter, match="page token"):
            await list_gaps(database, other)


def test_a_stream_that_is_not_there_is_told(gateway: httpx.Client) -> None:
    """404, whatever is asked for."""
    for unknown in (uuid4(), "no id"):
        answer = gateway.get(f"/v1/streams/{unknown}")
        assert (answer.status_code, answer.json()["code"]) == (404, "UNKNOWN_STREAM")
    assert gateway.get("/v1/streams", params={"station": "none"}).json() == {"streams": [], "next_page_token": None}
    assert gateway.get("/v1/gaps", params={"from": "yesterday"}).status_code == 422
