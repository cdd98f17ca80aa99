import asyncio
from pathlib import Path

import httpx
from support.gateway_cluster import GatewayCluster
from support.gateway_process import gateway_process
from support.outbox import secret_file
from support.pictures import spot_png
from support.webhook_receiver import Reply, verified, webhook_receiver

PARTS = [f"SN-{number}" for number in range(5)]


def send(client: httpx.Client, part: str) -> int:
    """Inspect a part; the status."""
    named = {"recipe": "spot", "station": "S1", "part": part}
    return client.post("/v1/inspections", data=named, files={"file": spot_png(255)}).status_code


async def test_a_gateway_killed_between_record_and_delivery_loses_no_event(
    cluster: GatewayCluster, database_url: str, tmp_path: Path
) -> None:
    """Each recorded part comes at least once, in order, from the gateway that follows; sequences have no gap."""
    async with webhook_receiver() as receiver:
        sinks = tmp_path / "sinks.toml"
        sinks.write_text(
            f'[[sinks]]\nname = "mes"\nkind = "webhook"\nurl = "{receiver.url}"\ntimeout_s = 2\n'
            f'secret_files = ["{secret_file(tmp_path)}"]\nretry_delays_s = [0.1, 0.1, 0.1, 0.1]\n'
        )
        settings = {"database_url": database_url, "data_dir": tmp_path, "sinks_file": sinks, "outbox_lease_s": 0.5}
        receiver.replies = [Reply(), Reply(delay_s=60)]
        with gateway_process(cluster, **settings) as (process, client):
            assert [await asyncio.to_thread(send, client, part) for part in PARTS] == [201] * 5
            await receiver.until(lambda: len(receiver.requests) == 2)
            process.kill()
        with gateway_process(cluster, **settings) as (_, client):
            assert await asyncio.to_thread(send, client, "SN-last") == 201
            await receiver.until(lambda: "SN-last" in receiver.parts(), 60)
    events = {event["subject"]: event["sequence"] for event in map(verified, receiver.taken)}
    assert list(events) == [*PARTS, "SN-last"]
    assert [int(sequence) for sequence in events.values()] == [1, 2, 3, 4, 5, 6]
