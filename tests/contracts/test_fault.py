import pytest

from flawgate_contracts.errors import FlawgateError, error_classes
from flawgate_contracts.fault import fault_of
from flawgate_contracts.http_errors import HTTP_PROBLEMS


@pytest.mark.parametrize(
    ("reason", "fault"),
    [
        ("INVALID_FRAME", "client"),
        ("UNKNOWN_RECIPE", "client"),
        ("RATE_LIMITED", "client"),
        ("REQUEST_CANCELLED", "client"),
        ("REQUEST_IN_PROGRESS", "client"),
        ("OVERLOADED", "service"),
        ("DEADLINE_EXCEEDED", "service"),
        ("RECIPE_UNAVAILABLE", "service"),
        ("DISK_FULL", "service"),
        ("MODEL_FAILURE", "service"),
        ("INTERNAL_ERROR", "service"),
        ("SOMETHING_NEW", "service"),
    ],
)
def test_whose_fault_a_failure_is(reason: str, fault: str) -> None:
    """What an availability objective counts against the service, and what against the caller."""
    assert fault_of(reason) == fault


@pytest.mark.parametrize("cls", list(error_classes()), ids=lambda cls: cls.__name__)
def test_every_5xx_is_a_fault_of_the_service(cls: type[FlawgateError]) -> None:
    """An error class that is added later has a fault by its row in the table of the HTTP door."""
    if HTTP_PROBLEMS[cls].status >= 500:
        assert fault_of(cls.reason) == "service"
    else:
        assert (fault_of(cls.reason) == "client") == (cls.reason != "OVERLOADED")
