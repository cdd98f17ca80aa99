import time
from typing import Any

import grpc
import pytest
from support.tiny_repository import spot_recipe

from flawgate.decision.v1 import decision_pb2
from flawgate_contracts.calls import create_channel
from flawgate_gateway.admission.gate import Place
from flawgate_gateway.frames import Frame
from flawgate_gateway.settings import GatewaySettings
from flawgate_gateway.variant_building import VariantParts, create_canary
from flawgate_gateway.variants.canary import NotJudgedError

SERVICE_NAME = decision_pb2.DESCRIPTOR.services_by_name["DecisionService"].full_name


async def test_a_canary_that_is_away_is_asked_once() -> None:
    """The further try is the stable variant's: a frame has a place meanwhile, for which others wait."""
    asked = []

    async def away(request: bytes, context: Any) -> None:
        asked.append(request)
        await context.abort(grpc.StatusCode.UNAVAILABLE, "Not now.")

    server = grpc.aio.server()
    methods: dict[str, Any] = {"ListRecipes": grpc.unary_unary_rpc_method_handler(away)}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE_NAME, methods),))
    target = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    nobody: Any = None
    async with create_channel(target, max_message_bytes=1024) as channel:
        settings = GatewaySettings(canary_decision=target)
        canary = create_canary(settings, channel, VariantParts(nobody, nobody, nobody, nobody, timeout_s=5))
        with pytest.raises(NotJudgedError) as caught:
            await canary.judged(Frame(b"a picture"), spot_recipe().name, Place(0), time.monotonic() + 5)
    await server.stop(0)
    assert (caught.value.reason, len(asked)) == ("DEPENDENCY_UNAVAILABLE", 1)
