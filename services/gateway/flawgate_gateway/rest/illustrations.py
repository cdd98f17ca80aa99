"""What is sent and answered, one example of each operation, by its id. Tests hold each against its schema."""

from collections.abc import Mapping
from typing import Any

from flawgate_contracts.errors import UnknownRecipe
from flawgate_gateway.rest.openapi import EXAMPLE_INSPECTION
from flawgate_gateway.rest.problem_types import problem_type

INSPECTION_ID: str = EXAMPLE_INSPECTION["inspection_id"]
POLICY = {
    "version": "p3",
    "threshold": 0.92,
    "guard_band": 0.04,
    "mask_threshold": 0.5,
    "min_defect_area_px": 1,
    "areas": {},
}
POLICY_VERSION = {
    "recipe": "commutator",
    "version": "p3",
    "state": "active",
    "policy": POLICY,
    "author": "Process engineering",
    "reason": "Fewer false alarms.",
    "created_at": "2026-11-20T09:12:44.310Z",
}
REASON = {"reason": "Too many false alarms on lot 2026-47."}
REVIEW = {
    "review_id": "01939c3a-5c2f-7e6a-a1b2-c3d4e5f60718",
    "inspection_id": INSPECTION_ID,
    "evaluation": "OK",
    "reviewer": "Ana Novak",
    "comment": "A reflection of the lamp, no crack.",
    "reviewed_at": "2026-11-20T10:31:50.006Z",
}
HOLD = {
    "hold_id": "01939c20-11d2-7b0a-8f6e-5a4b3c2d1e0f",
    "inspection_id": None,
    "part": None,
    "lot": "2026-47",
    "author": "Quality",
    "reason": "Complaint 8D-2026-113.",
    "created_at": "2026-11-20T12:00:00.000Z",
    "released_at": None,
    "released_by": None,
}
KEY = {
    "id": "k3v9x0q2m7ap",
    "name": "MES of line 2",
    "scopes": ["inspect", "read"],
    "requests_per_s": 50.0,
    "created_at": "2026-11-20T06:00:00.000Z",
    "expires_at": None,
    "revoked_at": None,
}
RECIPE = {
    "name": "commutator",
    "state": "READY",
    "detail": "",
    "golden": {
        "checked_at": "2026-11-20T10:14:31.502Z",
        "passed": 5,
        "failed": 0,
        "missing": 0,
        "largest_difference": 0.000002,
    },
    "version": "2",
    "title": "Electrical commutators",
    "kind": "cascade",
    "input": {"channels": 1, "height": 1408, "width": 512},
    "classes": ["defect"],
    "policy": {**POLICY, "version": "1"},
    "quality": None,
    "models": EXAMPLE_INSPECTION["models"],
    "provenance": None,
}
GAP = {
    "gap_id": "01939c1e-9c11-7d00-8000-000000000007",
    "stream_id": "6a0c2a8e-3b0f-4f4e-9a57-7d1f6f3c2b10",
    "plant": "Novo mesto",
    "line": "L2",
    "station": "S4",
    "camera": "top",
    "first": 1_041,
    "last": 1_043,
    "frames": 3,
    "cause": "SUPERSEDED",
    "since": "2026-11-20T10:15:02.050Z",
    "until": "2026-11-20T10:15:02.450Z",
    "detail": None,
    "received_at": "2026-11-20T10:15:02.602Z",
}
STREAM = {
    **{name: GAP[name] for name in ("stream_id", "plant", "line", "station", "camera")},
    "recipe": "commutator",
    "delivery": "latest",
    "opened_at": "2026-11-20T06:00:01.310Z",
    "seen_at": "2026-11-20T10:15:02.602Z",
    "frames": 1_043,
}
INSPECTIONS = {"inspections": [EXAMPLE_INSPECTION], "next_page_token": None}

SENT: Mapping[str, Any] = {
    "place_hold": {"lot": "2026-47", "reason": "Complaint 8D-2026-113."},
    "activate": {"reason": "Tried on last week's records: 3 false alarms fewer.", "expected_active": "p2"},
    "retire": REASON,
    "rollback": REASON,
    "review": {"evaluation": "OK", "reviewer": "Ana Novak", "comment": "A reflection of the lamp, no crack."},
}
"""Bodies of requests, where the route itself shows none."""

ANSWERED: Mapping[str, Any] = {
    "get_inspection": EXAMPLE_INSPECTION,
    "list_holds": {"holds": [HOLD], "next_page_token": None},
    "place_hold": HOLD,
    "get_hold": HOLD,
    "release_hold": {**HOLD, "released_at": "2027-01-15T08:00:00.000Z", "released_by": "Quality"},
    "list_recipes": {"recipes": [RECIPE]},
    "get_recipe": RECIPE,
    "list_versions": {"policies": [POLICY_VERSION], "next_page_token": None},
    "draft": {**POLICY_VERSION, "state": "draft"},
    "activate": POLICY_VERSION,
    "retire": {**POLICY_VERSION, "state": "retired"},
    "rollback": {"recipe": "commutator", "version": "own", "policy": {**POLICY, "version": "1"}},
    "get_version": {
        **POLICY_VERSION,
        "changes": [
            {
                "action": "drafted",
                "author": "Process engineering",
                "reason": "Fewer false alarms.",
                "changed_at": "2026-11-20T09:12:44.310Z",
            }
        ],
    },
    "simulate": {
        "recipe": "commutator",
        "policy": POLICY,
        "records": 4_120,
        "truncated": False,
        "not_simulated": {"NO_SCORE": 2},
        "outcomes": [
            {"decided": "OK", "proposed": "OK", "reviewed": None, "count": 4_087},
            {"decided": "NOT_OK", "proposed": "NOT_OK", "reviewed": "NOT_OK", "count": 28},
            {"decided": "NOT_OK", "proposed": "OK", "reviewed": "OK", "count": 3},
        ],
        "rejected_share": {"decided": 0.007528, "proposed": 0.0068},
        "undecided_share": {"decided": 0.0, "proposed": 0.0},
        "reviewed": 31,
        "missed": {"decided": 0, "proposed": 0, "examples": []},
        "false_alarms": {"decided": 3, "proposed": 0, "examples": []},
    },
    "list_reviews": {"reviews": [REVIEW]},
    "review": REVIEW,
    "queue": INSPECTIONS,
    "list_sinks": {
        "sinks": [
            {
                "name": "mes",
                "kind": "webhook",
                "types": ["org.flawgate.inspection.completed.v1"],
                "pending": 0,
                "oldest_age_s": 0.0,
                "dead": 1,
                "last_error": "HTTP 400",
            }
        ]
    },
    "list_dead_letters": {
        "dead_letters": [
            {
                "event_id": "01939c1e-7b1b-7f00-8000-000000000001",
                "type": "org.flawgate.inspection.completed.v1",
                "source": "/plants/Novo%20mesto/lines/L2/stations/S4",
                "sequence": 1_041,
                "inspection_id": INSPECTION_ID,
                "attempts": 1,
                "last_error": "HTTP 400",
                "created_at": "2026-11-20T10:15:02.231Z",
                "dead_at": "2026-11-20T10:15:02.544Z",
            }
        ],
        "next_page_token": None,
    },
    "replay": {"sink": "mes", "events": 1},
    "list_schemas": ["/schemas/inspection.completed.v1.json"],
    "get_schema": {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object"},
    "list_keys": {"keys": [KEY], "next_page_token": None},
    "create_key": {**KEY, "key": "fg_k3v9x0q2m7ap_(shown once)"},
    "revoke_key": {**KEY, "revoked_at": "2026-11-20T18:00:00.000Z"},
    "find_streams": {"streams": [STREAM], "next_page_token": None},
    "get_stream": {**STREAM, "inspections": 1_040, "dropped": {"SUPERSEDED": 3}, "missing": []},
    "find_gaps": {"gaps": [GAP], "next_page_token": None},
    "list_problems": [problem_type(UnknownRecipe).model_dump(exclude_none=True)],
    "get_problem": problem_type(UnknownRecipe).model_dump(exclude_none=True),
    "livez": {"live": True},
    "readyz": {
        "ready": True,
        "stopping": False,
        "services": {"preprocessing": True, "decision": True, "records": True},
    },
}
"""Bodies of answers, where the route itself shows none."""
