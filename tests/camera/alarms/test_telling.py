import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from pydantic import TypeAdapter
from support.alarms import SOURCE, Tries, a_signal, judged, running, until
from support.webhook_receiver import HANG_UP, Reply, WebhookReceiver, webhook_receiver

from flawgate_camera.alarms.actions.base import Action, ActionFailed, Repeated
from flawgate_camera.alarms.actions.creating import create_action
from flawgate_camera.alarms.facts import AlarmCause, Signal
from flawgate_camera.alarms.wanted import Wanted
from flawgate_camera.config import alarms as config

RESULTS, SILENCE = AlarmCause.RESULTS, AlarmCause.SILENCE


def action(**table: Any) -> Action:
    """As a table describes it."""
    described: config.Action = TypeAdapter(config.Action).validate_python(table)
    return create_action(described, SOURCE)


def python(program: str, *arguments: str, timeout_s: float = 20) -> Action:
    """A command: a small program in Python."""
    return action(kind="shell", command=[sys.executable, "-c", program, *arguments], timeout_s=timeout_s)


async def shown(one: Action, *signals: Signal) -> Tries:
    """All tries of an action that shows these states, each when the one before is settled."""
    wanted, tries = Wanted(), Tries()
    async with running(one.run(wanted, tries)):
        for signal in signals:
            wanted.want(signal)
            await asyncio.wait_for(wanted.settled(), 20)
    return tries


class Flaky:
    """Fails so many times, and remembers what it was asked to tell."""

    timeout_s = 0.05

    def __init__(self, failures: int, *, tries: int, hangs: bool = False) -> None:
        self.failures, self.tries, self.hangs = failures, tries, hangs
        self.told: list[Signal] = []
        self.closed = False

    async def tell(self, signal: Signal) -> None:
        """See `Telling`."""
        if self.hangs:
            await asyncio.Event().wait()
        if self.failures:
            self.failures -= 1
            raise ActionFailed("no")
        self.told.append(signal)

    async def close(self) -> None:
        """See `Telling`."""
        self.closed = True


@pytest.mark.parametrize(
    ("failures", "tries", "outcomes"),
    [(0, 3, [None]), (1, 3, ["no", None]), (9, 2, ["no", "no"]), (9, 1, ["no"])],
)
async def test_a_failure_is_tried_again_so_often_and_each_try_is_told(
    failures: int, tries: int, outcomes: list[str | None]
) -> None:
    """An action is tried `tries` times at most; every try counts."""
    seen = await shown(Repeated(Flaky(failures, tries=tries)), a_signal(RESULTS))
    assert seen.all == [("on", outcome) for outcome in outcomes]


async def test_a_try_that_hangs_ends_with_its_time() -> None:
    """Nothing hangs for longer than its time, and the next state is told after it."""
    flaky = Flaky(0, tries=1, hangs=True)
    wanted, tries = Wanted(), Tries()
    async with running(Repeated(flaky).run(wanted, tries)):
        wanted.want(a_signal(RESULTS))
        await asyncio.wait_for(wanted.settled(), 5)
        flaky.hangs = False
        wanted.want(a_signal())
        await asyncio.wait_for(wanted.settled(), 5)
    assert tries.all == [("on", "It was not done within 0.05 s."), ("off", None)]
    assert flaky.closed


async def test_a_state_that_is_no_longer_wanted_is_not_tried_again() -> None:
    """`off` does not wait behind the tries of an `on` that has passed."""
    flaky = Flaky(1, tries=100)
    wanted, tries = Wanted(), Tries()
    async with running(Repeated(flaky).run(wanted, tries)):
        wanted.want(a_signal(RESULTS))
        await until(lambda: len(tries.all) == 1)
        wanted.want(a_signal())
        await asyncio.wait_for(wanted.settled(), 5)
    assert tries.all == [("on", "no"), ("off", None)]


async def test_the_log_shows_each_change() -> None:
    """`log` writes a warning for on, and what it knows."""
    with structlog.testing.capture_logs() as lines:
        await shown(action(kind="log"), a_signal(RESULTS, last=judged("NOT_OK", part="SN-1")), a_signal())
    assert [(line["event"], line["log_level"], line["causes"]) for line in lines] == [
        ("alarm on", "warning", ["results"]),
        ("alarm off", "info", []),
    ]
    assert lines[0]["result"]["part"] == "SN-1"


async def test_a_command_gets_the_facts_in_its_environment(tmp_path: Path) -> None:
    """No shell reads the arguments, and what a part is called is never a command."""
    written = tmp_path / "facts"
    program = "import json, os, sys; json.dump([sys.argv[1:], dict(os.environ)], open(sys.argv[1], 'w'))"
    part = "$(reboot); `reboot`"
    tries = await shown(
        python(program, str(written), "$HOME; *"), a_signal(RESULTS, SILENCE, last=judged("NOT_OK", part=part))
    )
    assert tries.all == [("on", None)]
    arguments, environment = json.loads(written.read_text())
    assert arguments[1:] == ["$HOME; *"]
    assert environment["PATH"] == os.environ["PATH"]
    assert {name: value for name, value in environment.items() if name.startswith("FLAWGATE_")} == {
        "FLAWGATE_ALARM": "lamp",
        "FLAWGATE_CAMERA": "cam1",
        "FLAWGATE_STATION": "S4",
        "FLAWGATE_STATE": "on",
        "FLAWGATE_CAUSES": "results silence",
        "FLAWGATE_SINCE": "2026-11-22T10:15:02.114Z",
        "FLAWGATE_EVALUATION": "NOT_OK",
        "FLAWGATE_REASON": "",
        "FLAWGATE_SEQUENCE": "0",
        "FLAWGATE_INSPECTION_ID": "",
        "FLAWGATE_PART": part,
    }


@pytest.mark.parametrize(
    ("command", "failure"),
    [
        (["/no/such/program"], "/no/such/program cannot be started: No such file or directory."),
        ([sys.executable, "-c", "raise SystemExit(3)"], f"{sys.executable} ended with status 3."),
    ],
)
async def test_a_command_that_fails_is_told_once(command: list[str], failure: str) -> None:
    """A command is not started twice for one change."""
    tries = await shown(action(kind="shell", command=command), a_signal(RESULTS))
    assert tries.all == [("on", failure)]


@pytest.mark.parametrize(("when", "states"), [("on", ["on"]), ("change", ["on", "off"])])
async def test_a_horn_does_not_sound_when_an_alarm_ends(tmp_path: Path, when: str, states: list[str]) -> None:
    """A command may be started for `on` alone."""
    written = tmp_path / "states"
    program = "import os, sys; print(os.environ['FLAWGATE_STATE'], file=open(sys.argv[1], 'a'))"
    command = [sys.executable, "-c", program, str(written)]
    await shown(action(kind="shell", command=command, when=when), a_signal(RESULTS), a_signal())
    assert written.read_text().split() == states


async def test_a_command_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    """Nothing of it is left after its time."""
    pids = tmp_path / "pids"
    program = (
        "import os, subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "open(sys.argv[1] + '.part', 'w').write(f'{os.getpid()} {child.pid}')\n"
        "os.rename(sys.argv[1] + '.part', sys.argv[1])\n"
        "time.sleep(600)"
    )
    tries = await shown(python(program, str(pids), timeout_s=3), a_signal(RESULTS))
    assert tries.all == [("on", "It was not done within 3 s.")]
    await until(lambda: not any(_runs(int(pid)) for pid in pids.read_text().split()))


def _runs(pid: int) -> bool:
    """Whether a process still does something; one that has ended may wait for somebody to notice."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.fixture
async def receiver() -> AsyncIterator[WebhookReceiver]:
    """A server on loopback."""
    async with webhook_receiver() as receiver:
        yield receiver


async def test_a_post_carries_the_state(receiver: WebhookReceiver) -> None:
    """`http` posts JSON, with the credentials of its URL."""
    signal = a_signal(RESULTS, last=judged("NOT_OK", part="SN-1"))
    url = receiver.url.replace("http://", "http://user:pass%20word@")
    assert (await shown(action(kind="http", url=url), signal)).all == [("on", None)]
    assert json.loads(receiver.requests[0].body) == signal.told()
    assert receiver.requests[0].headers["content-type"] == "application/json"
    assert receiver.requests[0].headers["authorization"] == "Basic dXNlcjpwYXNzIHdvcmQ="


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(503), "answered with status 503."),
        (Reply(302, {"location": "/elsewhere"}), "answered with status 302."),
        (Reply(HANG_UP), "cannot be reached (RemoteProtocolError)."),
    ],
)
async def test_a_post_is_tried_again_a_little(receiver: WebhookReceiver, reply: Reply, said: str) -> None:
    """What a server says no to is tried `tries` times; no redirect is followed, and no secret is told."""
    receiver.reply = lambda _: reply
    url = receiver.url.replace("http://", "http://user:secret@") + "?token=secret"
    tries = await shown(action(kind="http", url=url, tries=2), a_signal(RESULTS))
    shown_url = receiver.url + "?***"
    assert tries.all == [("on", f"{shown_url} {said}")] * 2
    assert {request.headers["host"] for request in receiver.requests} == {receiver.url.split("/")[2]}
    assert len(receiver.requests) == 2


async def test_a_post_without_an_answer_ends_with_its_time(receiver: WebhookReceiver) -> None:
    """A server that is silent costs timeout_s."""
    receiver.reply = lambda _: Reply(delay_s=30)
    tries = await shown(action(kind="http", url=receiver.url, timeout_s=0.2, tries=1), a_signal(RESULTS))
    assert tries.all in (
        [("on", "It was not done within 0.2 s.")],
        [("on", f"{receiver.url} cannot be reached (ReadTimeout).")],
    )


async def test_a_pin_on_a_machine_without_pins_is_a_failure_that_says_what_to_do() -> None:
    """Neither gpiozero nor a Raspberry Pi need be there for the agent to run."""
    wanted, tries = Wanted(), Tries()
    async with running(action(kind="gpio", pin=17).run(wanted, tries)):
        wanted.want(a_signal())
        await until(lambda: bool(tries.all))
    failure = str(tries.all[0][1])
    assert failure.startswith(("GPIO pins need gpiozero", "The GPIO pin 17 cannot be used"))
