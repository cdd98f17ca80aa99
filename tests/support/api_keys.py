"""API keys for tests."""

import asyncio
import string
from datetime import datetime

from flawgate_gateway.access.caller import Scope
from flawgate_gateway.access.keys import ApiKey, KeyBook, KeyOrder
from flawgate_gateway.access.tokens import KeyText
from flawgate_gateway.database.connections import connect
from flawgate_gateway.database.migrating import upgrade


def order(
    *scopes: Scope, name: str = "test", expires_at: datetime | None = None, requests_per_s: float | None = None
) -> KeyOrder:
    """A key with those scopes; `read` where none are given."""
    return KeyOrder(name, frozenset(scopes or {Scope.READ}), expires_at, requests_per_s)


def bearer(text: KeyText) -> str:
    """The header `Authorization` of a key's holder."""
    return f"Bearer {text.reveal()}"


def altered(text: KeyText) -> str:
    """The header of somebody who knows all of a key but its last character."""
    last = text.reveal()[-1]
    # The last character carries four bits only in base64, but the secret is its text, not its bytes.
    other = next(character for character in string.ascii_letters if character != last)
    return bearer(text)[:-1] + other


class KeyMaker:
    """Makes keys in the database of a running gateway, from outside."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.secrets: list[str] = []
        """Of all keys that were made."""

    def make(self, *scopes: Scope, **options: object) -> tuple[ApiKey, KeyText]:
        """Make a key."""
        made = asyncio.run(self._with_keys(order(*scopes, **options)))  # type: ignore[arg-type]  # options by name
        self.secrets.append(made[1].secret.value)
        return made

    def headers(self, *scopes: Scope, **options: object) -> dict[str, str]:
        """Make a key; gives the headers of its holder."""
        return {"authorization": bearer(self.make(*scopes, **options)[1])}

    async def _with_keys(self, wanted: KeyOrder) -> tuple[ApiKey, KeyText]:
        database = connect(self.url)
        try:
            await upgrade(database)
            await upgrade(database)  # where they stand, it only takes note of the tables
            return await KeyBook(database).create(wanted)
        finally:
            await database.close()
