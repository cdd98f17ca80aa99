"""The checks, by their names. Only `flawgate doctor` imports this."""

from collections.abc import Sequence

from flawgate_contracts.checkup.findings import Check, Place
from flawgate_contracts.checkup.tls import tls_check
from flawgate_contracts.checkup.variables import settings_check
from flawgate_gateway.checkup import files, records
from flawgate_gateway.settings import GatewaySettings


def checks(place: Place) -> Sequence[Check]:
    """What can be looked at of a gateway on this machine."""
    return (
        settings_check("gateway", GatewaySettings, place),
        Check("settings", "sinks file", lambda: files.look_at_sinks(place)),
        Check("database", "tables", lambda: records.look(place)),
        Check("disk", "gateway", lambda: files.look_at_disks(place)),
        tls_check("gateway", GatewaySettings, place),
    )
