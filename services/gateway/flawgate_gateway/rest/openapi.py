"""What OpenAPI says beyond the code: the two ways of sending a picture, and examples."""

from collections.abc import Sequence
from typing import Any

from flawgate_contracts.errors import (
    BodyTooLarge,
    FlawgateError,
    InternalError,
    InvalidParameter,
    InvalidRequest,
    Overloaded,
    PermissionDenied,
    RateLimited,
    RecordsUnavailable,
    Unauthenticated,
    Unavailable,
    UnknownRecipe,
)
from flawgate_contracts.http_errors import HTTP_PROBLEMS
from flawgate_gateway.answer import VARIANTS
from flawgate_gateway.frames import InspectionOrder
from flawgate_gateway.rest.form import FILE_FIELD
from flawgate_gateway.rest.idempotency import KEY_HEADER, REPLAYED_HEADER
from flawgate_gateway.rest.problem_types import answered_classes, example_problem
from flawgate_gateway.rest.problems import MEDIA_TYPE, Problem
from flawgate_gateway.rest.upload import FORM, PICTURES, RAW_PIXELS
from flawgate_gateway.variants.naming import VARIANT_HEADER

DESCRIPTION = """
Send a picture of a part, get an evaluation: `OK`, `NOT_OK` or `NOT_DECIDABLE`, with score, defects and provenance.

A request that fails has no evaluation: its answer is an `application/problem+json` whose `code` a program branches on.
Such a part was **not** inspected and must never be taken for good.
"""

EXAMPLE_INSPECTION: dict[str, Any] = {
    "inspection_id": "01939c1e-7b1a-7c43-9d5e-3f1c2a9b8e10",
    "recipe": "commutator",
    "recipe_version": "1",
    "policy_version": "1",
    "variant": "stable",
    "evaluation": "NOT_OK",
    "score": 0.997134,
    "threshold": 0.9,
    "reason": "SCORE_ABOVE_THRESHOLD",
    "probabilities": [],
    "plant": "Novo mesto",
    "line": "L2",
    "station": "S4",
    "camera": "top",
    "part": "SN-123",
    "lot": "2026-47",
    "work_order": "WO-8812",
    "defects": [
        {
            "box": {"x": 212, "y": 640, "width": 31, "height": 12},
            "area_px": 204,
            "area_mm2": 0.51,
            "peak": 0.998,
            "class": "defect",
        }
    ],
    "frame": {
        "width": 500,
        "height": 1263,
        "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    },
    "models": [
        {
            "name": "commutator_seg",
            "version": "1",
            "sha256": "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752",
        }
    ],
    "request_id": "4f0d8e5d7c9b4f0f8b8c1d2e3f4a5b6c",
    "trace_id": "0af7651916cd43dd8448eb211c80319c",
    "acquired_at": "2026-11-20T10:15:02.050Z",
    "received_at": "2026-11-20T10:15:02.114Z",
    "decided_at": "2026-11-20T10:15:02.231Z",
    "service_version": "0.1.0",
    "policy": {
        "version": "1",
        "threshold": 0.9,
        "guard_band": 0.0,
        "mask_threshold": 0.5,
        "min_defect_area_px": 1,
        "areas": {},
    },
    "preprocessing": [
        {"op": "grey"},
        {"op": "resize", "height": 1408, "width": 512, "interpolation": "linear"},
    ],
    "stage_scores": {"segmentation": 0.998, "classification": 0.997134},
    "stage_seconds": {
        "preprocess": 0.007,
        "decode": 0.004,
        "steps": 0.001,
        "decide": 0.112,
        "infer": 0.109,
        "policy": 0.001,
    },
    "links": {
        "self": "/v1/inspections/01939c1e-7b1a-7c43-9d5e-3f1c2a9b8e10",
        "frame": "/v1/inspections/01939c1e-7b1a-7c43-9d5e-3f1c2a9b8e10/frame",
        "mask": "/v1/inspections/01939c1e-7b1a-7c43-9d5e-3f1c2a9b8e10/mask.png",
        "overlay": "/v1/inspections/01939c1e-7b1a-7c43-9d5e-3f1c2a9b8e10/overlay.png",
    },
}

EXAMPLE_PROBLEM: dict[str, Any] = example_problem(UnknownRecipe).model_dump(exclude_none=True)

EVERYWHERE: tuple[type[FlawgateError], ...] = (
    InvalidRequest,
    Unauthenticated,
    PermissionDenied,
    BodyTooLarge,
    InvalidParameter,
    Overloaded,
    RateLimited,
    InternalError,
    Unavailable,
    RecordsUnavailable,
)
"""What any request with a key may be answered with."""


def problems(
    *classes: type[FlawgateError], everywhere: Sequence[type[FlawgateError]] = EVERYWHERE
) -> dict[int | str, dict[str, Any]]:
    """Responses of a route: one a status, with all codes that it may carry, and an example of each.

    Args:
        classes: what the route may end with, beside what every route may.
        everywhere: what every route may.
    """
    by_status: dict[int, set[str]] = {}
    for cls in {*everywhere, *classes}:
        by_status.setdefault(HTTP_PROBLEMS[cls].status, set()).add(cls.reason)
    return {status: _response(sorted(codes)) for status, codes in sorted(by_status.items())}


def _response(codes: Sequence[str]) -> dict[str, Any]:
    examples = {code: {"$ref": f"#/components/examples/{code}"} for code in codes}
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        "description": ", ".join(f"`{code}`" for code in codes),
        "model": Problem,
        "content": {MEDIA_TYPE: {"schema": schema, "examples": examples}},
    }


PROBLEMS = problems(*answered_classes())

KEY_PARAMETER: dict[str, Any] = {
    "name": KEY_HEADER,
    "in": "header",
    "required": False,
    "description": (
        "Names this request, so that it is carried out once, however often it is sent "
        "(draft-ietf-httpapi-idempotency-key-header-07): a quoted string of 1 to 255 printable ASCII characters, best "
        "a UUID; a bare one is taken too. Sent again with the same key, the stored answer comes back; while the first "
        "is being worked on, `REQUEST_IN_PROGRESS`; with another picture or other fields, `IDEMPOTENCY_KEY_REUSED`. "
        "A refusal that may not last is not stored."
    ),
    "schema": {"type": "string", "minLength": 1, "maxLength": 257, "pattern": "^[ -~]+$"},
    "example": '"8e03978e-40d5-43e8-bc93-6894a57f9324"',
}
VARIANT_PARAMETER: dict[str, Any] = {
    "name": VARIANT_HEADER,
    "in": "header",
    "required": False,
    "description": (
        "Which decision service is to judge: `canary`, a version that is tried (the key needs the scope `policy`), "
        "or `stable`, the one in force. Without it the gateway gives the canary its share of the frames. Where the "
        "canary cannot judge, the stable one does; `variant` of the answer says which did. `INVALID_PARAMETER` where "
        "the gateway has no canary."
    ),
    "schema": {"type": "string", "enum": list(VARIANTS)},
}
LOCATION: dict[str, Any] = {"description": "Where it is found again.", "schema": {"type": "string"}}
KEY_RESPONSE_HEADERS: dict[str, Any] = {
    REPLAYED_HEADER: {
        "description": "`true`: this is the stored answer of an earlier request with the same key.",
        "schema": {"type": "string", "enum": ["true"]},
    }
}


def order_schema() -> dict[str, Any]:
    """The fields of an order as OpenAPI has them: name → schema."""
    schema = InspectionOrder.model_json_schema()
    properties: dict[str, Any] = schema["properties"]
    return {name: _without_null(property_) for name, property_ in properties.items()}


def query_parameters(fields: dict[str, Any]) -> list[dict[str, Any]]:
    """The same fields in a query, each with what it means, which readers of parameters do not look for in a schema."""
    return [
        {"name": name, "in": "query", "required": False, "description": schema["description"], "schema": schema}
        for name, schema in fields.items()
    ]


def _without_null(property_: dict[str, Any]) -> dict[str, Any]:
    """A form field is there or not; it is never null."""
    kinds = [kind for kind in property_.get("anyOf", ()) if kind.get("type") != "null"]
    plain = {key: value for key, value in property_.items() if key not in ("anyOf", "default", "title")}
    return {**(kinds[0] if kinds else {}), **plain}


def _inspect_openapi() -> dict[str, Any]:
    fields = order_schema()
    binary = {"schema": {"type": "string", "format": "binary"}}
    form = {
        "schema": {
            "type": "object",
            "required": [FILE_FIELD, "recipe"],
            "properties": {FILE_FIELD: {"type": "string", "format": "binary", "description": "The picture."}, **fields},
        },
        "example": {FILE_FIELD: "(binary)", "recipe": "commutator", "part": "SN-123", "station": "S4"},
    }
    return {
        "description": (
            "The fields may stand in the form or in the query; with a bare picture, in the query. "
            "A recipe's name has 1 to 63 characters of a–z, 0–9 and _, the first a letter; what names the part and "
            "its place has 1 to 128 characters, none of them a control character."
        ),
        "parameters": [KEY_PARAMETER, VARIANT_PARAMETER, *query_parameters(fields)],
        "requestBody": {
            "required": True,
            "content": {FORM: form, **dict.fromkeys((*PICTURES, RAW_PIXELS), binary)},
        },
        "responses": {
            "201": {
                "description": "The inspection, on record.",
                "headers": {"Location": LOCATION, **KEY_RESPONSE_HEADERS},
                "content": {"application/json": {"example": EXAMPLE_INSPECTION}},
            }
        },
    }


INSPECT_OPENAPI = _inspect_openapi()
