import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry
from support.api_keys import KeyMaker
from support.gateway_cluster import GatewayCluster, running_gateway
from support.outbox import secret_file
from support.pictures import spot_png
from support.ports import free_port

from flawgate_contracts.startup import StartupError
from flawgate_gateway.access.caller import Scope
from flawgate_gateway.building import create_dispatcher
from flawgate_gateway.database.connections import connect
from flawgate_gateway.outbox.schemas import schema_files
from flawgate_gateway.settings import GatewaySettings

SOURCE = "/stations/S1"
SECRETLESS = '[[sinks]]\nname = "a"\nkind = "webhook"\nurl = "https://a"\nsecret_files = ["/none"]\n'


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[GatewayCluster, KeyMaker]]:
    """A gateway that asks for keys, with a sink that refuses all events once and one where nobody is."""
    folder = tmp_path_factory.mktemp("plant")
    with socket.create_server(("127.0.0.1", 0)) as closing:
        sinks = folder / "sinks.toml"
        webhook = f'kind = "webhook"\nsecret_files = ["{secret_file(folder)}"]\ntimeout_s = 1\nretry_delays_s = []\n'
        refusing, nobody = closing.getsockname()[1], free_port()
        sinks.write_text(
            f'[[sinks]]\nname = "mes"\nurl = "http://127.0.0.1:{refusing}/"\n{webhook}'
            f'[[sinks]]\nname = "down"\nurl = "http://127.0.0.1:{nobody}/"\n{webhook}'
        )
        url = f"sqlite:///{folder / 'records.db'}"
        with running_gateway(access="keys", database_url=url, data_dir=folder, sinks_file=sinks) as cluster:
            yield cluster, KeyMaker(url)


@pytest.fixture(scope="module")
def caller(plant: tuple[GatewayCluster, KeyMaker]) -> Iterator[httpx.Client]:
    """An administrator, after two parts whose events the sink never answered for."""
    cluster, keys = plant
    with cluster.client() as client:
        client.headers.update(keys.headers(Scope.ADMIN))
        for part in ("A", "B"):
            named = {"recipe": "spot", "station": "S1", "part": part}
            answer = client.post("/v1/inspections", data=named, files={"file": spot_png(255)})
            assert answer.status_code == 201
        yield client


def sinks(client: httpx.Client) -> dict[str, dict[str, Any]]:
    """Name → facts."""
    return {sink["name"]: sink for sink in client.get("/v1/sinks").json()["sinks"]}


def until_dead(client: httpx.Client, count: int) -> dict[str, Any]:
    """The sink `mes`, once so many events were given up."""
    for _ in range(400):
        facts = sinks(client)["mes"]
        if facts["dead"] >= count:
            return facts
    raise AssertionError(facts)


def test_sinks_are_shown_as_they_stand(caller: httpx.Client) -> None:
    """What waits, what was given up and why, without an address or a secret."""
    facts = until_dead(caller, 2)
    assert (facts["kind"], facts["pending"], facts["last_error"]) == ("webhook", 0, "gave no answer in time")
    down = sinks(caller)["down"]
    assert (down["pending"], down["dead"], down["last_error"]) == (2, 0, "cannot be reached (ConnectionRefusedError)")
    assert down["oldest_age_s"] > 0
    assert len(down["types"]) == 4


def test_dead_letters_come_page_by_page(caller: httpx.Client) -> None:
    """The newest first, with what names them."""
    until_dead(caller, 2)
    first = caller.get("/v1/sinks/mes/dead-letters", params={"page_size": 1}).json()
    (newest,) = first["dead_letters"]
    assert (newest["source"], newest["sequence"], newest["attempts"]) == (SOURCE, 2, 1)
    following = {"page_size": 1, "page_token": first["next_page_token"]}
    last = caller.get("/v1/sinks/mes/dead-letters", params=following).json()
    assert ([letter["sequence"] for letter in last["dead_letters"]], last["next_page_token"]) == ([1], None)


def test_dead_letters_are_replayed(caller: httpx.Client) -> None:
    """They are tried again, and are given up again while the sink does not answer."""
    until_dead(caller, 2)
    wrong = caller.post("/v1/sinks/mes:replay", json={"source": "/stations/S1\x00"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "INVALID_PARAMETER")
    answer = caller.post("/v1/sinks/mes:replay", json={"dead_letters_only": True, "source": SOURCE})
    assert (answer.status_code, answer.json()) == (200, {"sink": "mes", "events": 2})
    until_dead(caller, 2)


@pytest.mark.parametrize(
    ("path", "order", "status", "code"),
    [
        ("/v1/sinks/mse:replay", {"dead_letters_only": True}, 404, "UNKNOWN_SINK"),
        ("/v1/sinks/mes:replay", {}, 422, "INVALID_PARAMETER"),
        ("/v1/sinks/mes:replay", {"since": "yesterday"}, 422, "INVALID_PARAMETER"),
        ("/v1/sinks/mes:replay", {"since": "2026-11-20T10:00:00"}, 422, "INVALID_PARAMETER"),
        ("/v1/sinks/mes:replay", {"everything": True}, 422, "INVALID_PARAMETER"),
    ],
)
def test_a_wrong_replay_is_refused(
    caller: httpx.Client, path: str, order: dict[str, Any], status: int, code: str
) -> None:
    """With a problem that says why."""
    answer = caller.post(path, json=order)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_scopes_hold(plant: tuple[GatewayCluster, KeyMaker], caller: httpx.Client) -> None:
    """Looking takes `read`, replaying `admin`."""
    _, keys = plant
    reader = keys.headers(Scope.READ)
    assert caller.get("/v1/sinks", headers=reader).status_code == 200
    refused = caller.post("/v1/sinks/mes:replay", headers=reader, json={"dead_letters_only": True})
    assert (refused.status_code, refused.json()["metadata"]["scope"]) == (403, "admin")
    assert caller.get("/v1/sinks/mes/dead-letters", headers=keys.headers(Scope.INSPECT)).status_code == 403


def test_schemas_are_open(plant: tuple[GatewayCluster, KeyMaker]) -> None:
    """Whoever receives events may read what they are, without a key."""
    cluster, _ = plant
    with cluster.client() as stranger:
        paths = stranger.get("/schemas").json()
        served = {path.removeprefix("/schemas/"): stranger.get(path).content for path in paths}
        assert stranger.get("/schemas/passwd").status_code == 404
    assert served == schema_files()


def test_tries_are_counted(plant: tuple[GatewayCluster, KeyMaker], caller: httpx.Client) -> None:
    """By sink and result, known results from 0 on; what waits is a gauge."""
    cluster, _ = plant
    until_dead(caller, 2)
    assert cluster.value("flawgate_sink_deliveries_total", sink="mes", result="dead") >= 2
    assert cluster.value("flawgate_sink_deliveries_total", sink="down", result="unreachable") >= 1
    assert cluster.registry.get_sample_value("flawgate_sink_deliveries_total", {"sink": "down", "result": "dead"}) == 0
    assert cluster.registry.get_sample_value("flawgate_outbox_oldest_age_seconds", {"sink": "down"}) is not None


def run(keys: KeyMaker, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """`flawgate outbox ...`, to its end."""
    return subprocess.run(
        [sys.executable, "-m", "flawgate_cli", "outbox", *arguments, "--database-url", keys.url],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "COLUMNS": "200"},
    )


def test_the_command_shows_and_replays(plant: tuple[GatewayCluster, KeyMaker], caller: httpx.Client) -> None:
    """Right in the database of a running gateway, which sees it."""
    _, keys = plant
    until_dead(caller, 2)
    backlogs = {backlog["sink"]: backlog for backlog in json.loads(run(keys, "status", "--json").stdout)}
    assert (backlogs["mes"]["dead"], backlogs["down"]["pending"]) == (2, 2)
    assert "gave no answer in time" in run(keys, "status").stdout
    assert run(keys, "dead-letters", "mes").stdout.count("/stations/S1") == 2
    assert run(keys, "replay", "mes", "--dead-letters").stdout == "2 events will be brought to mes once more.\n"
    until_dead(caller, 2)
    refused = run(keys, "replay", "mse", "--since", "2026-11-20")
    assert (refused.returncode, refused.stderr) == (1, "flawgate: There is no sink 'mse'; there are: down, mes.\n")


@pytest.mark.parametrize("content", ["[[sinks]", SECRETLESS])
def test_a_wrong_file_of_sinks_stops_the_start(tmp_path: Path, content: str) -> None:
    """One sentence that names the file, instead of a gateway that delivers nothing."""
    path = tmp_path / "sinks.toml"
    path.write_text(content)
    settings = GatewaySettings(data_dir=tmp_path, sinks_file=path)
    with pytest.raises(StartupError, match=r"sinks\.toml|the sink 'a'"):
        create_dispatcher(settings, connect(settings.records_url()), CollectorRegistry())
