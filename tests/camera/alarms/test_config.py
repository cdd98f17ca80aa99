import json
import re
from pathlib import Path
from typing import Any

import pytest
from support.alarms import a_signal, judged

from flawgate.inspection.v1 import inspection_pb2 as pb
from flawgate.inspection.v1 import types_pb2
from flawgate_camera.alarms.actions.creating import create_action
from flawgate_camera.alarms.actions.shell import facts
from flawgate_camera.alarms.facts import AlarmCause, Judged, Source
from flawgate_camera.config import alarms as config
from flawgate_camera.config import network_triggers
from flawgate_camera.config.base import Table
from flawgate_camera.config.loading import parse
from flawgate_contracts.errors import InvalidParameter

PAGE = Path(__file__).parents[3] / "docs/alarms.md"
TEXT = PAGE.read_text("utf-8")
CAMERA = """
[[cameras]]
name = "cam1"
station = "S4"
recipe = "leather"
source = { kind = "usb" }
"""
LOG = 'action = { kind = "log" }'


def block(kind: str) -> str:
    """The page's first block of a language."""
    found = re.search(rf"^```{kind}\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


def alarms(*tables: str) -> str:
    """A configuration with these alarms."""
    return CAMERA + "".join(f"[[cameras.alarms]]\n{table}\n" for table in tables)


def test_the_example_of_the_page_is_a_configuration() -> None:
    """Whoever copies it has one that loads, and every action and reset of it can be made."""
    camera = parse(block("toml"), "cameras.toml").cameras[0]
    kinds = [create_action(alarm.action, Source(camera="c", station="s", alarm=alarm.name)) for alarm in camera.alarms]
    assert [alarm.action.kind for alarm in camera.alarms] == ["gpio", "gpio", "shell", "http", "mqtt"]
    assert len(kinds) == 5


def test_the_message_of_the_page_is_what_is_told() -> None:
    """It has the keys of a real one, in its order."""
    told = a_signal(AlarmCause.RESULTS, last=judged("NOT_OK")).told()
    shown = json.loads(block("json"))
    assert [list(shown), list(shown["result"])] == [list(told), list(told["result"])]


@pytest.mark.parametrize("table", [config.Alarm, config.GpioAction, config.ShellAction, config.HttpAction])
def test_every_key_is_on_the_page(table: type[Table]) -> None:
    """Nobody has to read code to find one."""
    assert {name for name in table.model_fields if not re.search(rf"\b{name}\b", TEXT)} == set()


def test_every_cause_is_on_the_page() -> None:
    """A message's cause can be looked up."""
    assert {cause.value for cause in AlarmCause if cause.value not in TEXT} == set()


def test_the_variables_of_commands_on_the_page_exist() -> None:
    """Each `FLAWGATE_...` of the page is set."""
    named = set(re.findall(r"`(FLAWGATE_\w+)`", TEXT))
    assert named
    assert named <= facts(a_signal()).keys()


def test_two_alarms_may_share_a_button() -> None:
    """One press ends both."""
    reset = 'reset = { kind = "button", pin = 27 }'
    parsed = parse(alarms(f'name = "a"\n{reset}\n{LOG}', f'name = "b"\n{reset}\n{LOG}'), "cameras.toml")
    assert [alarm.name for alarm in parsed.cameras[0].alarms] == ["a", "b"]


@pytest.mark.parametrize(
    ("tables", "says"),
    [
        ([f"n = 3\nof = 2\n{LOG}"], "n = 3 can never be reached among of = 2 results"),
        ([f'on = "OK"\n{LOG}'], "'NOT_OK' or 'NOT_DECIDABLE'"),
        ([f"on = []\n{LOG}"], "at least 1 item"),
        ([LOG, LOG], "two alarms of the camera have the same name: give each a name of its own"),
        (['action = { kind = "bell" }'], "'kind' must be one of"),
        (['action = { kind = "shell", command = "play horn.wav" }'], "command"),
        (['action = { kind = "shell", command = [""] }'], "command must be a list whose first word is a program"),
        (['action = { kind = "http", url = "ftp://host/x" }'], "write a URL that begins with http:// or https://"),
        (['action = { kind = "mqtt", host = "b", topic = "a/#" }'], "without the wildcards"),
        (['action = { kind = "mqtt", host = "b", topic = "a", password_file = "p" }'], "needs a username"),
        (['action = { kind = "gpio", pin = 28 }'], "less than or equal to 27"),
        (
            ['action = { kind = "gpio", pin = 17, pulse_s = 0.1, energised = "alarm" }'],
            'pulse_s needs energised = "good"',
        ),
        (
            ['name = "a"\naction = { kind = "gpio", pin = 17 }', 'name = "b"\naction = { kind = "gpio", pin = 17 }'],
            "alarms of the camera use the GPIO pin 17 twice",
        ),
        (
            ['reset = { kind = "button", pin = 17 }\naction = { kind = "gpio", pin = 17 }'],
            "alarms of the camera use the GPIO pin 17 twice",
        ),
    ],
)
def test_a_wrong_table_is_a_sentence(tables: list[str], says: str) -> None:
    """It names the camera and what to write."""
    with pytest.raises(InvalidParameter, match=re.escape(says)) as refusal:
        parse(alarms(*tables), "cameras.toml")
    assert "camera cam1, alarm" in refusal.value.message


def test_two_cameras_do_not_share_a_pin_or_a_port() -> None:
    """Each output and each trigger belongs to one camera."""
    first = alarms('action = { kind = "gpio", pin = 17 }')
    second = first.replace("cam1", "cam2").replace('"usb"', '"usb", device = 1')
    with pytest.raises(InvalidParameter, match="two cameras use the GPIO pin 17"):
        parse(first + second, "cameras.toml")
    first = CAMERA + 'trigger = { kind = "tcp", port = 9500 }\n'
    second = first.replace("cam1", "cam2").replace('"usb"', '"usb", device = 1')
    with pytest.raises(InvalidParameter, match="two cameras use the port 9500"):
        parse(first + second, "cameras.toml")


def test_no_error_shows_a_password() -> None:
    """What was written into a URL stands in no sentence and no repr."""
    table = 'action = { kind = "http", url = "http://user:s3cret@host/?token=s3cret", tries = 0 }'
    with pytest.raises(InvalidParameter) as refusal:
        parse(alarms(table), "cameras.toml")
    assert "s3cret" not in refusal.value.message
    assert "s3cret" not in repr(parse(alarms(table.replace("tries = 0", "tries = 1")), "cameras.toml"))


@pytest.mark.parametrize(
    ("table", "port"), [({}, 1883), ({"tls": True}, 8883), ({"ca_file": "ca.pem"}, 8883), ({"port": 2000}, 2000)]
)
def test_the_port_of_a_broker_follows_from_tls(table: dict[str, Any], port: int) -> None:
    """Nobody has to know the ports of MQTT."""
    trigger = network_triggers.MqttTrigger.model_validate({"kind": "mqtt", "host": "b", "topic": "t", **table})
    assert trigger.effective_port == port


def test_a_result_is_read_from_its_record() -> None:
    """What the gateway sends, or the agent made, is what alarms are told."""
    inspection = pb.Inspection(
        inspection_id="i-1",
        evaluation=types_pb2.EVALUATION_NOT_OK,
        reason="SCORE_ABOVE_THRESHOLD",
        identity=pb.Identity(part="SN-1"),
    )
    assert Judged.of(inspection, 7, 0.2) == Judged("NOT_OK", 0.2, 7, "i-1", "SN-1", "SCORE_ABOVE_THRESHOLD")
