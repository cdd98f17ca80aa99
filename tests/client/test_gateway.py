"""The clients against a real gateway that asks for keys."""

from collections.abc import Iterator
from typing import Any

import pytest
from support.api_keys import KeyMaker
from support.both_clients import Ask
from support.gateway_cluster import running_gateway
from support.pictures import spot_png

from flawgate_client import Conflict, Denied, Frame, Inspection, InvalidRequest, NotFound
from flawgate_gateway.access.caller import Scope


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, Any]]]:
    """Its URL, and the options of a client that may inspect, read and review."""
    data_dir = tmp_path_factory.mktemp("data")
    with running_gateway(data_dir=data_dir, access="keys") as cluster:
        keys = KeyMaker(f"sqlite:///{data_dir}/records.db")
        text = keys.make(Scope.INSPECT, Scope.READ, Scope.REVIEW, name="MES")[1]
        yield cluster.url, {"api_key": text.reveal()}


def test_the_walk_of_a_part(ask: Ask, gateway: tuple[str, dict[str, Any]]) -> None:
    """Inspected, found again by its part, shown, reviewed."""
    url, client = gateway
    part = f"SN-{ask.__name__}"
    inspected: Inspection = ask(url, "inspect", spot_png(255), "spot", part=part, station="S4", client=client)
    assert (inspected.evaluation, inspected.part, inspected.replayed) == ("NOT_OK", part, False)
    assert ask(url, "get", inspected.inspection_id, client=client) == inspected
    assert ask(url, "list", part=part, client=client) == [inspected]
    assert ask(url, "picture", inspected, "frame", client=client) == spot_png(255)
    assert ask(url, "picture", inspected, "overlay", client=client).startswith(b"\x89PNG")
    review = ask(url, "review", inspected, "OK", comment="A reflection.", client=client)
    assert (review.inspection_id, review.evaluation, review.reviewer) == (inspected.inspection_id, "OK", "MES")
    assert ask(url, "list", part=part, reviewed=True, client=client) == [inspected]


def test_the_same_key_is_the_same_inspection(ask: Ask, gateway: tuple[str, dict[str, Any]]) -> None:
    """Sent again it is answered from the record; with another picture it is refused."""
    url, client = gateway
    key = f"{ask.__name__} 1"
    first = ask(url, "inspect", spot_png(0), "spot", idempotency_key=key, client=client)
    again = ask(url, "inspect", spot_png(0), "spot", idempotency_key=key, client=client)
    assert (again.inspection_id, first.replayed, again.replayed) == (first.inspection_id, False, True)
    with pytest.raises(Conflict, match="IDEMPOTENCY_KEY_REUSED"):
        ask(url, "inspect", spot_png(255), "spot", idempotency_key=key, client=client)


def test_a_batch_is_inspected(ask: Ask, gateway: tuple[str, dict[str, Any]]) -> None:
    """Each frame for itself."""
    url, client = gateway
    frames = [Frame(spot_png(255), part="a"), Frame(b"no picture"), Frame(spot_png(0), part="c")]
    bad, refused, good = ask(url, "batch", frames, "spot", client=client)
    assert (bad.evaluation, bad.part, good.evaluation, good.part) == ("NOT_OK", "a", "OK", "c")
    assert (refused.code, type(refused)) == ("INVALID_FRAME", InvalidRequest)


def test_a_wrong_filter_is_refused(ask: Ask, gateway: tuple[str, dict[str, Any]]) -> None:
    """It names the field."""
    url, client = gateway
    with pytest.raises(InvalidRequest) as told:
        ask(url, "list", max_margin=2.0, client=client)
    assert told.value.metadata == {"field": "max_margin"}


def test_what_is_not_there_is_not_found(ask: Ask, gateway: tuple[str, dict[str, Any]]) -> None:
    """An id that nobody gave."""
    url, client = gateway
    with pytest.raises(NotFound, match="UNKNOWN_INSPECTION"):
        ask(url, "get", "01939c1e-7b1a-7c43-9d5e-3f1c2a9b8e10", client=client)


def test_without_a_key_nothing_is_had(ask: Ask, gateway: tuple[str, dict[str, Any]]) -> None:
    """Nor is a picture looked at."""
    with pytest.raises(Denied, match="UNAUTHENTICATED"):
        ask(gateway[0], "inspect", spot_png(0), "spot")
