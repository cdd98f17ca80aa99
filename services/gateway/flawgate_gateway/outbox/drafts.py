"""Events as they are drafted: CloudEvents 1.0, whole but for their place in the stream."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from uuid_utils import uuid7

from flawgate_contracts.context import current_context
from flawgate_gateway.answer import Gap, Inspection, rfc_3339
from flawgate_gateway.frames import Identity
from flawgate_gateway.outbox.payloads import PolicyActivatedData, Reviewed, ReviewedData, shortened
from flawgate_gateway.outbox.sources import recipe_source, station_source

COMPLETED = "org.flawgate.inspection.completed.v1"
REVIEWED = "org.flawgate.inspection.reviewed.v1"
POLICY_ACTIVATED = "org.flawgate.policy.activated.v1"
STREAM_GAP = "org.flawgate.stream.gap.v1"
EVENT_TYPES = (COMPLETED, REVIEWED, POLICY_ACTIVATED, STREAM_GAP)

SCHEMAS = {
    COMPLETED: "urn:flawgate:schemas:inspection.completed:v1",
    REVIEWED: "urn:flawgate:schemas:inspection.reviewed:v1",
    POLICY_ACTIVATED: "urn:flawgate:schemas:policy.activated:v1",
    STREAM_GAP: "urn:flawgate:schemas:stream.gap:v1",
}
"""Type → `dataschema`. A name, no place: the same event may be answered for by several gateways."""

MAX_EVENT_BYTES = 20_000
"""Longest event as JSON, in bytes (Standard Webhooks: below 20 kB)."""
ENVELOPE_BYTES = 200
"""What `writing.append` adds at most, in bytes."""


@dataclass(frozen=True, slots=True)
class EventDraft:
    """One event, before it has its number."""

    id: str
    """UUIDv7."""
    source: str
    type: str
    inspection_id: str | None
    """Of the inspection that it tells of; None of a policy or a gap."""
    document: Mapping[str, Any]
    """Attributes and data, without `sequence` and `recordedtime`."""


def completed(inspection: Inspection) -> EventDraft:
    """A frame was judged; the data is the inspection as answered.

    The surest defects and the first probabilities go along as far as the event stays below `MAX_EVENT_BYTES`;
    `defects_left_out` and `probabilities_left_out` count the others.
    """
    answered = inspection.model_dump(mode="json")
    data = {**answered, "defects": [], "probabilities": [], "defects_left_out": 0, "probabilities_left_out": 0}
    draft = _draft(
        COMPLETED,
        station_source(inspection),
        data,
        at=inspection.decided_at,
        subject=inspection.part,
        inspection_id=inspection.inspection_id,
    )
    left = MAX_EVENT_BYTES - ENVELOPE_BYTES - size_of(draft.document)
    for name in ("probabilities", "defects"):
        data[name] = _fitting(answered[name], left)
        data[f"{name}_left_out"] = len(answered[name]) - len(data[name])
        left -= size_of(data[name])
    return draft


def reviewed(inspection: Inspection, review: Reviewed) -> EventDraft:
    """A person judged a frame, too."""
    return _draft(
        REVIEWED,
        station_source(inspection),
        ReviewedData.of(inspection, review).model_dump(mode="json"),
        at=review.reviewed_at,
        subject=inspection.part,
        inspection_id=inspection.inspection_id,
    )


def policy_activated(recipe: str, version: str, author: str, reason: str, at: datetime) -> EventDraft:
    """Another version of a recipe's policy is in force.

    Args:
        recipe: its name.
        version: name of the policy's, `p3`; `own`: the one that the recipe brings along.
        author: who did it.
        reason: why.
        at: when; with a time zone.
    """
    data = PolicyActivatedData(
        recipe=recipe, policy_version=version, author=author, reason=shortened(reason), activated_at=at
    )
    return _draft(
        POLICY_ACTIVATED,
        recipe_source(recipe),
        data.model_dump(mode="json"),
        at=at,
        subject=recipe,
        inspection_id=None,
    )


def gap_recorded(gap: Gap) -> EventDraft:
    """Frames of a camera's stream were not inspected, and will not be."""
    place = Identity(plant=gap.plant, line=gap.line, station=gap.station)
    return _draft(
        STREAM_GAP,
        station_source(place),
        gap.model_dump(mode="json"),
        at=gap.received_at,
        subject=gap.camera,
        inspection_id=None,
    )


def encoded(document: Mapping[str, Any]) -> str:
    """JSON as it is stored and sent."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def size_of(part: Any) -> int:
    """Bytes of something as JSON."""
    return len(encoded(part).encode())


def _draft(
    event_type: str,
    source: str,
    data: Mapping[str, Any],
    *,
    at: datetime,
    subject: str | None,
    inspection_id: str | None,
) -> EventDraft:
    event_id = str(uuid7())
    document = {
        "specversion": "1.0",
        "id": event_id,
        "source": source,
        "type": event_type,
        **({} if subject is None else {"subject": subject}),
        "time": rfc_3339(at),
        "datacontenttype": "application/json",
        "dataschema": SCHEMAS[event_type],
        "traceparent": current_context().traceparent,
        "data": data,
    }
    return EventDraft(event_id, source, event_type, inspection_id, document)


def _fitting(parts: list[Any], budget: int) -> list[Any]:
    """The first of them that fit into so many bytes."""
    fitting = []
    for part in parts:
        budget -= size_of(part) + 1
        if budget < 0:
            break
        fitting.append(part)
    return fitting
