"""Where the gateway's things are, by the environment and what the command names."""

from pydantic import ValidationError

from flawgate_contracts.checkup.findings import Place
from flawgate_contracts.checkup.variables import settings_from
from flawgate_gateway.settings import GatewaySettings

WRONG = "The gateway's settings are wrong (see settings, gateway), so nobody knows where to look."


def settings_of(place: Place) -> GatewaySettings | None:
    """The settings; None where they are wrong, which a check of its own tells."""
    # A folder that is named counts more than a URL in the environment, as with `flawgate keys`.
    named = {"data_dir": place.data_dir, "database_url": None, "database_url_file": None} if place.data_dir else {}
    try:
        return settings_from(GatewaySettings, place.environment("gateway"), **named)
    except ValidationError:
        return None
