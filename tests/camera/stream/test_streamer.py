import asyncio
import socket
from pathlib import Path

import pytest
from support.captured import MOMENT, capture, capturing
from support.scripted_stream import Response, ScriptedStream, serving
from support.streamed import drained, streaming, until

from flawgate.inspection.v1 import inspection_pb2 as pb2
from flawgate_camera.delivery.base import Delivery
from flawgate_camera.delivery.every import EveryDelivery
from flawgate_camera.delivery.latest import LatestDelivery
from flawgate_camera.delivery.lossless import LosslessDelivery
from flawgate_camera.delivery.spool.bounds import Bounds
from flawgate_camera.frames import DropCause
from flawgate_camera.stream.facts import Timing
from flawgate_contracts.errors import ModelFailure, PermissionDenied, RecipeUnavailable, UnknownRecipe


def make(policy: str, folder: Path) -> Delivery:
    """A delivery of that policy that drops nothing in a short test."""
    if policy == "lossless":
        return LosslessDelivery(folder, Bounds(max_bytes=10**8, max_age_s=3600))
    return EveryDelivery(100) if policy == "every" else LatestDelivery(60.0, slots=100)


@pytest.mark.parametrize("policy", ["lossless", "latest", "every"])
async def test_frames_and_gaps_are_answered_in_order(policy: str, tmp_path: Path) -> None:
    """Each number is sent once and answered once, in order; the hello says whose they are."""
    gateway, delivery = ScriptedStream(), make(policy, tmp_path)
    async with serving(gateway) as target, streaming(target, delivery) as (streamer, told):
        capture(delivery, 20)
        delivery.drop(delivery.next_sequence(), DropCause.ENCODING_FAILED, MOMENT)
        capture(delivery, 1)
        await drained(delivery)
        assert streamer.state.connected
    delivery.close()
    assert [outcome.sequence for outcome in told.outcomes] == list(range(1, 23))
    assert gateway.written == dict.fromkeys(range(1, 23), 1)
    assert gateway.records[21] == "ENCODING_FAILED"
    assert gateway.faults == []
    hello = gateway.hellos[0]
    assert (hello.stream_id, hello.next_sequence, hello.recipe) == (str(delivery.stream_id), 1, "texture")
    assert (hello.identity.line, hello.identity.station, hello.identity.camera) == ("L2", "S4", "cam1")
    assert hello.delivery == pb2.DeliveryPolicy.Value(f"DELIVERY_POLICY_{policy.upper()}")


async def test_no_more_frames_are_sent_than_there_are_credits() -> None:
    """A gateway that grants two credits and never answers gets two frames."""
    gateway, delivery = ScriptedStream(credits=2, answer_s=0.3), EveryDelivery(10)
    async with serving(gateway) as target, streaming(target, delivery) as (_, _told):
        capture(delivery, 10)
        await until(lambda: gateway.hellos != [])
        await asyncio.sleep(0.2)
        assert delivery._window._position <= 2


@pytest.mark.parametrize("policy", ["lossless", "every"])
async def test_a_retryable_end_is_followed_by_the_same_frames(policy: str, tmp_path: Path) -> None:
    """The stream is opened again at the first number without an answer; each number has one record."""
    gateway, delivery = ScriptedStream(), make(policy, tmp_path)
    gateway.ends = {3: [RecipeUnavailable("Loading."), ModelFailure("Broken.")], 7: [RecipeUnavailable("Loading.")]}
    async with serving(gateway) as target, streaming(target, delivery) as (_, told):
        capture(delivery, 10)
        await drained(delivery)
    delivery.close()
    assert gateway.written == dict.fromkeys(range(1, 11), 1)
    assert [outcome.sequence for outcome in told.outcomes] == list(range(1, 11))
    opened = [hello.next_sequence for hello in gateway.hellos]
    # A call that ends while a frame is being sent is UNAVAILABLE: grpc has lost what the gateway said last, which may
    # be an answer too. Its frame is sent again and, as asserted above, not recorded again.
    assert opened == sorted(opened)
    assert len(opened) == 4
    assert all(first <= end for first, end in zip(opened, [1, 3, 3, 7], strict=True))
    assert {state.reason for state in told.states} <= {None, "RECIPE_UNAVAILABLE", "MODEL_FAILURE", "UNAVAILABLE"}


async def test_a_lasting_refusal_waits_longer_and_keeps_all() -> None:
    """Where another try hardly helps one waits longer; the reason stands in the state, and no frame is lost."""
    gateway, delivery = ScriptedStream(), EveryDelivery(10)
    gateway.refusals = [UnknownRecipe("There is no recipe texture."), PermissionDenied("No scope inspect.")]
    timing = Timing(retry_s=0.001, retry_max_s=0.001, refused_s=0.4)
    async with serving(gateway) as target, streaming(target, delivery, timing) as (streamer, told):
        capture(delivery, 3)
        await until(lambda: streamer.state.reason == "UNKNOWN_RECIPE")
        assert streamer.state.message == "There is no recipe texture."
        began = asyncio.get_running_loop().time()
        await drained(delivery)
        assert asyncio.get_running_loop().time() - began >= 0.4
    assert [outcome.sequence for outcome in told.outcomes] == [1, 2, 3]


async def test_an_error_that_stays_is_logged_once(capsys: pytest.CaptureFixture[str]) -> None:
    """A gateway that is away is told of once, not at each try; that it is back is told once."""
    gateway, delivery = ScriptedStream(), EveryDelivery(10)
    async with serving(gateway) as target:
        pass
    port = int(target.rpartition(":")[2])
    async with streaming(target, delivery) as (streamer, told):
        capture(delivery, 2)
        await until(lambda: streamer.state.reason is not None)
        await asyncio.sleep(0.5)
        async with serving(gateway, port=port):
            await drained(delivery)
            lines = capsys.readouterr().out
            states = list(told.states)
    assert (lines.count("stream_interrupted"), lines.count("stream_connected")) == (1, 1)
    assert [state.connected for state in states] == [False, True]


async def test_a_poisonous_frame_is_logged_once(capsys: pytest.CaptureFixture[str]) -> None:
    """A stream that is greeted and ends without any answer, again and again, is told of once."""
    gateway, delivery = ScriptedStream(), EveryDelivery(10)
    gateway.ends = {1: [ModelFailure("Broken.") for _ in range(5)]}
    async with serving(gateway) as target, streaming(target, delivery) as (_, _told):
        capture(delivery, 2)
        await drained(delivery)
        lines = capsys.readouterr().out
    assert (lines.count("stream_interrupted"), lines.count("stream_connected")) == (1, 2)


def misnumbered(response: Response) -> Response:
    """Answers of another number."""
    response.result.sequence += 1
    return response


def without_outcome(response: Response) -> Response:
    """Answers that say nothing."""
    return pb2.InspectStreamResponse(result=pb2.StreamResult(sequence=response.result.sequence))


def unknown(response: Response) -> Response:
    """What is no answer."""
    return pb2.InspectStreamResponse()


@pytest.mark.parametrize("wrong", [misnumbered, without_outcome, unknown])
async def test_a_wrong_answer_ends_the_connection_and_settles_nothing(wrong: object) -> None:
    """What the gateway cannot have meant is not believed: it is asked again, in a new call."""
    assert callable(wrong)
    gateway, delivery = ScriptedStream(altered=wrong), EveryDelivery(10)
    async with serving(gateway) as target, streaming(target, delivery) as (streamer, told):
        capture(delivery, 2)
        await until(lambda: len(gateway.hellos) > 1)
        assert delivery.first_unsettled() == 1
        assert streamer.state.reason in (None, "INTERNAL_ERROR")
        gateway.altered = lambda response: response
        await drained(delivery)
    assert [outcome.sequence for outcome in told.outcomes] == [1, 2]
    assert told.outcomes[0].replayed


async def test_a_frame_longer_than_the_gateway_takes_is_refused_here() -> None:
    """It would end each stream that it is sent in; so it is a gap, REFUSED, and counted once."""
    gateway, delivery = ScriptedStream(max_frame_bytes=500), EveryDelivery(10)
    async with serving(gateway) as target, streaming(target, delivery) as (_, told):
        capture(delivery, 1, size=500)
        capture(delivery, 1, size=501)
        capture(delivery, 1)
        await drained(delivery)
    assert [gateway.records[2], len(gateway.records[1]), len(gateway.records[3])] == ["REFUSED", 64, 64]
    assert [outcome.dropped for outcome in told.outcomes] == [None, DropCause.REFUSED, None]


async def test_a_refused_frame_says_why() -> None:
    """The gateway's words come with the outcome, and the cause for which the frame counts as dropped."""

    def refuse(response: Response) -> Response:
        said = pb2.StreamError(reason="INVALID_FRAME", message="Not a picture.", cause=pb2.DROP_CAUSE_REFUSED)
        return pb2.InspectStreamResponse(result=pb2.StreamResult(sequence=response.result.sequence, error=said))

    gateway, delivery = ScriptedStream(altered=refuse), EveryDelivery(10)
    async with serving(gateway) as target, streaming(target, delivery) as (_, told):
        capture(delivery, 1)
        await drained(delivery)
    refusal = told.outcomes[0].refusal
    assert refusal is not None
    assert (refusal.reason, refusal.message, refusal.cause) == ("INVALID_FRAME", "Not a picture.", DropCause.REFUSED)
    assert told.outcomes[0].dropped is DropCause.REFUSED


async def test_what_is_left_is_sent_at_the_end() -> None:
    """`finish` sends what was captured, within its grace; then the stream ends."""
    gateway, delivery = ScriptedStream(answer_s=0.02), EveryDelivery(10)
    async with serving(gateway) as target, streaming(target, delivery) as (streamer, told):
        capture(delivery, 8)
        delivery.stop()
        await streamer.finish(grace_s=20)
        assert not streamer.state.connected
    assert [outcome.sequence for outcome in told.outcomes] == list(range(1, 9))


async def test_what_cannot_be_sent_in_time_is_told_as_stopped() -> None:
    """After the grace the frames that were never sent are a gap, STOPPED, and the gateway has it on record."""
    gateway, delivery = ScriptedStream(credits=1, answer_s=0.6), EveryDelivery(10)
    async with serving(gateway) as target, streaming(target, delivery) as (streamer, _):
        capture(delivery, 5)
        await until(lambda: gateway.hellos != [])
        await asyncio.sleep(0.1)
        delivery.stop()
        await streamer.finish(grace_s=0.1)
    assert {number: cause for number, cause in gateway.records.items() if number > 1} == dict.fromkeys(
        range(2, 6), "STOPPED"
    )


async def test_a_slow_gateway_holds_the_source_back_and_nothing_grows() -> None:
    """`every` with room for three frames: a fast source waits for a slow gateway, and no frame is dropped."""
    gateway, delivery = ScriptedStream(answer_s=0.01), EveryDelivery(3)
    async with serving(gateway) as target, streaming(target, delivery) as (_, told):
        thread = capturing(delivery, 60)
        while thread.is_alive():
            assert delivery.facts().unsettled <= 4
            await asyncio.sleep(0.01)
        await drained(delivery)
    assert [outcome.sequence for outcome in told.outcomes] == list(range(1, 61))
    assert gateway.gaps == []


async def test_a_gateway_that_does_not_greet_is_given_up() -> None:
    """Whoever takes the call and says nothing is asked again, after `connect_s`."""
    delivery = EveryDelivery(1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        target = f"127.0.0.1:{silent.getsockname()[1]}"
        timing = Timing(connect_s=0.2, retry_s=0.01, retry_max_s=0.01)
        async with streaming(target, delivery, timing) as (streamer, _):
            await until(lambda: streamer.state.reason == "UNAVAILABLE")
            assert streamer.state.message == "The gateway did not answer within 0.2 s; is it there?"
