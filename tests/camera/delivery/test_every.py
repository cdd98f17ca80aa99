import asyncio

from support.captured import capture, capturing, settled, told

from flawgate_camera.delivery.every import EveryDelivery
from flawgate_camera.frames import DropCause


async def test_the_source_waits_for_room() -> None:
    """With room for two frames the third waits until one is answered; none is dropped, all come in order."""
    delivery = EveryDelivery(2)
    thread = capturing(delivery, 6)
    await asyncio.sleep(0.1)
    assert delivery.facts().unsettled == 2
    assert await settled(delivery, 6) == [(number, number, "frame") for number in range(1, 7)]
    thread.join(5)


async def test_a_waiting_source_can_be_stopped() -> None:
    """`stop` frees a source that waits for room; its frame is dropped, STOPPED, and what was there before stays."""
    delivery = EveryDelivery(1)
    thread = capturing(delivery, 2)
    await asyncio.sleep(0.05)
    delivery.stop()
    thread.join(5)
    assert await settled(delivery, 2) == [(1, 1, "frame"), (2, 2, DropCause.STOPPED)]


async def test_after_a_reconnect_it_begins_at_the_first_without_an_answer() -> None:
    """What was taken and not answered is taken again; what was answered is not."""
    delivery = EveryDelivery(3)
    capture(delivery, 3)
    for _ in range(3):
        await delivery.take()
    delivery.settle(1)
    delivery.rewind(recorded=2)
    assert delivery.first_unsettled() == 2
    assert told(await delivery.take()) == (2, 2, "frame")
