from pathlib import Path

import pytest

from flawgate_contracts.errors import InvalidParameter
from flawgate_gateway.outbox.drafts import COMPLETED, EVENT_TYPES, REVIEWED
from flawgate_gateway.outbox.sinks import MqttSink, WebhookSink, load_sinks

WEBHOOK = '[[sinks]]\nname = "mes"\nkind = "webhook"\nurl = "https://mes.plant/events"\nsecret_files = ["/run/mes"]\n'
MQTT = '[[sinks]]\nname = "uns"\nkind = "mqtt"\nhost = "broker.plant"\n'


def written(folder: Path, content: str) -> Path:
    """A file of sinks."""
    path = folder / "sinks.toml"
    path.write_text(content)
    return path


def test_a_file_names_sinks(tmp_path: Path) -> None:
    """Of both kinds, each with the types that it gets."""
    sinks = load_sinks(written(tmp_path, f'{WEBHOOK}types = ["{COMPLETED}"]\n{MQTT}'))
    webhook, mqtt = sinks.sinks
    assert isinstance(webhook, WebhookSink)
    assert isinstance(mqtt, MqttSink)
    assert (mqtt.effective_port, mqtt.effective_client_id, mqtt.types) == (8883, "flawgate-uns", EVENT_TYPES)
    assert (sinks.takers(COMPLETED), sinks.takers(REVIEWED)) == (("mes", "uns"), ("uns",))


def test_no_file_is_no_sink() -> None:
    """Nobody gets events unless somebody says so."""
    assert load_sinks(None).takers(COMPLETED) == ()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[[sinks]", "is no TOML"),
        ("sink = 1", "sink: Extra inputs"),
        ('[[sinks]]\nname = "a"\n', r"sinks\[0\].*kind"),
        (WEBHOOK.replace('"mes"', '"Mes 1"'), r"sinks\[0\]\.name"),
        (WEBHOOK + WEBHOOK, "two sinks have the name 'mes'"),
        (WEBHOOK.replace("https", "http"), r"sinks\[0\]: the url must be https://, unless"),
        (WEBHOOK.replace("https://", "ftp://"), "the url must be https://host/path"),
        (WEBHOOK.replace("mes.plant", "u:p@mes.plant"), "no user, no password"),
        (WEBHOOK.replace("mes.plant", "mes.plant:x"), r"sinks\[0\]"),
        (WEBHOOK + "colour = 1\n", r"sinks\[0\]\.colour: Extra inputs"),
        (WEBHOOK + 'types = ["org.flawgate.inspection"]\n', "there is no event type 'org.flawgate.inspection'"),
        (WEBHOOK + "timeout_s = 0\n", r"sinks\[0\]\.timeout_s"),
        (WEBHOOK + 'client_cert_file = "/c"\n', "go together"),
        (MQTT + "tls = false\n", "tls must be true"),
        (MQTT + 'password_file = "/p"\n', "needs a username"),
        (MQTT + 'topic_prefix = "v1/#"\n', r"sinks\[0\]\.topic_prefix"),
    ],
)
def test_a_wrong_file_is_one_sentence(tmp_path: Path, content: str, said: str) -> None:
    """It names the file, the place and what is wrong."""
    path = written(tmp_path, content)
    with pytest.raises(InvalidParameter, match=said) as caught:
        load_sinks(path)
    assert str(path) in caught.value.message
    assert "\n" not in caught.value.message.removesuffix(".") or "TOML" in said


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    """It does not mean that there are no sinks."""
    with pytest.raises(InvalidParameter, match="cannot be read: No such file"):
        load_sinks(tmp_path / "none.toml")


def test_plain_connections_stay_on_this_machine(tmp_path: Path) -> None:
    """Unless somebody says that others may listen."""
    loopback = WEBHOOK.replace("https://mes.plant", "http://127.0.0.1:9000")
    allowed = MQTT + "tls = false\nallow_plain = true\n"
    webhook, mqtt = load_sinks(written(tmp_path, loopback + allowed)).sinks
    assert isinstance(mqtt, MqttSink)
    assert (webhook.name, mqtt.effective_port) == ("mes", 1883)
