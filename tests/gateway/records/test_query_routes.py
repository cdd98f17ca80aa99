import csv
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from support.gateway_cluster import served
from support.pictures import spot_png
from support.records import BreakingDatabase, inspection, recorded

from flawgate_contracts.metrics.gateway import HttpMetrics
from flawgate_gateway.access.gate import OpenGate
from flawgate_gateway.database.connections import POOL_SIZE, Database, connect
from flawgate_gateway.records.csv_rows import BATCH, COLUMNS
from flawgate_gateway.rest.access import AccessMiddleware
from flawgate_gateway.rest.access_log import AccessLog
from flawgate_gateway.rest.counting import RequestCounter
from flawgate_gateway.rest.middleware import ContextMiddleware
from flawgate_gateway.rest.problems import install_handlers
from flawgate_gateway.rest.queries import query_routes

LIST, EXPORT = "/v1/inspections", "/v1/inspections:export"


def query_app(database: Database) -> FastAPI:
    """The lists and exports alone."""
    app = FastAPI()
    app.include_router(query_routes(database))
    install_handlers(app)
    app.add_middleware(AccessMiddleware, gate=OpenGate())
    counter = RequestCounter(HttpMetrics(CollectorRegistry()))
    app.add_middleware(ContextMiddleware, access_log=AccessLog(1), counter=counter, stopping=lambda: False)
    return app


@asynccontextmanager
async def client_of(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    """A client of them, over a socket."""
    async with served(query_app(database)) as url, httpx.AsyncClient(base_url=url, trust_env=False) as client:
        yield client


@pytest.fixture
async def asker(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    """A client over a database that answers."""
    async with client_of(database) as client:
        yield client


async def test_a_list_shows_inspections_as_they_were_answered(asker: httpx.AsyncClient, database: Database) -> None:
    """The very document, links included; the newest first."""
    written = [inspection(minute, part="SN-1", evaluation="NOT_OK") for minute in (1, 0)]
    await recorded(database, [*written, inspection(part="SN-2"), inspection(part="SN-1")])
    answer = await asker.get(LIST, params={"part": "SN-1", "evaluation": ["NOT_OK", "NOT_DECIDABLE"]})
    expected = {"inspections": [each.model_dump(mode="json") for each in written], "next_page_token": None}
    assert (200, expected) == (answer.status_code, answer.json())


async def test_pages_lead_to_the_end(asker: httpx.AsyncClient, database: Database) -> None:
    """Each token to the next page, null at the last."""
    written = [inspection(minute) for minute in range(5)]
    await recorded(database, written)
    query: dict[str, Any] = {"page_size": 2, "order": "oldest", "station": "S1"}
    seen, sizes = [], []
    while "page_token" not in query or query["page_token"]:
        page = (await asker.get(LIST, params=query)).json()
        seen += [each["inspection_id"] for each in page["inspections"]]
        sizes.append(len(page["inspections"]))
        query["page_token"] = page["next_page_token"]
    assert [each.inspection_id for each in written] == seen
    assert sizes == [2, 2, 1]


@pytest.mark.parametrize("path", [LIST, EXPORT])
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("color=red", "color"),
        ("Part=SN-1", "Part"),
        ("part=", "part"),
        ("part=a%00b", "part"),
        ("part=a&part=b", "part"),
        ("recipe=spot%27%20OR%201=1--", "recipe"),
        ("evaluation=GOOD", "evaluation"),
        ("decided_from=2026-11-20T10:00:00+01:00", "decided_from"),
        ("decided_from=2026-11-20T10:00:00Z&decided_to=2026-11-19T10:00:00Z", "decided_to"),
        ("max_margin=nan", "max_margin"),
        ("reviewed=maybe", "reviewed"),
        ("inspections%5B%5D=1", "inspections[]"),
    ],
)
async def test_a_query_that_says_nothing_sensible_is_refused(path: str, query: str, field: str) -> None:
    """With the parameter's name, before the database is asked: a typing error must not look like an empty plant."""
    async with client_of(connect("postgresql://nobody@127.0.0.1:9/none")) as client:
        answer = await client.get(f"{path}?{query}")
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "INVALID_PARAMETER")
    assert {"field": field} == problem["metadata"]


@pytest.mark.parametrize("query", ["page_size=0", "page_size=1001", "page_token=x", "page_token=", "order=random"])
async def test_a_page_that_cannot_be_is_refused(asker: httpx.AsyncClient, query: str) -> None:
    """An empty token too: it is the sign of a loop that does not end."""
    answer = await asker.get(f"{LIST}?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "INVALID_PARAMETER")


@pytest.mark.parametrize("path", [LIST, EXPORT])
async def test_a_database_that_is_down_is_a_problem(path: str) -> None:
    """503 and when to try again, with no word about where it is."""
    async with client_of(connect("postgresql://secret@127.0.0.1:9/none")) as client:
        answer = await client.get(path)
    assert (
        answer.status_code,
        answer.json()["code"],
        answer.headers["retry-after"],
    ) == (503, "RECORDS_UNAVAILABLE", "1")
    assert "secret" not in answer.text


async def test_an_export_is_a_file_of_csv(asker: httpx.AsyncClient, database: Database) -> None:
    """With a name for browsers, and all lines of a query."""
    written = [inspection(minute, lot="L1") for minute in range(BATCH + 1)]
    await recorded(database, [*written, inspection(lot="L2")])
    answer = await asker.get(EXPORT, params={"lot": "L1"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/csv; charset=utf-8; header=present")
    assert answer.headers["content-disposition"] == 'attachment; filename="inspections.csv"'
    header, *lines = csv.reader(io.StringIO(answer.text, newline=""), strict=True)
    assert list(COLUMNS) == header
    assert [each.inspection_id for each in written] == [line[0] for line in lines]


async def test_an_export_that_breaks_breaks_the_transfer(database: Database) -> None:
    """No client takes the lines so far for the whole file."""
    await recorded(database, [inspection(minute) for minute in range(BATCH + 1)])
    async with client_of(BreakingDatabase(database, readings=2)) as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get(EXPORT)
        assert (await client.get(EXPORT)).status_code == 503


async def test_callers_who_go_away_leave_nothing_behind(asker: httpx.AsyncClient, database: Database) -> None:
    """More exports than there are connections, each left after its first bytes; the next caller is served."""
    await recorded(database, [inspection(minute) for minute in range(3 * BATCH)])
    for _ in range(POOL_SIZE + 2):
        async with asker.stream("GET", EXPORT) as answer:
            await anext(answer.aiter_raw())
    assert len((await asker.get(LIST)).json()["inspections"]) == 100


def test_what_is_inspected_is_found(gateway: httpx.Client) -> None:
    """Of a whole gateway: the list has the very answer of the inspection, the export a line of it."""
    sent = {"recipe": "spot", "part": "SN-of-the-list", "station": "S9"}
    inspections = [gateway.post(LIST, data=sent, files={"file": spot_png(grey)}).json() for grey in (255, 0)]
    listed = gateway.get(LIST, params={"part": "SN-of-the-list", "order": "oldest"}).json()
    assert inspections == listed["inspections"]
    lines = csv.DictReader(io.StringIO(gateway.get(EXPORT, params={"station": "S9"}).text, newline=""))
    assert [each["inspection_id"] for each in inspections] == [line["inspection_id"] for line in lines]
