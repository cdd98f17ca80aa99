from typing import Any

import pytest
from pydantic import ValidationError

from flawgate_gateway.settings import GatewaySettings


def test_without_settings_there_is_neither() -> None:
    """A gateway is as it was before there were any."""
    settings = GatewaySettings()
    assert (settings.canary_decision, settings.canary_share, settings.shadow_decision) == (None, 0.0, None)


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"canary_share": 0.05}, "GATEWAY_CANARY_DECISION"),
        ({"canary_decision": "decision-canary:8083", "canary_share": 1.5}, "less than or equal to 1"),
        ({"canary_decision": ""}, "at least 1 character"),
        ({"shadow_decision": "decision-canary:8083", "shadow_share": -0.1}, "greater than or equal to 0"),
    ],
)
def test_a_share_of_nothing_and_a_share_that_is_none_are_refused(given: dict[str, Any], word: str) -> None:
    """At the start, instead of a canary that never judges."""
    with pytest.raises(ValidationError, match=word):
        GatewaySettings.model_validate(given)
