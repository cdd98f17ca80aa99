"""A whole agent that judges by itself, from its configuration to the gateway's records."""

import asyncio
from functools import partial
from pathlib import Path

import pytest
from support.gateway_cluster import running_gateway
from support.grpc_door import door_caller
from support.tiny_repository import write_spot

from flawgate_camera.app import serve
from flawgate_camera.config.loading import load, parse
from flawgate_camera.standalone.messages import is_own
from flawgate_contracts.errors import InvalidParameter

FRAMES = 5
CAMERA = """
[agent]
data_dir = "{folder}/data"
metrics_port = 0

[gateway]
target = "{target}"

[[cameras]]
name = "cam1"
station = "S4"
recipe = "spot"
source = {{ kind = "generated", frames = {frames}, frames_per_s = 100.0, size = [128, 128] }}
"""
STANDALONE = """
[standalone]
repository = "{folder}/repository"
offline_after_s = 3600
threads = 1
"""


def configured(more: str, folder: Path, target: str = "127.0.0.1:1") -> str:
    """The text of a configuration of one camera, and what else is to stand there."""
    return (CAMERA + more).format(folder=folder, target=target, frames=FRAMES)


async def test_an_agent_hands_over_what_it_judged(tmp_path: Path) -> None:
    """Every frame has one record, which says that the agent decided: `--standalone` goes before the file's `when`."""
    repository, file = tmp_path / "repository", tmp_path / "cameras.toml"
    write_spot(repository)
    with running_gateway() as cluster:
        file.write_text(configured(STANDALONE, tmp_path, cluster.grpc_target), "utf-8")
        read = partial(load, standalone=repository)
        await asyncio.wait_for(serve(file, read(file), read), 60)
        with door_caller(cluster.grpc_target) as door:
            records = await asyncio.to_thread(lambda: list(door.list().inspections))
    assert sorted(record.capture.sequence for record in records) == list(range(1, FRAMES + 1))
    assert [is_own(record) for record in records] == [True] * FRAMES


@pytest.mark.parametrize("table", ["", STANDALONE])
def test_the_option_goes_before_the_table(tmp_path: Path, table: str) -> None:
    """Repository and `when` are the option's, all else is the table's, where there is one."""
    read = parse(configured(table, tmp_path), "cameras.toml", standalone=tmp_path / "other").standalone
    assert read is not None
    assert (read.repository, read.when, read.threads) == (tmp_path / "other", "always", 1 if table else 0)


@pytest.mark.parametrize("option", [True, False])
def test_a_source_that_waits_for_the_gateway_is_refused(tmp_path: Path, *, option: bool) -> None:
    """Policy `every` would stop the line with the first outage, in which the agent was to judge alone."""
    text = configured('delivery = {{ policy = "every" }}\n' + ("" if option else STANDALONE), tmp_path)
    with pytest.raises(InvalidParameter, match="camera cam1 waits for it"):
        parse(text, "cameras.toml", standalone=tmp_path if option else None)
