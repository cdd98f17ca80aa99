"""Whether the gateway takes a camera's frames: a greeting, and no frame."""

import time

import grpc

from flawgate.inspection.v1 import inspection_pb2_grpc
from flawgate_camera.config.gateway import Gateway
from flawgate_camera.delivery.every import EveryDelivery
from flawgate_camera.stream.connecting import metadata, open_channel, why_ended
from flawgate_camera.stream.facts import Outcome, Timing, Who
from flawgate_camera.stream.session import Session
from flawgate_contracts.errors import FlawgateError

TIMING = Timing(connect_s=5.0)


async def greet(who: Who, gateway: Gateway) -> str | None:
    """Say hello as the camera's stream would, with a numbering that nobody uses.

    Returns:
        Why the gateway does not take its frames, one sentence: it is not there, the key is no good, the recipe is not
        known; None where it takes them.
    """
    channel: grpc.aio.Channel | None = None
    try:
        channel = open_channel(gateway, TIMING.keepalive_s)
        call = inspection_pb2_grpc.InspectionServiceStub(channel).InspectStream(metadata=metadata(gateway))
        session = Session(call, who, EveryDelivery(1), timing=TIMING, on_result=_nothing_was_sent, clock=time.monotonic)
        await session.greet()
        call.cancel()
        fault = session.recipe_fault or None
    except grpc.aio.AioRpcError as err:
        return why_ended(err, gateway).message
    except FlawgateError as err:
        return err.message
    finally:
        if channel is not None:
            await channel.close()
    return fault


def _nothing_was_sent(_outcome: Outcome) -> None:
    """No answer can come."""
