"""Whose fault it is that a frame was not inspected: what an objective of availability counts, and what it does not."""

from http import HTTPStatus
from typing import Literal

from flawgate_contracts.errors import Overloaded, error_classes
from flawgate_contracts.http_errors import HTTP_PROBLEMS

Fault = Literal["client", "service"]


def fault_of(reason: str) -> Fault:
    """Whose fault an error is.

    Args:
        reason: of an error of the tree; any other is a fault of the service, which knows no such reason.

    Returns:
        "service" for whatever answers 5xx, and for `Overloaded`, since a caller within its own rate cannot know what
        others send; "client" for all else: bad pictures, unknown names, a key's own rate, a caller who went away.
    """
    return "client" if reason in _OF_THE_CLIENT else "service"


_OF_THE_CLIENT = frozenset(
    cls.reason
    for cls in error_classes()
    if cls is not Overloaded and HTTP_PROBLEMS[cls].status < HTTPStatus.INTERNAL_SERVER_ERROR
)
