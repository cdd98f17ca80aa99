"""Versions of policies as they are told: to REST, to the history, to the event."""

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from flawgate_contracts.errors import UnknownPolicy
from flawgate_contracts.recipe import Policy
from flawgate_gateway.answer import UtcTime

OWN = "own"
"""Stands for the policy that a recipe brings along, where no version is active."""

State = Literal["draft", "active", "retired"]
Action = Literal["drafted", "activated", "replaced", "retired", "withdrawn", "restored"]
"""`activated` after a draft, and `replaced` of the one active before; `retired` by itself; by a rollback one is
`withdrawn` and another `restored`."""

_VERSION = re.compile(r"p([1-9][0-9]{0,8})", re.ASCII)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class PolicyVersion(_Part):
    """One version of a recipe's policy."""

    recipe: str
    version: str = Field(description="`p` and a number, e.g. `p3`: what an inspection names as `policy_version`.")
    state: State = Field(description="Of each recipe one version at most is active; without one its own policy holds.")
    policy: Policy
    author: str = Field(description="Who drafted it.")
    reason: str = Field(description="Why it was drafted.")
    created_at: UtcTime


class PolicyChange(_Part):
    """Something that was done to a version."""

    action: Action
    author: str
    reason: str
    changed_at: UtcTime


class PolicyHistory(PolicyVersion):
    """One version, with all that was done to it."""

    changes: tuple[PolicyChange, ...] = Field(description="The oldest first.")


class PolicyInForce(_Part):
    """What inspections of a recipe are judged by."""

    recipe: str
    version: str = Field(description="`p3`, or `own`: the policy that the recipe brings along.")
    policy: Policy


class Signature(_Part):
    """Who changes something, and why."""

    author: str
    reason: str


def named(version: int | None) -> str:
    """The name of a version; None is the recipe's own."""
    return OWN if version is None else f"p{version}"


def numbered(recipe: str, version: str) -> int:
    """The number in a version's name.

    Raises:
        UnknownPolicy: it is no such name.
    """
    found = _VERSION.fullmatch(version)
    if found is None:
        raise unknown(recipe, version)
    return int(found[1])


def unknown(recipe: str, version: str) -> UnknownPolicy:
    """What is said of a version that there is not."""
    return UnknownPolicy(
        f"Recipe {recipe[:64]} has no policy {version[:64]!r}; `GET /v1/policies?recipe={recipe[:64]}` lists them.",
        {"recipe": recipe[:64], "version": version[:64]},
    )
