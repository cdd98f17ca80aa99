from collections.abc import MutableMapping
from typing import Any

import pytest
from pydantic import ValidationError

from flawgate_gateway.access.caller import ANYONE, Scope
from flawgate_gateway.access.gate import OpenGate
from flawgate_gateway.settings import GatewaySettings

OFF = "off-for-development"


def test_keys_are_asked_for_unless_told_otherwise() -> None:
    """Nobody forgets to switch it on."""
    assert GatewaySettings().access == "keys"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_access_may_be_off_on_loopback(host: str) -> None:
    """Nobody else reaches it there."""
    assert GatewaySettings(access=OFF, host=host).access == OFF


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.1.2.3", "gateway.plant", ""])  # noqa: S104  # nothing is bound
def test_access_off_beyond_loopback_needs_a_second_word(host: str) -> None:
    """One setting alone does not open a factory; with keys any address is fine."""
    with pytest.raises(ValidationError, match="GATEWAY_ACCESS_OFF_BEYOND_LOOPBACK=true"):
        GatewaySettings(access=OFF, host=host)
    assert GatewaySettings(access=OFF, host=host, access_off_beyond_loopback=True).access == OFF
    assert GatewaySettings(host=host).access == "keys"


@pytest.mark.parametrize("access", ["off", "none", "", "KEYS", "false"])
def test_access_is_not_off_by_a_wrong_word(access: str) -> None:
    """What is neither of the two is refused, not guessed."""
    with pytest.raises(ValidationError):
        GatewaySettings.model_validate({"access": access})


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"tls_certificate_file": "a.crt"}, "go together"),
        ({"tls_key_file": "a.key"}, "go together"),
        ({"tls_client_ca_file": "root.pem"}, "without GATEWAY_TLS_CERTIFICATE_FILE"),
    ],
)
def test_half_a_tls_is_refused(files: dict[str, str], sentence: str) -> None:
    """Better no start than a door that is open by mistake."""
    with pytest.raises(ValidationError, match=sentence):
        GatewaySettings.model_validate(files)


async def test_an_open_gate_says_so(logs: list[MutableMapping[str, Any]]) -> None:
    """A warning at the start; then everybody may do everything."""
    gate = OpenGate()
    warnings = [line for line in logs if line["log_level"] == "warning"]
    assert [line["event"].split(":")[0] for line in warnings] == ["access is off"]
    admitted = await gate.admit(["nonsense", "twice"])
    assert (admitted.caller, admitted.quota) == (ANYONE, None)
    for scope in Scope:
        gate.permit(admitted.caller, scope)
