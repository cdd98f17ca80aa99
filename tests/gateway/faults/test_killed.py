import asyncio
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text
from support.gateway_cluster import GatewayCluster
from support.gateway_process import gateway_process
from support.pictures import spot_png

from flawgate_gateway.database.connections import Database
from flawgate_gateway.records.book import LEASE_MARGIN_S

DEADLINE_S = 1.5
PART = {"recipe": "spot", "part": "SN-1", "deadline_ms": f"{DEADLINE_S * 1000:.0f}"}


def send(client: httpx.Client) -> httpx.Response:
    """Inspect a part, always under the same key."""
    return client.post(
        "/v1/inspections", data=PART, files={"file": spot_png(255)}, headers={"Idempotency-Key": "SN-1-top"}
    )


@asynccontextmanager
async def locked_records(database: Database) -> AsyncIterator[None]:
    """Let nobody write a record."""
    async with database.writing() as connection:
        if not database.is_sqlite:
            await connection.execute(text("LOCK TABLE inspections IN ACCESS EXCLUSIVE MODE"))
        yield


async def kill_before_the_record(
    cluster: GatewayCluster, database: Database, process: "subprocess.Popen[bytes]", client: httpx.Client
) -> None:
    """Have a frame decided, but not recorded, and kill the gateway."""
    cluster.model_server.delay_s = 0.5
    sent = asyncio.ensure_future(asyncio.to_thread(send, client))
    await asyncio.sleep(0.3)
    async with locked_records(database):
        await asyncio.sleep(0.7)
        process.kill()
        with pytest.raises(httpx.TransportError):
            await sent
    cluster.model_server.delay_s = 0


async def come_back(client: httpx.Client) -> None:
    """Send until the dead gateway's claim has run out: meanwhile a conflict, never another evaluation."""
    end = time.monotonic() + 2 * (DEADLINE_S + LEASE_MARGIN_S)
    while (answer := send(client)).status_code != 201 and time.monotonic() < end:
        assert (answer.status_code, answer.json()["code"]) == (409, "REQUEST_IN_PROGRESS")
        await asyncio.sleep(0.5)


async def test_a_gateway_killed_between_decision_and_record_leaves_one_record(
    cluster: GatewayCluster, database: Database, database_url: str, tmp_path: Path
) -> None:
    """The caller got no answer, and none is on record; its next tries come to one record."""
    settings = {"database_url": database_url, "data_dir": tmp_path}
    with gateway_process(cluster, **settings) as (process, client):
        await kill_before_the_record(cluster, database, process, client)
    with gateway_process(cluster, **settings) as (_, client):
        assert client.get("/v1/inspections", params={"part": "SN-1"}).json()["inspections"] == []
        await come_back(client)
        answers = [send(client) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [201] * 3
        (record,) = client.get("/v1/inspections", params={"part": "SN-1"}).json()["inspections"]
    assert {answer.json()["inspection_id"] for answer in answers} == {record["inspection_id"]}
