import base64

import pytest

from flawgate_contracts.errors import InvalidParameter
from flawgate_gateway.records.cursors import Position, from_token, to_token
from flawgate_gateway.records.filters import InspectionFilter, Order
from flawgate_gateway.rest.queries import ListQuery

PLACE = Position(1_795_176_000_123_456, "01939c1e-7b1a-7c43-9d5e-3f1c2a9b8e10")
WANTED = InspectionFilter(part="SN-1", max_margin=0.05)


@pytest.mark.parametrize("place", [PLACE, Position(-1, PLACE.id), Position(2**63 - 1, PLACE.id)])
def test_a_token_leads_back_to_its_place(place: Position) -> None:
    """Short, and of characters that a URL takes as they are."""
    token = to_token(place, WANTED, "newest")
    assert (len(token), token.replace("-", "").replace("_", "").isalnum()) == (50, True)
    assert place == from_token(token, WANTED, "newest")


def test_a_token_is_bound_to_the_filter_and_not_to_the_page() -> None:
    """The next page may be a larger one, whichever door it is asked at."""
    asked = ListQuery(part="SN-1", max_margin=0.05, page_size=7, page_token="x")  # noqa: S106  # no secret
    assert from_token(to_token(PLACE, WANTED, "newest"), asked, "newest") == PLACE


@pytest.mark.parametrize(
    ("wanted", "order"),
    [
        (WANTED, "oldest"),
        (InspectionFilter(part="SN-1"), "newest"),
        (InspectionFilter(lot="SN-1", max_margin=0.05), "newest"),
        (InspectionFilter(part="SN-1", max_margin=0.050001), "newest"),
        (InspectionFilter(part="SN-1", max_margin=0.05, evaluation=("OK",)), "newest"),
    ],
)
def test_a_token_of_another_query_is_refused(wanted: InspectionFilter, order: Order) -> None:
    """It would skip records that this query has not shown."""
    with pytest.raises(InvalidParameter) as raised:
        from_token(to_token(PLACE, WANTED, "newest"), wanted, order)
    assert raised.value.metadata == {"field": "page_token"}


@pytest.mark.parametrize(
    "token",
    [
        "",
        "2",
        "None",
        "page 2",
        "'; DROP TABLE inspections;--",
        "%00",
        "零件",
        "\ud800",
        "=" * 50,
        "A" * 50,
        "-" * 512,
        base64.urlsafe_b64encode(b"\x02" + bytes(36)).decode(),
    ],
)
def test_nonsense_is_refused(token: str) -> None:
    """Whatever it is, with the same sentence."""
    with pytest.raises(InvalidParameter, match="page token"):
        from_token(token, WANTED, "newest")


@pytest.mark.parametrize("byte", range(37))
def test_a_token_with_one_changed_bit_is_refused(byte: int) -> None:
    """A place that somebody made up, or that was mangled on its way."""
    raw = bytearray(base64.urlsafe_b64decode(to_token(PLACE, WANTED, "newest") + "=="))
    raw[byte] ^= 1
    with pytest.raises(InvalidParameter):
        from_token(base64.urlsafe_b64encode(bytes(raw)).decode().rstrip("="), WANTED, "newest")
