"""What pydantic finds wrong with a request, as an error of ours. Every door reads its fields by the same models."""

from collections.abc import Sequence
from typing import Any

from flawgate_contracts.errors import InvalidParameter

MAX_FIELD_CHARACTERS = 64
"""Shown of a field's name, which the caller may have made up."""


def invalid_parameter(
    faults: Sequence[Any], *, how: str = "send it as a form field or in the query", where: str = "/docs", at: str = ""
) -> InvalidParameter:
    """The first of pydantic's faults as an error that names the field.

    Args:
        faults: `ValidationError.errors()`.
        how: how a field is sent, as the door says it.
        where: what lists the fields there are.
        at: what stands before the field's own name, with its dot.
    """
    fault = faults[0]
    name = ".".join(str(part) for part in fault["loc"] if part not in ("query", "path", "body"))
    field = f"{at}{name}"[:MAX_FIELD_CHARACTERS]
    sentences = {
        "missing": f"The field `{field}` is missing; {how}.",
        "extra_forbidden": f"There is no field `{field}`; {where} lists those that there are.",
        "string_pattern_mismatch": f"The field `{field}` is not written as it must be; {where} says how.",
    }
    otherwise = f"The field `{field}` is not as it must be: {fault['msg']}."
    return InvalidParameter(sentences.get(fault["type"], otherwise), {"field": field})
