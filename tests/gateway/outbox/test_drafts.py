import json
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

import jsonschema_rs
import pytest
from support.outbox import an_inspection

from flawgate_contracts.context import bound, new_context
from flawgate_gateway.answer import ClassProbability, Defect, Gap
from flawgate_gateway.frames import Identity
from flawgate_gateway.outbox.drafts import (
    COMPLETED,
    ENVELOPE_BYTES,
    MAX_EVENT_BYTES,
    POLICY_ACTIVATED,
    REVIEWED,
    SCHEMAS,
    STREAM_GAP,
    EventDraft,
    completed,
    gap_recorded,
    policy_activated,
    reviewed,
    size_of,
)
from flawgate_gateway.outbox.payloads import MAX_TEXT_CHARACTERS
from flawgate_gateway.outbox.schemas import made_schemas, schema_files
from flawgate_gateway.outbox.sources import MAX_STREAM_CHARACTERS, station_source, stream_of
from flawgate_gateway.rest.illustrations import ANSWERED

AT = datetime(2026, 11, 20, 10, 15, 2, 231_000, UTC)


class Review(NamedTuple):
    """A review as an event needs it."""

    id: str = "0193a000-0000-7000-8000-000000000001"
    evaluation: str = "OK"
    reviewer: str = "Ana"
    comment: str | None = "dust, no scratch"
    reviewed_at: datetime = AT


def defect(number: int) -> Defect:
    """One of many."""
    box = {"x": number, "y": 10, "width": 31, "height": 12}
    told = {"box": box, "area_px": 204, "area_mm2": 0.51, "peak": 0.998, "class": "a long name of a class of defects"}
    return Defect.model_validate(told)


def policy_draft() -> EventDraft:
    """Of version 3."""
    return policy_activated("commutator", "p3", "Ana", "fewer false alarms", AT)


def drafts() -> list[EventDraft]:
    """One of each type."""
    gap = gap_recorded(Gap.model_validate(ANSWERED["find_gaps"]["gaps"][0]))
    return [completed(an_inspection()), reviewed(an_inspection(), Review()), policy_draft(), gap]


def test_a_draft_is_a_cloud_event() -> None:
    """All attributes of CloudEvents 1.0 that there are before its number, and the inspection as answered."""
    inspection = an_inspection()
    with bound(new_context({})) as context:
        draft = completed(inspection)
    document = dict(draft.document)
    data = document.pop("data")
    assert UUID(document.pop("id")).version == 7
    assert {
        "specversion": "1.0",
        "source": "/plants/Novo%20mesto/lines/L2/stations/S4",
        "type": "org.flawgate.inspection.completed.v1",
        "subject": "SN-123",
        "time": "2026-11-20T10:15:02.231Z",
        "datacontenttype": "application/json",
        "dataschema": "urn:flawgate:schemas:inspection.completed:v1",
        "traceparent": context.traceparent,
    } == document
    left_out = {"defects_left_out": 0, "probabilities_left_out": 0}
    assert {**inspection.model_dump(mode="json"), **left_out} == data


@pytest.mark.parametrize(
    ("named", "source"),
    [
        ({"plant": "P", "line": "L", "station": "S"}, "/plants/P/lines/L/stations/S"),
        ({"station": "S 4/a"}, "/stations/S%204%2Fa"),
        ({"plant": "Šoštanj", "station": "S"}, "/plants/%C5%A0o%C5%A1tanj/stations/S"),
        ({"plant": "P", "line": ".."}, "/plants/P/lines/.."),
        ({}, "/unplaced"),
    ],
)
def test_the_source_is_the_station(named: dict[str, str], source: str) -> None:
    """Percent-encoded; what the MES does not name is left out."""
    assert source == station_source(Identity(**named))


def test_the_source_of_a_policy_is_its_recipe() -> None:
    """Policies hold at every station."""
    assert (policy_draft().source, policy_draft().document["subject"]) == ("/recipes/commutator", "commutator")


def test_a_long_source_has_a_stream_of_its_own() -> None:
    """Longer than the column: its digest, another one for another source."""
    long, other = (station_source(Identity(plant="š" * 128, station=name)) for name in "ab")
    assert len(stream_of(long)) <= MAX_STREAM_CHARACTERS < len(long)
    assert stream_of(long) != stream_of(other)
    assert stream_of("/stations/a") == "/stations/a"


def test_an_inspection_without_a_part_has_no_subject() -> None:
    """CloudEvents knows no null attribute."""
    assert "subject" not in completed(an_inspection(part=None)).document


def test_an_event_stays_below_20_kb() -> None:
    """The surest defects go along, and the rest is counted; whatever the names in the plant are."""
    names = dict.fromkeys(("plant", "line", "station", "camera", "part", "lot", "work_order"), "š" * 128)
    probabilities = tuple(ClassProbability(class_name=f"c{n}", probability=0.5) for n in range(50))
    defects = tuple(defect(number) for number in range(400))
    draft = completed(an_inspection(**names, defects=defects, probabilities=probabilities))
    data = draft.document["data"]
    assert MAX_EVENT_BYTES - ENVELOPE_BYTES - 300 < size_of(draft.document) <= MAX_EVENT_BYTES - ENVELOPE_BYTES + 10
    assert 0 < len(data["defects"]) == 400 - data["defects_left_out"]
    assert [told["box"]["x"] for told in data["defects"][:3]] == [0, 1, 2]
    assert (len(data["probabilities"]), data["probabilities_left_out"]) == (50, 0)


def test_long_words_are_cut() -> None:
    """A comment of any length makes no long event."""
    data = reviewed(an_inspection(), Review(comment="x" * 100_000)).document["data"]
    assert data["comment"] == ("x" * (MAX_TEXT_CHARACTERS - 1) + "…")


@pytest.mark.parametrize("draft", drafts(), ids=lambda draft: draft.type)
def test_data_is_as_its_schema_says(draft: EventDraft) -> None:
    """The shipped schema, which has the name that the event gives, takes the data of the event."""
    name = f"{draft.type.removeprefix('org.flawgate.')}.json"
    schema: dict[str, Any] = parsed(schema_files()[name])
    assert draft.document["dataschema"] == schema["$id"]
    jsonschema_rs.meta.validate(schema)
    jsonschema_rs.Draft202012Validator(schema).validate(draft.document["data"])
    with pytest.raises(jsonschema_rs.ValidationError):
        jsonschema_rs.Draft202012Validator(schema).validate({})


def parsed(content: bytes) -> dict[str, Any]:
    """A schema."""
    schema: dict[str, Any] = json.loads(content)
    return schema


def test_the_shipped_schemas_are_those_of_the_models() -> None:
    """Run `python -m flawgate_gateway.outbox.schemas` where this fails, and look at what it changes."""
    assert made_schemas() == schema_files()
    assert {COMPLETED, REVIEWED, POLICY_ACTIVATED, STREAM_GAP} == set(SCHEMAS)
