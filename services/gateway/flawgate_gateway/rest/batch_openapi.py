"""What OpenAPI says of a batch beyond the code."""

from typing import Any

from flawgate_gateway.rest.batch_form import ITEMS_FIELD
from flawgate_gateway.rest.form import FILE_FIELD
from flawgate_gateway.rest.openapi import (
    EXAMPLE_INSPECTION,
    EXAMPLE_PROBLEM,
    KEY_PARAMETER,
    VARIANT_PARAMETER,
    order_schema,
    query_parameters,
)
from flawgate_gateway.rest.upload import FORM

DESCRIPTION = (
    "Files in the field `file`, and in `items` a JSON list with one object for each, in their order: its recipe, its "
    "part, and whatever else names it. Fields beside them hold for all frames whose object does not say otherwise. "
    "\n\n"
    "The answer is 200 as soon as the batch itself can be read: `results` has, for each file, an inspection or a "
    "problem. A batch that cannot be read is refused as a whole, and nothing of it is inspected. "
    "`deadline_ms` counts for each frame from its turn. "
    "\n\n"
    "With an `Idempotency-Key`, the key of each frame is `key#index`: the same batch sent again gets the answers that "
    "are on record, and works on the rest."
)


def _openapi() -> dict[str, Any]:
    fields = order_schema()
    files = {"type": "array", "items": {"type": "string", "format": "binary"}, "minItems": 1}
    item = {"type": "object", "properties": fields, "additionalProperties": False}
    form = {
        "type": "object",
        "required": [FILE_FIELD],
        "properties": {
            FILE_FIELD: {**files, "description": "The pictures."},
            ITEMS_FIELD: {
                "type": "string",
                "contentMediaType": "application/json",
                "contentSchema": {"type": "array", "items": item},
                "description": "JSON: a list with one object for each file.",
            },
            **fields,
        },
    }
    example = {
        FILE_FIELD: ["(binary)", "(binary)"],
        "recipe": "commutator",
        ITEMS_FIELD: '[{"part": "SN-123"}, {"part": "SN-124"}]',
    }
    results = [{"inspection": EXAMPLE_INSPECTION, "replayed": False}, {"problem": EXAMPLE_PROBLEM}]
    return {
        "description": DESCRIPTION,
        "parameters": [KEY_PARAMETER, VARIANT_PARAMETER, *query_parameters(fields)],
        "requestBody": {"required": True, "content": {FORM: {"schema": form, "example": example}}},
        "responses": {"200": {"content": {"application/json": {"example": {"results": results}}}}},
    }


BATCH_OPENAPI = _openapi()
