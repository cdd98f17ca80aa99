import re
from pathlib import Path

from flawgate_gateway.settings import GatewaySettings

ROOT = Path(__file__).parents[2]
GATEWAY = ROOT / "services/gateway/README.md"


def test_every_setting_of_the_gateway_is_named_in_its_docs() -> None:
    """Whoever runs it finds each, with what it is for: as `NAME` in the gateway's page, or as `GATEWAY_NAME` in any."""
    named = set(re.findall(r"`([A-Z0-9_]+)`", GATEWAY.read_text("utf-8")))
    for page in (GATEWAY, *(ROOT / "docs").glob("*.md")):
        named |= set(re.findall(r"\bGATEWAY_([A-Z0-9_]+)", page.read_text("utf-8")))
    assert {name.upper() for name in GatewaySettings.model_fields} - named == set()
