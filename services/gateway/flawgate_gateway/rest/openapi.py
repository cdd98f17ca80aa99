"""What OpenAPI says beyond the code: the two ways of sending a picture, and examples."""

from typing import Any

from fastapi import Response

from flawgate_contracts.errors import FlawgateError, error_classes
from flawgate_contracts.http_errors import CLIENT_CLOSED_REQUEST, HTTP_PROBLEMS
from flawgate_gateway.frames import InspectionOrder
from flawgate_gateway.rest.form import FILE_FIELD
from flawgate_gateway.rest.problems import MEDIA_TYPE, Problem
from flawgate_gateway.rest.upload import FORM, PICTURES, RAW_PIXELS

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
    "received_at": "2026-11-20T10:15:02.114Z",
    "decided_at": "2026-11-20T10:15:02.231Z",
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
        "mask": "/v1/inspections/01939c1e-7b1a-7c43-9d5e-3f1c2a9b8e10/mask.png",
        "overlay": "/v1/inspections/01939c1e-7b1a-7c43-9d5e-3f1c2a9b8e10/overlay.png",
    },
}

EXAMPLE_PROBLEM: dict[str, Any] = {
    "type": "/problems/UNKNOWN_RECIPE",
    "title": "Unknown recipe",
    "status": 404,
    "detail": "There is no recipe 'comutator' here; known are: commutator, texture.",
    "instance": "/v1/inspections",
    "code": "UNKNOWN_RECIPE",
    "retryable": False,
    "request_id": "4f0d8e5d7c9b4f0f8b8c1d2e3f4a5b6c",
    "trace_id": "0af7651916cd43dd8448eb211c80319c",
    "metadata": {"recipe": "comutator"},
}


def _problem_responses() -> dict[int | str, dict[str, Any]]:
    """One response a status, with all codes that it may carry."""
    codes: dict[int, list[str]] = {}
    for cls in error_classes():
        status = HTTP_PROBLEMS[cls].status
        if cls is not FlawgateError and status != CLIENT_CLOSED_REQUEST:
            codes.setdefault(status, []).append(cls.reason)
    return {
        status: {
            "description": ", ".join(f"`{code}`" for code in sorted(set(reasons))),
            "model": Problem,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": EXAMPLE_PROBLEM}},
        }
        for status, reasons in sorted(codes.items())
    }


PROBLEMS = _problem_responses()

PICTURE_RESPONSES: dict[str, Any] = {
    "response_class": Response,
    "responses": {200: {"content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}}},
}


def _order_schema() -> dict[str, Any]:
    schema = InspectionOrder.model_json_schema()
    properties: dict[str, Any] = schema["properties"]
    return {name: _without_null(property_) for name, property_ in properties.items()}


def _without_null(property_: dict[str, Any]) -> dict[str, Any]:
    """A form field is there or not; it is never null."""
    kinds = [kind for kind in property_.get("anyOf", ()) if kind.get("type") != "null"]
    plain = {key: value for key, value in property_.items() if key not in ("anyOf", "default", "title")}
    return {**(kinds[0] if kinds else {}), **plain}


def _inspect_openapi() -> dict[str, Any]:
    fields = _order_schema()
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
        "parameters": [
            {"name": name, "in": "query", "required": False, "schema": schema} for name, schema in fields.items()
        ],
        "requestBody": {
            "required": True,
            "content": {FORM: form, **dict.fromkeys((*PICTURES, RAW_PIXELS), binary)},
        },
        "responses": {"201": {"content": {"application/json": {"example": EXAMPLE_INSPECTION}}}},
    }


INSPECT_OPENAPI = _inspect_openapi()
