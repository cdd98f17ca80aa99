import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any

import pytest
from structlog.testing import capture_logs
from support.alarms import CountingAlarmObserver, Recorder, a_signal, an_alarm, judged, running, until

from flawgate_camera.alarms import service
from flawgate_camera.alarms.actions.base import Action, Tried
from flawgate_camera.alarms.facts import AlarmCause, Source
from flawgate_camera.alarms.service import STOPPED_WITHIN_S, Alarms
from flawgate_camera.alarms.wanted import Wanted
from flawgate_camera.config.alarms import Action as ActionTable
from flawgate_camera.config.alarms import Alarm

STOPPING, CAMERA = AlarmCause.STOPPING, AlarmCause.CAMERA_DOWN


class BrokenAction:
    """Has a bug."""

    def __init__(self) -> None:
        self.runs = 0

    async def run(self, wanted: Wanted, tried: Tried) -> None:
        """See `Action`."""
        self.runs += 1
        raise ZeroDivisionError("a bug")


class HungAction:
    """Shows nothing, ever."""

    async def run(self, wanted: Wanted, tried: Tried) -> None:
        """See `Action`."""
        await asyncio.Event().wait()


class Camera:
    """A camera with alarms, and what they were told."""

    def __init__(self, alarms: list[Alarm], actions: list[Action]) -> None:
        self.observer = CountingAlarmObserver()
        self.lost: set[AlarmCause] = set()
        left = iter(actions)

        def create(_table: ActionTable, _source: Source) -> Action:
            return next(left)

        self.alarms = Alarms(
            "cam1", "S4", alarms, lost=lambda: frozenset(self.lost), observer=self.observer, create=create
        )

    @asynccontextmanager
    async def runs(self) -> AsyncIterator[None]:
        """It runs meanwhile, and is stopped as the agent stops it: cancelled, and waited for."""
        async with running(self.alarms.run()):
            await asyncio.sleep(0)
            yield


def one(action: Action, **keys: Any) -> Camera:
    """A camera with one alarm."""
    return Camera([an_alarm(**keys)], [action])


async def test_only_changes_are_shown_and_the_end_is_an_alarm() -> None:
    """A hundred bad parts in a row are one `on`; when the camera stops, each alarm is on."""
    recorder = Recorder()
    camera = one(recorder)
    async with camera.runs():
        await until(lambda: len(recorder.shown) == 1)
        for evaluation in ["OK"] * 3 + ["NOT_OK"] * 100 + ["OK"] * 100:
            camera.alarms.judged(judged(evaluation, part="SN-1"))
            await asyncio.sleep(0)
    assert recorder.states == [("off", ()), ("on", ("results",)), ("off", ()), ("on", ("stopping",))]
    assert camera.observer.changes == [("lamp", on) for on in (False, True, False, True)]
    assert camera.observer.tries == [("lamp", True)] * 4


async def test_the_log_says_why_an_alarm_is_on() -> None:
    """Whatever the action is: whoever looks for the reason of a stopped line finds it there."""
    recorder = Recorder()
    camera = one(recorder)
    with capture_logs() as lines:
        async with camera.runs():
            camera.lost = {CAMERA}
            await until(lambda: len(recorder.shown) >= 1 and recorder.states[-1][0] == "on")
    assert {"state": "on", "causes": ["camera_down"]}.items() <= _first(lines, "on").items()


def _first(lines: Any, state: str) -> dict[str, Any]:
    """The first line about an alarm in that state."""
    return next(dict(line) for line in lines if line["event"] == "alarm shown" and line["state"] == state)


async def test_the_last_state_wins_where_an_action_is_slow() -> None:
    """What came and went while an action was busy is not shown, and nothing is shown out of order."""
    recorder = Recorder()
    camera = one(recorder)
    async with camera.runs():
        await until(lambda: len(recorder.shown) == 1)
        recorder.may_go_on.clear()
        for evaluation in ["NOT_OK", "OK"] * 20:
            camera.alarms.judged(judged(evaluation))
        await asyncio.sleep(0.01)
        recorder.may_go_on.set()
        await until(lambda: len(recorder.shown) == 2)
    assert recorder.states[:2] == [("off", ()), ("off", ())]


async def test_a_hung_or_broken_action_holds_up_nothing() -> None:
    """Results are taken at once, other alarms go on, and stopping waits a bounded time."""
    recorder, broken = Recorder(), BrokenAction()
    names = ("hung", "broken", "lamp")
    camera = Camera([an_alarm(name=name) for name in names], [HungAction(), broken, recorder])
    began = monotonic()
    async with camera.runs():
        for number in range(1000):
            camera.alarms.judged(judged("NOT_OK", sequence=number))
        took_s = monotonic() - began
        await until(lambda: bool(recorder.shown) and recorder.shown[-1].on and broken.runs == 2)
        stopping = monotonic()
    assert took_s < 1
    assert monotonic() - stopping < STOPPED_WITHIN_S + 1


async def test_losing_the_camera_is_noticed_without_any_result() -> None:
    """The service looks by itself, and tells the cause."""
    recorder = Recorder()
    camera = one(recorder)
    async with camera.runs():
        await until(lambda: recorder.states == [("off", ())])
        camera.lost.add(CAMERA)
        await until(lambda: recorder.states[1:] == [("on", (CAMERA,))])
        camera.lost.clear()
        await until(lambda: recorder.states[2:] == [("off", ())])


async def test_it_stays_on_for_as_long_as_it_is_held() -> None:
    """hold_s is the shortest time on, even where the next part is good."""
    recorder = Recorder()
    camera = one(recorder, hold_s=0.4)
    async with camera.runs():
        camera.alarms.judged(judged("NOT_OK"))
        on_at = monotonic()
        camera.alarms.judged(judged("OK"))
        await until(lambda: bool(recorder.shown) and not recorder.shown[-1].on and len(recorder.shown) > 1)
        assert 0.4 <= monotonic() - on_at < 0.4 + 5 * service.LOOK_S


async def test_the_signal_names_the_result_that_set_it_off() -> None:
    """A horn's message says which part it blows for."""
    recorder = Recorder()
    camera = one(recorder)
    async with camera.runs():
        camera.alarms.judged(judged("NOT_OK", sequence=7, part="SN-7", inspection_id="i-7", reason="TOO_LARGE"))
        await until(lambda: bool(recorder.shown) and recorder.shown[-1].on)
        told = recorder.shown[-1].told()
    assert told["result"] == {
        "evaluation": "NOT_OK",
        "reason": "TOO_LARGE",
        "sequence": 7,
        "inspection_id": "i-7",
        "part": "SN-7",
    }
    assert (told["camera"], told["station"], told["alarm"], told["state"]) == ("cam1", "S4", "lamp", "on")


def test_a_state_without_a_result_says_so() -> None:
    """Before the first result there is none to name."""
    assert a_signal(CAMERA).told() == {
        "camera": "cam1",
        "station": "S4",
        "alarm": "lamp",
        "state": "on",
        "causes": ["camera_down"],
        "since": "2026-11-22T10:15:02.114Z",
        "result": None,
    }


async def test_a_reset_by_hand_touches_only_the_alarms_that_it_is_meant_for() -> None:
    """Each button ends its own alarms."""
    left, right = ({"kind": "button", "pin": pin} for pin in (26, 27))
    alarms = [an_alarm(name="left", reset=left), an_alarm(name="right", reset=right)]
    camera = Camera(alarms, [Recorder(), Recorder()])
    camera.alarms.judged(judged("NOT_OK"))
    camera.alarms.judged(judged("OK"))
    camera.alarms.reset(alarms[0].reset)
    assert camera.observer.changes == [("left", True), ("right", True), ("left", False)]


@pytest.mark.parametrize(("evaluation", "state"), [("OK", "off"), ("NOT_OK", "on"), ("NOT_DECIDABLE", "off")])
async def test_the_first_state_is_shown_even_where_it_is_off(evaluation: str, state: str) -> None:
    """An output that an earlier process left as it was is set right at the start."""
    recorder = Recorder()
    camera = one(recorder)
    camera.alarms.judged(judged(evaluation))
    async with camera.runs():
        await until(lambda: bool(recorder.shown))
        assert recorder.shown[0].state == state
