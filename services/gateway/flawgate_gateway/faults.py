"""What pydantic finds wrong with a request, as an error of ours. Every door reads its fields by the same models."""

from collections.abc import Mapping, Sequence
from typing import Any

from flawgate_contracts.errors import InvalidParameter

MAX_FIELD_CHARACTERS = 64
"""Shown of a field's name, which the caller may have made up."""
PLACES = ("query", "path", "body")
"""Where FastAPI says that a field stands, before its name."""
HOW = {"query": "send it in the query", "body": "put it into the JSON of the body"}
"""How a missing field is sent, where the door says no more than the place."""
NO_OBJECT = "The body is no JSON object; send one, with `Content-Type: application/json`."


def invalid_parameter(
    faults: Sequence[Any], *, how: str = "send it as a form field or in the query", where: str = "/docs", at: str = ""
) -> InvalidParameter:
    """The first of pydantic's faults as an error that names the field.

    Args:
        faults: `ValidationError.errors()`.
        how: how a field is sent, as the door says it, where the fault does not name its place.
        where: what lists the fields there are.
        at: what stands before the field's own name, with its dot.
    """
    fault = faults[0]
    place, loc = _placed(fault["loc"])
    field = f"{at}{'.'.join(loc)}"[:MAX_FIELD_CHARACTERS]
    if fault["type"] == "json_invalid":
        return InvalidParameter(f"The body is no JSON: {fault['ctx']['error']}; send one object, in UTF-8.")
    if not field:
        return InvalidParameter(_of_the_whole(fault))
    return InvalidParameter(_sentence(fault, field, HOW.get(place, how), where), {"field": field})


def _placed(loc: Sequence[Any]) -> tuple[str, list[str]]:
    """Where a field stands, if it is said, and its name; in a query, not which of several values is wrong."""
    place = str(loc[0]) if loc and loc[0] in PLACES else ""
    inner = loc[1:] if place else loc
    return place, [str(part) for part in inner if place != "query" or isinstance(part, str)]


def _sentence(fault: Mapping[str, Any], field: str, how: str, where: str) -> str:
    sentences = {
        "missing": f"The field `{field}` is missing; {how}.",
        "extra_forbidden": f"There is no field `{field}`; {where} lists those that there are.",
        "string_pattern_mismatch": f"The field `{field}` is not written as it must be; {where} says how.",
    }
    return sentences.get(fault["type"]) or _in_its_words(fault["msg"], field)


def _of_the_whole(fault: Mapping[str, Any]) -> str:
    """Said of no field: what came is no object, or its fields do not go together."""
    if fault["type"] != "value_error":
        return NO_OBJECT
    return f"The request is not as it must be: {_own_words(fault['msg'])}."


def _in_its_words(message: str, field: str) -> str:
    """Pydantic's "Input should be 1 or 3" and "Value error, write it so", said of the field."""
    _, should, rest = message.partition(" should ")
    if should:
        return f"The field `{field}` must {rest}."
    return f"The field `{field}` is not as it must be: {_own_words(message)}."


def _own_words(message: str) -> str:
    return message.removeprefix("Value error, ")
