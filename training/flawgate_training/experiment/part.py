"""What every part of an experiment's description is."""

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """Frozen, and an unknown key is an error rather than a setting without effect."""

    model_config = ConfigDict(frozen=True, extra="forbid")
