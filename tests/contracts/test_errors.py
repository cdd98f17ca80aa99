from collections.abc import Mapping
from typing import Any

import grpc
import pytest
from google.rpc.error_details_pb2 import RetryInfo
from grpc.aio import AioRpcError, Metadata

from flawgate_contracts.errors import FlawgateError, RateLimited, error_classes
from flawgate_contracts.grpc_errors import GRPC_CODES, STATUS_DETAILS_KEY, from_rpc_error, to_status
from flawgate_contracts.http_errors import HTTP_PROBLEMS

CLASSES = list(error_classes())


@pytest.mark.parametrize("table", [GRPC_CODES, HTTP_PROBLEMS], ids=["grpc", "http"])
def test_every_door_has_a_row_for_every_error(table: Mapping[type[FlawgateError], Any]) -> None:
    """A new error class cannot be forgotten in the table of a door."""
    assert set(CLASSES) == set(table)


def test_reasons_are_unique_and_upper_snake() -> None:
    """A reason names one class, since programs branch on it."""
    reasons = [cls.reason for cls in CLASSES if cls is not FlawgateError]
    assert sorted(set(reasons)) == sorted(reasons)
    assert all(reason == reason.upper().replace("-", "_") for reason in reasons)


@pytest.mark.parametrize("cls", [cls for cls in CLASSES if cls is not FlawgateError])
def test_an_error_comes_back_from_the_wire_as_itself(cls: type[FlawgateError]) -> None:
    """Class, message and metadata survive the way through a gRPC status."""
    sent = cls("Something is wrong; do this.", {"limit": "7"})
    received = from_rpc_error(_as_received(sent), service="other")
    assert (cls, sent.message, sent.metadata) == (type(received), received.message, received.metadata)


@pytest.mark.parametrize("cls", CLASSES)
def test_only_retryable_errors_carry_retry_info(cls: type[FlawgateError]) -> None:
    """`RetryInfo` is on the wire exactly where a retry may help."""
    details = to_status(cls("x")).details
    assert cls.retryable == any(detail.Is(RetryInfo.DESCRIPTOR) for detail in details)


@pytest.mark.parametrize(("metadata", "seconds"), [({}, 1.0), ({"retry_after_s": "0.25"}, 0.25)])
def test_when_to_come_again_is_what_the_error_says(metadata: dict[str, str], seconds: float) -> None:
    """A second where it says nothing."""
    info = RetryInfo()
    assert any(detail.Unpack(info) for detail in to_status(RateLimited("x", metadata)).details)
    assert info.retry_delay.ToTimedelta().total_seconds() == seconds


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (grpc.StatusCode.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE"),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED"),
        (grpc.StatusCode.CANCELLED, "REQUEST_CANCELLED"),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED"),
        (grpc.StatusCode.UNKNOWN, "INTERNAL_ERROR"),
    ],
)
def test_a_status_without_our_details_stands_for_a_class(code: grpc.StatusCode, reason: str) -> None:
    """What the network or grpc itself says becomes an error of the tree, with the service's name in it."""
    error = from_rpc_error(AioRpcError(code, Metadata(), Metadata(), details="socket closed"), service="decision")
    assert reason == error.reason
    assert error.metadata == {"service": "decision"}
    assert "socket closed" not in error.message


def _as_received(error: FlawgateError) -> AioRpcError:
    trailers = Metadata((STATUS_DETAILS_KEY, to_status(error).SerializeToString()))
    return AioRpcError(GRPC_CODES[type(error)], Metadata(), trailers, details=error.message)
