"""What was in force of a recipe, and what before: read from its changes, which are never deleted."""

from collections.abc import Iterable
from typing import NamedTuple

from flawgate_gateway.policies.documents import Action


class Done(NamedTuple):
    """What was done, and to which version; None is the policy that the recipe brings along."""

    action: Action
    version: int | None


def in_force(changes: Iterable[Done]) -> list[int | None]:
    """What was in force, one after the other, as far as it was not taken back; the last is in force now.

    Args:
        changes: of one recipe, the oldest first.

    Returns:
        Numbers of versions, None for the recipe's own policy, with which every recipe begins.
    """
    stack: list[int | None] = [None]
    for action, version in changes:
        if action == "activated":
            stack.append(version)
        elif action == "retired" and version == stack[-1]:
            stack.append(None)
        elif action == "restored":
            stack.pop()
    return stack
