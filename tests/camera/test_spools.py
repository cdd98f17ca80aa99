import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from support.captured import capture
from support.ports import free_port
from support.scripted_stream import ScriptedStream, serving
from support.streamed import WHO

from flawgate_camera.config.gateway import Gateway
from flawgate_camera.delivery.lossless import LosslessDelivery
from flawgate_camera.delivery.spool.bounds import Bounds
from flawgate_camera.spools import leftovers, spool_of
from flawgate_camera.stream.facts import Outcome
from flawgate_contracts.startup import StartupError

BEFORE = replace(WHO, recipe="leather")
FRAMES = 5


def open_spool(folder: Path) -> LosslessDelivery:
    """A spool with room."""
    return LosslessDelivery(folder, Bounds(max_bytes=10_000_000, max_age_s=3600))


@pytest.fixture
def spools(tmp_path: Path) -> Path:
    """A camera's spools: some frames were taken under another recipe, and not sent."""
    delivery = open_spool(spool_of(tmp_path, BEFORE))
    capture(delivery, FRAMES)
    delivery.close()
    return tmp_path


def test_a_camera_as_it_is_has_no_leftovers(spools: Path) -> None:
    """Its own spool is opened again under the same folder, and is not sent twice."""
    assert spool_of(spools, BEFORE) == spool_of(spools, replace(BEFORE))
    assert list(leftovers(spools, BEFORE)) == []


@pytest.mark.parametrize("changed", [{"recipe": "texture"}, {"station": "S5"}, {"line": None}, {"plant": "P2"}])
async def test_frames_are_sent_as_what_they_were(spools: Path, changed: dict[str, str | None]) -> None:
    """After a change of recipe or place the frames in the spool go out under the old one, and their spool goes."""
    gateway, outcomes = ScriptedStream(), list[Outcome]()
    (leftover,) = leftovers(spools, replace(BEFORE, **changed))  # type: ignore[arg-type]  # of any field
    async with serving(gateway) as target, asyncio.timeout(20):
        await leftover.send(open_spool, Gateway(target=target), outcomes.append)
    assert {(hello.recipe, hello.identity.station) for hello in gateway.hellos} == {("leather", "S4")}
    assert sorted(gateway.written) == [outcome.sequence for outcome in outcomes] == list(range(1, FRAMES + 1))
    assert not leftover.folder.exists()


async def test_without_a_gateway_they_stay(spools: Path) -> None:
    """Stopped before they could be sent, they are there at the next start."""
    (leftover,) = leftovers(spools, WHO)
    sending = asyncio.ensure_future(leftover.send(open_spool, Gateway(target=f"127.0.0.1:{free_port()}"), print))
    await asyncio.sleep(0.2)
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    assert [each.who for each in leftovers(spools, WHO)] == [BEFORE]
    delivery = open_spool(leftover.folder)
    assert delivery.facts().unsettled == FRAMES
    delivery.close()


def test_a_spool_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    """A file where the folder should be is told, with its path."""
    (tmp_path / "spools").write_bytes(b"")
    with pytest.raises(StartupError, match=r"spools/.* cannot be written"):
        spool_of(tmp_path / "spools", WHO)
