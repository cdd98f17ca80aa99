import asyncio
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from support.captured import capture
from support.ports import free_port
from support.scripted_stream import ScriptedStream, serving
from support.streamed import WHO

from flawgate_camera.config.gateway import Gateway
from flawgate_camera.delivery.base import Item
from flawgate_camera.delivery.lossless import LosslessDelivery
from flawgate_camera.delivery.spool.bounds import Bounds
from flawgate_camera.spools import GONE, OpenSpool, leftovers, spool_of
from flawgate_camera.stream.facts import Outcome
from flawgate_contracts.startup import StartupError

BEFORE = replace(WHO, recipe="leather")
FRAMES = 5


def open_spool(folder: Path) -> LosslessDelivery:
    """A spool with room."""
    return LosslessDelivery(folder, Bounds(max_bytes=10_000_000, max_age_s=3600))


def folders(root: Path) -> list[Path]:
    """Those of all spools that there are."""
    return list(root.iterdir())


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
    assert list(leftovers(spools, spool_of(spools, BEFORE))) == []


@pytest.mark.parametrize("changed", [{"recipe": "texture"}, {"station": "S5"}, {"line": None}, {"plant": "P2"}])
async def test_frames_are_sent_as_what_they_were(spools: Path, changed: dict[str, str | None]) -> None:
    """After a change of recipe or place the frames in the spool go out under the old one, and their spool goes."""
    gateway, outcomes = ScriptedStream(), list[Outcome]()
    half_deleted = spools / f"{spool_of(spools, BEFORE).name}{GONE}"
    half_deleted.mkdir()
    (half_deleted / "state").write_bytes(b"")
    now = spool_of(spools, replace(BEFORE, **changed))  # type: ignore[arg-type]  # of any field
    (leftover,) = leftovers(spools, now)
    async with serving(gateway) as target, asyncio.timeout(20):
        await leftover.send(open_spool, Gateway(target=target), outcomes.append)
    assert {(hello.recipe, hello.identity.station) for hello in gateway.hellos} == {("leather", "S4")}
    assert sorted(gateway.written) == [outcome.sequence for outcome in outcomes] == list(range(1, FRAMES + 1))
    assert folders(spools) == [now]


async def test_without_a_gateway_they_stay(spools: Path) -> None:
    """Stopped before they could be sent, they are there at the next start."""
    (leftover,) = leftovers(spools, None)
    sending = asyncio.ensure_future(leftover.send(open_spool, Gateway(target=f"127.0.0.1:{free_port()}"), print))
    await asyncio.sleep(0.2)
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    assert [each.who for each in leftovers(spools, None)] == [BEFORE]
    delivery = open_spool(leftover.folder)
    assert delivery.facts().unsettled == FRAMES
    delivery.close()


def test_a_spool_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    """A file where the folder should be is told, with its path."""
    (tmp_path / "spools").write_bytes(b"")
    with pytest.raises(StartupError, match=r"spools/.* cannot be written"):
        spool_of(tmp_path / "spools", WHO)


def slowly(began: threading.Event) -> OpenSpool:
    """Opens a spool that takes its time, as one with many frames does; says when it has begun."""

    def opened(folder: Path) -> LosslessDelivery:
        began.set()
        time.sleep(0.3)
        return open_spool(folder)

    return opened


async def test_one_that_is_left_while_it_opens_is_not_kept_locked(spools: Path) -> None:
    """A configuration that changes back at once finds the spool free: no thread goes on holding it."""
    began = threading.Event()
    (leftover,) = leftovers(spools, None)
    sending = asyncio.ensure_future(leftover.send(slowly(began), Gateway(target=f"127.0.0.1:{free_port()}"), print))
    await asyncio.to_thread(began.wait, 5)
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    delivery = open_spool(leftover.folder)
    assert delivery.facts().unsettled == FRAMES
    delivery.close()


async def test_a_new_spool_is_not_deleted_with_the_old_one(spools: Path) -> None:
    """What is answered is out of the way before it is deleted; a half deleted one is finished at the next start."""
    (leftover,) = leftovers(spools, None)
    half_deleted = leftover.folder.rename(leftover.folder.with_name(f"{leftover.folder.name}{GONE}"))
    new = spool_of(spools, BEFORE)
    assert [each.folder for each in leftovers(spools, new)] == [half_deleted]


class EndedSpool(LosslessDelivery):
    """A spool whose disk fails while it is read."""

    async def take(self) -> Item:
        """See `Delivery`."""
        raise RuntimeError("The disk is gone.")


async def test_one_that_cannot_be_read_is_tried_again(spools: Path) -> None:
    """Whoever runs it is told, and its frames stay."""
    gateway = ScriptedStream()
    (leftover,) = leftovers(spools, None)

    def opened(folder: Path) -> LosslessDelivery:
        return EndedSpool(folder, Bounds(max_bytes=10_000_000, max_age_s=3600))

    async with serving(gateway) as target, asyncio.timeout(20):
        with pytest.raises(RuntimeError, match="The disk is gone"):
            await leftover.send(opened, Gateway(target=target), print)
    assert leftover.folder.exists()
