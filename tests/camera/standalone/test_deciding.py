"""Which frames the agent decides about itself, and what goes on of them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from support.pictures import spot_png
from support.standalone import STAND, captured
from support.tiny_repository import write_spot

from flawgate.inspection.v1 import inspection_pb2 as pb
from flawgate.inspection.v1 import types_pb2
from flawgate_camera.frames import CapturedFrame
from flawgate_camera.standalone.deciding import OwnDecisions
from flawgate_camera.standalone.judge import StandaloneJudge
from flawgate_camera.standalone.link import Link

NOT_OK, OK = types_pb2.EVALUATION_NOT_OK, types_pb2.EVALUATION_OK


class Told:
    """A `Listener` that remembers."""

    def __init__(self) -> None:
        self.evaluations: list[types_pb2.Evaluation.ValueType] = []
        self.failures: list[str] = []

    def decided(self, frame: CapturedFrame, inspection: pb.Inspection) -> None:
        """See `Listener`."""
        self.evaluations.append(inspection.evaluation)

    def failed(self, reason: str) -> None:
        """See `Listener`."""
        self.failures.append(reason)


@pytest.fixture
async def judge(tmp_path: Path) -> AsyncIterator[StandaloneJudge]:
    """Of the tiny recipe."""
    write_spot(tmp_path)
    judge = StandaloneJudge(tmp_path, "spot", threads=1)
    yield judge
    await judge.close()


class Clock:
    """Stands still until it is set."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


def own_decisions(
    judge: StandaloneJudge, told: Told, *, link: Link | None = None, after_s: float | None = None
) -> OwnDecisions:
    """Of all frames, unless it is said when."""
    loop = asyncio.get_running_loop()
    return OwnDecisions(judge, STAND, told, loop=loop, link=link or Link(), after_s=after_s)


async def test_frames_are_judged_here_while_the_gateway_is_away_for_long(judge: StandaloneJudge) -> None:
    """From five seconds on, counted from the start or the loss; another reason for it, and other tries, count on."""
    clock = Clock()
    link = Link(clock)
    own = own_decisions(judge, Told(), link=link, after_s=5.0)
    seen = []
    for moment, connected in (
        (104.0, None),
        (105.0, None),
        (106.0, True),
        (200.0, False),
        (204.0, False),
        (205.0, None),
    ):
        clock.now = moment
        if connected is not None:
            link.turned(connected=connected)
        seen.append(own.wanted())
    assert seen == [False, True, False, False, False, True]


async def test_all_frames_are_judged_here_where_it_is_always(judge: StandaloneJudge) -> None:
    """Whether there is a gateway or not."""
    link = Link()
    link.turned(connected=True)
    assert own_decisions(judge, Told(), link=link).wanted()


async def test_a_frame_goes_on_with_what_was_decided(judge: StandaloneJudge) -> None:
    """All else of it stays as it is; who listens is told at once."""
    told = Told()
    own = own_decisions(judge, told)
    frame = captured(spot_png(255))
    decided = await asyncio.to_thread(own.decide, frame)
    assert decided.decided is not None
    inspection = pb.Inspection.FromString(decided.decided)
    assert (inspection.evaluation, inspection.capture.sequence) == (NOT_OK, 1)
    assert (decided.data, decided.sequence, decided.trigger) == (frame.data, frame.sequence, frame.trigger)
    assert (told.evaluations, told.failures) == ([NOT_OK], [])


async def test_a_frame_that_is_not_judged_here_goes_on_as_it_is(judge: StandaloneJudge) -> None:
    """While there is a gateway, nothing is decided twice."""
    told = Told()
    own = own_decisions(judge, told, after_s=5.0)
    frame = captured(spot_png(255))
    assert own.decide(frame) is frame
    assert (told.evaluations, told.failures) == ([], [])


async def test_what_cannot_be_judged_goes_on_undecided_and_is_told_once(judge: StandaloneJudge) -> None:
    """The gateway will say what it is; a failure is never an evaluation, and never a line of the log for each frame."""
    told = Told()
    own = own_decisions(judge, told)
    with capture_logs() as lines:
        bad = [await own.decided(captured(b"no picture", sequence=number)) for number in (1, 2, 3)]
        good = await own.decided(captured(spot_png(0), sequence=4))
        await own.decided(captured(b"no picture", sequence=5))
    assert [frame.decided for frame in bad] == [None, None, None]
    assert good.decided is not None
    assert told.failures == ["INVALID_FRAME"] * 4
    assert told.evaluations == [OK]
    assert [line["reason"] for line in lines if line["log_level"] == "warning"] == ["INVALID_FRAME"] * 2


async def test_models_that_cannot_be_used_are_told_before_the_first_frame(tmp_path: Path) -> None:
    """Not in the first outage: they are loaded as soon as the camera runs."""
    told = Told()
    own = own_decisions(StandaloneJudge(tmp_path, "spot"), told, after_s=3600)
    with capture_logs() as lines:
        own.prepare()
        assert own._preparing is not None
        await asyncio.wrap_future(own._preparing)
    assert told.failures == ["UNKNOWN_RECIPE"]
    assert lines[-1]["event"] == "frames cannot be judged here; the gateway will"


async def test_an_unforeseen_failure_is_told_and_the_frame_goes_on(judge: StandaloneJudge) -> None:
    """The capture thread never dies of the judge."""

    class Broken(StandaloneJudge):
        async def inspect(self, *_: object, **__: object) -> pb.Inspection:
            raise ZeroDivisionError

    told = Told()
    own = own_decisions(Broken(Path(), "spot"), told)
    with capture_logs() as lines:
        frame = captured(spot_png(0))
        assert await own.decided(frame) is frame
    assert told.failures == ["INTERNAL_ERROR"]
    assert lines[0]["log_level"] == "error"
