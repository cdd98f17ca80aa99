import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.camera_parts import wait_until
from support.captured import MOMENT, Clock, capture, frame, settled, told

from flawgate_camera.delivery.lossless import LosslessDelivery
from flawgate_camera.delivery.spool.bounds import Bounds
from flawgate_camera.delivery.spool.records import HEAD_BYTES
from flawgate_camera.delivery.spool.segments import OPENING_BYTES, found, located
from flawgate_camera.delivery.spool.state import NAME, SLOT_BYTES
from flawgate_camera.frames import CapturedFrame, DropCause
from flawgate_contracts.startup import StartupError

ROOMY = Bounds(max_bytes=100_000_000, max_age_s=3600)


class Drops(dict[DropCause, int]):
    """Counts what it is told."""

    def __call__(self, cause: DropCause, frames: int) -> None:
        """Count."""
        self[cause] = self.get(cause, 0) + frames


@contextmanager
def opened(folder: Path, bounds: Bounds = ROOMY, clock: Clock | None = None) -> Iterator[LosslessDelivery]:
    """A spool for the length of the block."""
    delivery = LosslessDelivery(folder, bounds, clock=clock or time.monotonic)
    try:
        yield delivery
    finally:
        delivery.close()


def frames(first: int, last: int) -> list[tuple[int, int, str]]:
    """What `told` says of frames."""
    return [(number, number, "frame") for number in range(first, last + 1)]


async def test_stream_and_numbers_go_on_after_a_restart(tmp_path: Path) -> None:
    """What has no answer is there again, in order, and the next number follows; what has one is not."""
    with opened(tmp_path) as first:
        capture(first, 5)
        await settled(first, 2)
    with opened(tmp_path) as second:
        capture(second, 1)
        assert second.stream_id == first.stream_id
        assert second.first_unsettled() == 3
        assert await settled(second, 6) == frames(3, 6)


async def test_a_frame_comes_back_as_it_was(tmp_path: Path) -> None:
    """Bytes, layout, times, trigger and judgement survive; the monotonic time only within one process."""
    given = frame(1, acquired=5.0)
    object.__setattr__(given, "decided", b"judged")
    with opened(tmp_path) as first:
        assert first.next_sequence() == 1
        first.offer(given)
        assert await first.take() == given
    with opened(tmp_path) as second:
        again = await second.take()
    assert isinstance(again, CapturedFrame)
    assert again.acquired is None
    object.__setattr__(again, "acquired", 5.0)
    assert again == given


async def test_nothing_is_given_away_before_the_disk_has_it(tmp_path: Path) -> None:
    """A frame counts as kept after the disk's word for it, and comes out only then."""
    steps: list[str] = []
    delivery = LosslessDelivery(tmp_path, ROOMY, on_step=steps.append)
    capture(delivery, 1)
    await delivery.take()
    assert steps[:5] == ["recover", "save", "create", "append", "commit"]
    assert delivery.is_kept(1)
    assert not delivery.is_kept(2)
    delivery.close()


async def test_frames_that_come_fast_share_a_wait_for_the_disk(tmp_path: Path) -> None:
    """A hundred frames at once need far fewer commits than a hundred."""
    steps: list[str] = []
    delivery = LosslessDelivery(tmp_path, ROOMY, on_step=steps.append)
    capture(delivery, 100, size=20)
    await settled(delivery, 100)
    delivery.close()
    assert steps.count("commit") < 60


def test_one_process_a_spool(tmp_path: Path) -> None:
    """A second one is told so in a sentence; once the first is closed it may have it."""
    with opened(tmp_path), pytest.raises(StartupError, match="in use by another process"):
        LosslessDelivery(tmp_path, ROOMY)
    with opened(tmp_path) as again:
        assert again.first_unsettled() == 1


def test_a_folder_that_cannot_be_written_is_told_in_a_sentence(tmp_path: Path) -> None:
    """A file in the way of the folder is a `StartupError`."""
    (tmp_path / "spool").write_bytes(b"")
    with pytest.raises(StartupError, match="make it writable"):
        LosslessDelivery(tmp_path / "spool", ROOMY)


@pytest.mark.parametrize("left", [1, HEAD_BYTES - 1, HEAD_BYTES + 20, -1])
async def test_a_record_that_was_cut_short_was_never_there(tmp_path: Path, left: int) -> None:
    """What a power cut leaves of the last record is cut off, and its number is given out again."""
    with opened(tmp_path) as first:
        capture(first, 3)
    path = found(tmp_path)[0]
    last = list(located(path))[-1]
    os.truncate(path, last.offset + (left if left > 0 else last.head.total - 1))
    (tmp_path / NAME).unlink()  # it would say that number 3 was kept
    with opened(tmp_path) as second:
        assert second.stream_id == first.stream_id
        capture(second, 1, content="again")
        assert await settled(second, 3) == frames(1, 3)


async def test_a_kept_frame_that_is_gone_is_a_gap(tmp_path: Path) -> None:
    """Where the state says that a number was given out, it is not given out again, whatever became of its record."""
    with opened(tmp_path) as first:
        capture(first, 3)
    path = found(tmp_path)[0]
    os.truncate(path, list(located(path))[-1].offset)
    with opened(tmp_path) as second:
        capture(second, 1)
        assert await settled(second, 4) == [*frames(1, 2), (3, 3, DropCause.SPOOL_DAMAGED), *frames(4, 4)]


async def test_what_a_power_cut_leaves_behind_the_last_record_is_cut_off(tmp_path: Path) -> None:
    """Zeros that the disk had not filled yet are no record, and frames follow where the last whole one ends."""
    with opened(tmp_path) as first:
        capture(first, 2)
    with found(tmp_path)[0].open("ab") as file:
        file.write(bytes(5000))
    with opened(tmp_path) as second:
        capture(second, 1)
        assert await settled(second, 3) == frames(1, 3)
    with opened(tmp_path) as third:
        assert third.first_unsettled() == 4


async def test_the_number_of_a_damaged_last_record_is_not_given_out_again(tmp_path: Path) -> None:
    """A record of full length may have been sent before it was damaged: it is a gap, whatever the state knows."""
    with opened(tmp_path) as first:
        capture(first, 2)
    data = bytearray(found(tmp_path)[0].read_bytes())
    data[-1] ^= 0x5A
    found(tmp_path)[0].write_bytes(data)
    (tmp_path / NAME).unlink()
    with opened(tmp_path) as second:
        capture(second, 1)
        assert await settled(second, 3) == [*frames(1, 1), (2, 2, DropCause.SPOOL_DAMAGED), *frames(3, 3)]


async def test_a_state_of_which_one_copy_is_spoilt_stands(tmp_path: Path) -> None:
    """Whichever copy a power cut or the disk spoils, the other one knows what was given out."""
    with opened(tmp_path) as first:
        capture(first, 3)
        await settled(first, 3)
    state = tmp_path / NAME
    for spoilt in (0, SLOT_BYTES):
        whole = state.read_bytes()
        state.write_bytes(whole[:spoilt] + bytes(SLOT_BYTES) + whole[spoilt + SLOT_BYTES :])
        with opened(tmp_path) as again:
            assert again.stream_id == first.stream_id
            assert again.next_sequence() == 4


@pytest.mark.parametrize(("offset", "count"), [(0, 1), (HEAD_BYTES - 1, 1), (HEAD_BYTES + 1, 1), (-1, 1)])
async def test_damage_in_the_middle_is_a_gap_and_the_rest_is_there(tmp_path: Path, offset: int, count: int) -> None:
    """One wrong byte anywhere in a record costs that record alone; it is counted once, however often it is read."""
    with opened(tmp_path) as first:
        capture(first, 5)
    path = found(tmp_path)[0]
    third = list(located(path))[2]
    position = third.offset + (offset if offset >= 0 else third.head.total - 1)
    data = bytearray(path.read_bytes())
    data[position] ^= 0x5A
    path.write_bytes(data)
    drops = Drops()
    delivery = LosslessDelivery(tmp_path, ROOMY, on_drop=drops)
    for _ in range(4):
        await delivery.take()
    delivery.rewind(recorded=0)
    assert await settled(delivery, 5) == [*frames(1, 2), (3, 3, DropCause.SPOOL_DAMAGED), *frames(4, 5)]
    assert drops == {DropCause.SPOOL_DAMAGED: count}
    delivery.close()


@pytest.mark.parametrize("lost", [0, 1, -1])
async def test_a_file_that_somebody_deleted_is_a_gap(tmp_path: Path, lost: int) -> None:
    """Numbers whose file is gone are SPOOL_DAMAGED, each once, and the others are there."""
    with opened(tmp_path, Bounds(max_bytes=40_000, max_age_s=3600)) as first:
        capture(first, 12, size=2000)
    paths = found(tmp_path)
    assert len(paths) > 3
    gone = {record.head.first for record in located(paths[lost])}
    paths[lost].unlink()
    with opened(tmp_path, Bounds(max_bytes=40_000, max_age_s=3600)) as second:
        taken = await settled(second, 12)
    assert {
        n for first_, last, what in taken if what == DropCause.SPOOL_DAMAGED for n in range(first_, last + 1)
    } == gone
    assert [first_ for first_, _, _ in taken] == [1, *(last + 1 for _, last, _ in taken[:-1])]


async def test_a_full_spool_drops_the_new_frame(tmp_path: Path) -> None:
    """The old ones stay; the new ones are a gap, and room comes back with the answers."""
    drops = Drops()
    delivery = LosslessDelivery(tmp_path, Bounds(max_bytes=20_000, max_age_s=3600), on_drop=drops)
    capture(delivery, 30, size=1000)
    wait_for_disk(delivery, 30)
    taken = await settled(delivery, 30)
    kept = len(taken) - 1
    assert taken == [*frames(1, kept), (kept + 1, 30, DropCause.SPOOL_FULL)]
    assert drops == {DropCause.SPOOL_FULL: 30 - kept}
    capture(delivery, 1, size=1000)
    assert await settled(delivery, 31) == frames(31, 31)
    delivery.close()


async def test_gaps_survive_a_restart(tmp_path: Path) -> None:
    """A gap at the end, and one between frames, are there after a restart as they were."""
    with opened(tmp_path) as first:
        capture(first, 1)
        first.drop(first.next_sequence(), DropCause.ENCODING_FAILED, MOMENT)
        capture(first, 1)
        first.drop(first.next_sequence(), DropCause.ENCODING_FAILED, MOMENT)
    with opened(tmp_path) as second:
        expected = [(1, 1, "frame"), (2, 2, "ENCODING_FAILED"), (3, 3, "frame"), (4, 4, "ENCODING_FAILED")]
        assert await settled(second, 4) == expected


async def test_what_is_too_old_goes_first(tmp_path: Path) -> None:
    """Frames beyond the bound of age become a gap, younger ones stay; the file is deleted."""
    clock, drops = Clock(), Drops()
    delivery = LosslessDelivery(tmp_path, Bounds(max_bytes=10**7, max_age_s=100), clock=clock, on_drop=drops)
    capture(delivery, 3)
    wait_for_disk(delivery, 3)
    clock.seconds += 90
    capture(delivery, 2)
    wait_for_disk(delivery, 5)
    clock.seconds += 20
    capture(delivery, 1)
    wait_until(lambda: bool(drops))
    assert await settled(delivery, 6) == [(1, 3, DropCause.SPOOL_EXPIRED), *frames(4, 6)]
    assert drops == {DropCause.SPOOL_EXPIRED: 3}
    delivery.close()


async def test_a_wall_clock_set_forward_expires_nothing(tmp_path: Path) -> None:
    """While the agent runs ages are those of the monotonic clock, whatever the frames' own times say."""
    with opened(tmp_path) as delivery:
        old = frame(delivery.next_sequence())
        object.__setattr__(old, "acquired_at", datetime(1970, 1, 2, tzinfo=UTC))
        delivery.offer(old)
        capture(delivery, 1)
        assert await settled(delivery, 2) == frames(1, 2)


async def test_a_wall_clock_behind_the_files_expires_nothing(tmp_path: Path) -> None:
    """A machine without a clock of its own starts in the past: what it finds counts as new."""
    with opened(tmp_path) as first:
        capture(first, 1)
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).timestamp()
    os.utime(found(tmp_path)[0], (tomorrow, tomorrow))
    with opened(tmp_path) as second:
        assert await settled(second, 1) == frames(1, 1)


async def test_a_file_goes_once_all_in_it_is_answered(tmp_path: Path) -> None:
    """Space comes back file by file; what is left is bounded by one file."""
    bounds = Bounds(max_bytes=80_000, max_age_s=3600)
    with opened(tmp_path, bounds) as delivery:
        capture(delivery, 30, size=2000)
        wait_for_disk(delivery, 30)
        before = delivery.facts()
        await settled(delivery, 30)
        wait_until(lambda: len(found(tmp_path)) == 1)
        after = delivery.facts()
    assert before.held_bytes > 60_000
    assert after.unsettled == 0
    assert after.held_bytes <= bounds.segment_bytes + OPENING_BYTES


async def test_a_gap_is_not_sent_across_what_is_on_record(tmp_path: Path) -> None:
    """A gap of which the gateway has the first part on record is sent in two."""
    with opened(tmp_path) as delivery:
        for _ in range(4):
            delivery.drop(delivery.next_sequence(), DropCause.ENCODING_FAILED, MOMENT)
        capture(delivery, 1)
        delivery.rewind(recorded=2)
        assert [told(await delivery.take())[:2] for _ in range(3)] == [(1, 2), (3, 4), (5, 5)]


def wait_for_disk(delivery: LosslessDelivery, sequence: int) -> None:
    """Wait until a frame, or gap, is kept."""
    wait_until(lambda: delivery.is_kept(sequence))
