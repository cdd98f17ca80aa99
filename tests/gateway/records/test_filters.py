from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from flawgate_gateway.records.filters import InspectionFilter, PageRequest

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "said",
    [
        "2026-11-20T12:00:00Z",
        "2026-11-20t12:00:00z",
        "2026-11-20T13:00:00+01:00",
        "2026-11-20T12:00:00.000Z",
        "2026-11-20T12:00:00.000000999Z",
        NOON,
    ],
)
def test_a_time_may_be_written_in_any_zone(said: Any) -> None:
    """RFC 3339; finer than microseconds is cut off."""
    assert InspectionFilter(decided_from=said).decided_from == NOON


@pytest.mark.parametrize(
    "said",
    [
        "2026-11-20T12:00:00",
        "2026-11-20",
        "1795176000",
        "2026-11-20T13:00:00 01:00",
        "2026-11-20T12:00Z",
        "2026-13-20T12:00:00Z",
        "2026-11-20T12:00:00Z'; DROP TABLE inspections;--",
        "٢٠٢٦-11-20T12:00:00Z",
        "today",
        "",
    ],
)
def test_a_time_that_could_be_misread_is_refused(said: str) -> None:
    """No zone, no time of day, a bare number, or nonsense."""
    with pytest.raises(ValidationError) as raised:
        InspectionFilter.model_validate({"decided_from": said})
    assert [fault["loc"] for fault in raised.value.errors()] == [("decided_from",)]


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("part", ""),
        ("part", "x" * 129),
        ("lot", "a\x00b"),
        ("station", "S4\r\nset-cookie: x"),
        ("plant", "\ud800"),
        ("recipe", "spot' OR '1'='1"),
        ("recipe", "Spot"),
        ("recipe_version", "x" * 65),
        ("evaluation", ("GOOD",)),
        ("evaluation", ("OK",) * 4),
        ("reason", "score above threshold"),
        ("max_margin", "-0.05"),
        ("max_margin", "nan"),
        ("max_margin", "inf"),
        ("min_score", "1.5"),
        ("max_score", "much"),
        ("reviewed", "perhaps"),
        ("frame_sha256", "abc"),
        ("frame_sha256", "A" * 64),
        ("color", "red"),
    ],
)
def test_what_is_no_value_of_a_field_is_refused(field: str, said: Any) -> None:
    """With the field's name."""
    with pytest.raises(ValidationError) as raised:
        InspectionFilter.model_validate({field: said})
    assert {field} == {fault["loc"][0] for fault in raised.value.errors()}


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"decided_from": "2026-11-20T12:00:00Z", "decided_to": "2026-11-20T12:00:00+01:00"}, "decided_to"),
        ({"min_score": 0.5, "max_score": 0.4}, "max_score"),
    ],
)
def test_a_range_that_ends_before_it_begins_is_refused(said: dict[str, Any], field: str) -> None:
    """It would find nothing, and nobody would know why."""
    with pytest.raises(ValidationError) as raised:
        InspectionFilter.model_validate(said)
    assert [(field,)] == [fault["loc"] for fault in raised.value.errors()]


@pytest.mark.parametrize(
    "said",
    [{"page_size": 0}, {"page_size": 1001}, {"page_size": 1.5}, {"order": "random"}, {"page_token": "x" * 513}],
)
def test_a_page_has_bounds(said: dict[str, Any]) -> None:
    """1 to 1000 inspections, in one of two orders."""
    with pytest.raises(ValidationError):
        PageRequest.model_validate(said)
