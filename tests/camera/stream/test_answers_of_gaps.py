from support.captured import capture, gap
from support.scripted_stream import Response, ScriptedStream, serving
from support.streamed import drained, streaming

from flawgate.inspection.v1 import inspection_pb2 as pb2
from flawgate_camera.delivery.every import EveryDelivery
from flawgate_camera.frames import DropCause
from flawgate_camera.stream.messages import of_gap


def on_record_as_failed(response: Response) -> Response:
    """Number 2 was dropped by the gateway, before a connection that has broken since."""
    if response.result.sequence != 2:
        return response
    told = of_gap(gap(2, 2, DropCause.FAILED)).gap
    return Response(result=pb2.StreamResult(sequence=2, gap=told, replayed=True))


async def test_a_frame_that_the_gateway_had_dropped_before_the_cut_is_counted() -> None:
    """Its answer is the gap on record; nobody else has counted it, so that frames are results plus dropped."""
    delivery = EveryDelivery(5)
    async with serving(ScriptedStream(altered=on_record_as_failed)) as target, streaming(target, delivery) as (_, told):
        capture(delivery, 3)
        await drained(delivery)
    assert [outcome.dropped for outcome in told.outcomes] == [None, DropCause.FAILED, None]
    assert [outcome.inspection is None for outcome in told.outcomes] == [False, True, False]
