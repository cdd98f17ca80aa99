import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from support.archives import Pictures, days_ago, files_below
from support.pictures import spot_png

from flawgate_gateway.answer import Inspection
from flawgate_gateway.archive.holds import HoldBook, HoldOrder
from flawgate_gateway.archive.keeper import PURGE
from flawgate_gateway.database.leases import Lease

TIMEOUT_S = 120.0

Command = Callable[..., Awaitable["subprocess.CompletedProcess[str]"]]


@pytest.fixture
def flawgate(database_url: str, folder: Path) -> Command:
    """Runs `flawgate pictures ...` on the database and the archive, to its end."""
    environment = {"GATEWAY_DATABASE_URL": database_url, "GATEWAY_ARCHIVE_URL": str(folder), "COLUMNS": "160"}

    async def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "flawgate_cli", "pictures", *arguments]
        return await asyncio.to_thread(
            lambda: subprocess.run(
                command,
                capture_output=True,
                text=True,
                timeout=TIMEOUT_S,
                check=False,
                env={**os.environ, **environment},
            )
        )

    return run


def blob_of(folder: Path, inspected: Inspection) -> Path:
    """Where its frame lies."""
    return next(folder.rglob(inspected.frame.sha256))


async def test_a_dry_run_says_what_would_go_and_deletes_nothing(pictures: Pictures, flawgate: Command) -> None:
    """Held pictures are told apart."""
    kept = [await pictures.keep(spot_png(1)), await pictures.keep(spot_png(2), lot="L-1", evaluation="NOT_OK")]
    await HoldBook(pictures.database).place(HoldOrder(lot="L-1", reason="why"), "anna")
    said = json.loads((await flawgate("purge", "--dry-run", "--json")).stdout)
    assert (said["expired"]["OK"][0], said["held"]["NOT_OK"][0], said["too_much_bytes"]) == (1, 1, 0)
    shown = await flawgate("purge", "--dry-run")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "would go" in shown.stdout
    assert await pictures.are_kept(*kept) == [True, True]


async def test_a_purge_by_hand_says_what_went(pictures: Pictures, flawgate: Command, folder: Path) -> None:
    """Blobs stay in quarantine for an hour; nothing of the pictures is on record any more."""
    kept = await pictures.keep(spot_png(1))
    said = json.loads((await flawgate("purge", "--json")).stdout)
    assert (said["pictures"], said["deleted"]) == ({"OK": 1}, 0)
    assert await pictures.are_kept(kept) == [False]
    assert (len(files_below(folder, "quarantine")), files_below(folder, "blobs")) == (2, [])


async def test_two_purges_at_once_are_one_too_many(pictures: Pictures, flawgate: Command) -> None:
    """The second is told to wait."""
    await Lease(pictures.database, PURGE, lasts_s=60).acquire()
    refused = await flawgate("purge")
    assert refused.returncode == 1
    assert "Another process purges just now" in refused.stderr


async def test_verify_finds_what_is_missing_and_what_is_damaged(
    pictures: Pictures, flawgate: Command, folder: Path
) -> None:
    """And names the inspection and the digest; an archive that is whole is said to be."""
    whole, missing, damaged = [await pictures.keep(spot_png(n), decided_at=days_ago(1)) for n in (1, 2, 3)]
    sound = await flawgate("verify")
    assert (sound.returncode, sound.stdout) == (0, "3 inspections, 6 blobs, 0 faults.\n")
    blob_of(folder, missing).unlink()
    blob_of(folder, damaged).write_bytes(b"flame")
    found = await flawgate("verify", "--json")
    faults = dict(json.loads(found.stdout)["faults"])
    assert found.returncode == 1
    assert faults.keys() == {missing.inspection_id, damaged.inspection_id}
    assert f"{missing.frame.sha256} is missing" in faults[missing.inspection_id]
    assert "is damaged" in faults[damaged.inspection_id]
    assert whole.inspection_id not in faults
