"""What may have become of a delivery."""

from typing import Literal, TypeAlias

State: TypeAlias = Literal["pending", "delivered", "dead"]

PENDING: State = "pending"
"""Not yet taken by the sink."""
DELIVERED: State = "delivered"
"""Taken, once at least."""
DEAD: State = "dead"
"""Given up: refused for good, or too often. A replay brings it back."""
