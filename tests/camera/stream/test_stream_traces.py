from support.captured import capture
from support.scripted_stream import ScriptedStream, serving
from support.streamed import drained, streaming
from support.traced import traced

from flawgate_camera.delivery.latest import LatestDelivery


async def test_a_stream_names_the_span_of_its_hello_as_its_caller() -> None:
    """A short one: to it, at the gateway, the trace of each frame is linked."""
    gateway, delivery = ScriptedStream(), LatestDelivery(60.0, slots=100)
    with traced() as collector:
        async with serving(gateway) as target, streaming(target, delivery):
            capture(delivery, 3)
            await drained(delivery)
        (caller,) = gateway.callers
        _, trace_id, span_id, flags = caller.split("-")
        (hello,) = collector.awaited(trace_id, lambda spans: spans != [])
    assert (hello.name, hello.span_id, hello.parent_id, flags) == ("hello", span_id, "", "01")
    assert hello.end_ns - hello.start_ns < 10 * 1e9


async def test_a_stream_names_a_trace_although_none_is_kept() -> None:
    """So that the lines of the gateway's log about it can be told from those about others."""
    gateway, delivery = ScriptedStream(), LatestDelivery(60.0, slots=100)
    async with serving(gateway) as target, streaming(target, delivery):
        capture(delivery, 1)
        await drained(delivery)
    assert [caller[-3:] for caller in gateway.callers] == ["-00"]
