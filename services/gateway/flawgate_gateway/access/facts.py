"""How an API key is shown: without its secret, but for the one time when it is made."""

from pydantic import BaseModel, Field

from flawgate_gateway.access.caller import Scope
from flawgate_gateway.access.keys import ApiKey
from flawgate_gateway.access.tokens import KeyText
from flawgate_gateway.answer import UtcTime


class KeyFacts(BaseModel):
    """A key, without its secret."""

    id: str = Field(description="Its public part; stands in logs.", examples=["k3v9x0q2m7ap"])
    name: str = Field(description="Who holds it, as an administrator named them.")
    scopes: list[Scope]
    requests_per_s: float | None = Field(description="Its own rate; null where the gateway's settings say it.")
    created_at: UtcTime
    expires_at: UtcTime | None
    revoked_at: UtcTime | None

    @classmethod
    def of(cls, key: ApiKey) -> "KeyFacts":
        """What may be shown of a key."""
        return cls(
            id=key.id,
            name=key.name,
            scopes=sorted(key.scopes),
            requests_per_s=key.requests_per_s,
            created_at=key.created_at,
            expires_at=key.expires_at,
            revoked_at=key.revoked_at,
        )


class MadeKey(KeyFacts):
    """A key that was just made."""

    key: str = Field(description="The whole key. It is shown this once, and stored nowhere: keep it safe.")

    @classmethod
    def with_text(cls, key: ApiKey, text: KeyText) -> "MadeKey":
        """What its owner is shown, once."""
        return cls(**dict(KeyFacts.of(key)), key=text.reveal())
