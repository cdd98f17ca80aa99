"""Two of each service on hosts of their own, an MES that keeps to docs/mes.md, and what may befall a host.

After each fault the database is asked: each frame that was sent has exactly one record, none better than its part.
What each fault cost is printed (`make hosts`); docs/operations.md tells it.
"""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.hosts_plant import Plant
from support.mes_load import LINES, Mes

BEFORE_S, AFTER_S = 2.0, 8.0
CUT_S = 10.0
STREAMED_FRAMES, STREAMED_S = 300, 120.0
CAMERA = """
[agent]
data_dir = "{folder}"

[gateway]
target = "gateway:8081"

[[cameras]]
name = "cam1"
station = "S4"
recipe = "spot"
source = {{ kind = "generated", frames_per_s = 10.0, size = [128, 128], frames = {frames} }}
trigger = {{ kind = "every" }}
delivery = {{ policy = "lossless" }}
"""
BEHIND = ("preprocessing1", "preprocessing2", "decision1", "decision2")


def disturbed(hosts: Plant, name: str, fault: Callable[[], None]) -> Mes:
    """An MES that works while a fault comes; all its frames are on record, once, when this returns."""
    mes = hosts.new_mes()
    with mes.running():
        time.sleep(BEFORE_S)
        calm, since = len(mes.sent), time.monotonic()
        fault()
        time.sleep(AFTER_S)
    print(  # noqa: T201  # the measurement
        f"\n{name}: {calm}+{len(mes.sent) - calm} frames, tried again {dict(mes.failures())}, "
        f"slowest {mes.slowest_s():.1f} s, all as ever {mes.disturbed_s(since):.1f} s after it began"
    )
    assert calm > LINES
    assert [sent.part for sent in mes.sent if sent.answer is None] == []
    hosts.assert_on_record(mes.sent)
    return mes


@pytest.mark.parametrize("service", ["decision", "preprocessing"])
def test_a_service_that_is_cut_off_costs_no_frame(hosts: Plant, service: str) -> None:
    """Packets vanish, and nobody says so: its calls are made again at the other host, within the frame's deadline."""
    host = hosts.services[f"{service}1"].host
    try:
        mes = disturbed(hosts, f"{service} cut off", host.pull)
    finally:
        host.plug()
    hosts.wait_until_ready()
    assert mes.failures() == {}


@pytest.mark.parametrize("service", ["decision", "preprocessing"])
def test_a_service_that_is_killed_costs_no_frame(hosts: Plant, service: str) -> None:
    """The other one does its work at once."""
    killed = hosts.services[f"{service}2"]
    mes = disturbed(hosts, f"{service} killed", killed.kill)
    killed.start()
    hosts.wait_until_ready()
    assert mes.failures() == {}


def test_a_service_that_hangs_costs_no_frame(hosts: Plant) -> None:
    """Its host still takes packets; that it does not answer is noticed all the same."""
    hung = hosts.services["decision1"]
    try:
        mes = disturbed(hosts, "decision hangs", hung.freeze)
    finally:
        hung.thaw()
    hosts.wait_until_ready()
    assert mes.failures() == {}


def test_a_gateway_that_is_killed_loses_no_frame(hosts: Plant) -> None:
    """Who had no answer sends the same again to the other one: there is one record all the same."""
    killed = hosts.services["gateway1"]
    mes = disturbed(hosts, "gateway killed", killed.kill)
    killed.start()
    hosts.wait_until_ready()
    assert set(mes.failures()) <= {"no answer", "REQUEST_IN_PROGRESS"}


def test_a_stream_goes_on_at_the_other_gateway(hosts: Plant, tmp_path: Path) -> None:
    """A camera finds both by one name; each is killed once, and each of its frames is on record once, in its place."""
    file = tmp_path / "cameras.toml"
    file.write_text(CAMERA.format(folder=tmp_path, frames=STREAMED_FRAMES))
    with hosts.running_camera(file):
        for name, frames in (("gateway1", 10), ("gateway2", 60)):
            until_streamed(hosts, frames)
            hosts.services[name].kill()
            hosts.services[name].start()
            hosts.wait_until_ready()
        until_streamed(hosts, STREAMED_FRAMES)
    assert hosts.streamed() == list(range(1, STREAMED_FRAMES + 1))


def until_streamed(hosts: Plant, frames: int) -> None:
    """Wait until so many frames are on record; fails where they are not in time."""
    end = time.monotonic() + STREAMED_S
    while len(hosts.streamed()) < frames:
        assert time.monotonic() < end, hosts.said()
        time.sleep(0.2)


def test_a_gateway_that_is_cut_off_loses_no_frame(hosts: Plant) -> None:
    """Whether its record was written before or not."""
    host = hosts.services["gateway1"].host
    try:
        mes = disturbed(hosts, "gateway cut off", host.pull)
    finally:
        host.plug()
    hosts.wait_until_ready()
    assert set(mes.failures()) <= {"no answer", "REQUEST_IN_PROGRESS"}


def test_a_gateway_without_its_database_loses_no_frame(hosts: Plant) -> None:
    """It says so, or is too late; the other one writes the record."""
    host = hosts.services["gateway2"].host
    try:
        disturbed(hosts, "gateway without database", lambda: host.lose(hosts.database_host))
    finally:
        host.find(hosts.database_host)
    hosts.wait_until_ready()


def test_a_database_that_is_cut_off_loses_no_frame(hosts: Plant) -> None:
    """For ten seconds nothing is on record, so nothing is answered; then all of it is."""

    def cut() -> None:
        hosts.database_host.pull()
        time.sleep(CUT_S)
        hosts.database_host.plug()

    disturbed(hosts, f"database cut off for {CUT_S:.0f} s", cut)
    hosts.wait_until_ready()


def test_a_rolling_restart_loses_no_frame(hosts: Plant) -> None:
    """Of decision and preprocessing nobody notices it; of gateways each line changes to the other one."""

    def restart(*services: str) -> None:
        for name in services:
            hosts.services[name].stop()
            hosts.services[name].start()
            hosts.wait_until_ready()

    behind = disturbed(hosts, "rolling restart behind the gateways", lambda: restart(*BEHIND))
    assert behind.failures() == {}
    doors = disturbed(hosts, "rolling restart of the gateways", lambda: restart("gateway1", "gateway2"))
    assert set(doors.failures()) <= {"no answer", "UNAVAILABLE", "REQUEST_IN_PROGRESS"}
