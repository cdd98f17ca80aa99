import asyncio
import gc

import pytest

from flawgate_contracts.errors import DeadlineExceeded
from flawgate_gateway.stream.room import Room, Turns, having


async def test_who_reads_waits_while_there_is_no_room() -> None:
    """And goes on as soon as there is."""
    room = Room(100)
    with room.holding(99):
        await asyncio.wait_for(room.free(), 1)
        with room.holding(1):
            waiting = asyncio.ensure_future(room.free())
            await asyncio.sleep(0)
            assert not waiting.done()
        await asyncio.wait_for(waiting, 1)
    assert room.held_bytes == 0


async def test_turns_of_a_recipe_are_shared_and_forgotten() -> None:
    """By all who keep them; names that nobody uses any more take no memory."""
    turns = Turns(1)
    kept = turns.of("spot")
    assert turns.of("spot") is kept
    assert turns.of("other") is not kept
    gc.collect()
    async with having(kept, within_s=None):
        assert turns.of("spot").locked()


async def test_a_turn_that_does_not_come_in_time_is_an_error() -> None:
    """The frame's deadline holds there, too; the turn goes to the next."""
    turns = Turns(1).of("spot")
    async with having(turns, within_s=1):
        with pytest.raises(DeadlineExceeded, match="before its turn"):
            async with having(turns, within_s=0.01):
                raise AssertionError("two have one turn")
    async with having(turns, within_s=0.01):
        assert turns.locked()
