"""Reading a batch: a form with several pictures, and what names each of them."""

import json
from dataclasses import dataclass
from typing import Any

from fastapi import Request

from flawgate_contracts.errors import InvalidParameter
from flawgate_gateway.frames import Frame, InspectionOrder
from flawgate_gateway.rest.form import Bounds, read_files
from flawgate_gateway.rest.upload import FORM, in_time, layout_of, media_type_of, order_of, said_once

ITEMS_FIELD = "items"
MAX_FIELD_BYTES = 1024 * 1024
"""Longest field of a batch, in bytes: `items` names every frame."""


@dataclass(frozen=True, slots=True)
class BatchItem:
    """One frame of a batch. It may have no byte: that is its own fault, and no other's."""

    frame: Frame
    order: InspectionOrder


async def read_batch(request: Request, *, max_items: int, timeout_s: float) -> list[BatchItem]:
    """The frames and orders of `POST /v1/inspections:batch`, in the order of the files.

    Args:
        request: a form with files in the field `file`, and for each an object in the list `items` (JSON). Fields beside
            them, and those in the query, hold for all frames whose object does not say otherwise.
        max_items: most files.
        timeout_s: longest time that the body may take to come, in seconds.

    Raises:
        UnsupportedMediaType: it is no form.
        InvalidRequest: the form is malformed or cut off, or holds more than it may.
        InvalidParameter: there is no file, `items` does not fit the files, or a field is missing, unknown or out of
            range.
        DeadlineExceeded: the body did not come in time.
        RequestCancelled: the caller went away before the body's end.
    """
    media_type_of(request, (FORM,))
    files, fields = await in_time(read_files(request, Bounds(max_items, MAX_FIELD_BYTES)), timeout_s)
    common = said_once([*request.query_params.multi_items(), *fields])
    items = _items(common.pop(ITEMS_FIELD, None), len(files))
    order_of({"recipe": "any", **common}, at="")  # what every object overrides must be right all the same
    pairs = enumerate(zip(files, items, strict=True))
    return [_item(data, {**common, **said}, f"{ITEMS_FIELD}.{index}.") for index, (data, said) in pairs]


def _item(data: bytes, said: dict[str, Any], at: str) -> BatchItem:
    order = order_of(said, at=at)
    return BatchItem(Frame(data, layout_of(order, FORM)), order)


def _items(text: str | None, count: int) -> list[dict[str, Any]]:
    """What is said of each file; nothing where there is no such field."""
    if text is None:
        return [{} for _ in range(count)]
    try:
        items = json.loads(text, object_pairs_hook=_object)
    except (ValueError, RecursionError) as err:
        raise _unfit(f"The field `{ITEMS_FIELD}` is no JSON; send a list with one object for each file.") from err
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise _unfit(f"The field `{ITEMS_FIELD}` is no list of objects; send one object for each file, in their order.")
    if len(items) != count:
        counts = f"The length of `{ITEMS_FIELD}` is {len(items)}, but {count} files came"
        raise _unfit(f"{counts}; send one object for each file.")
    return items


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON. Numbers are taken as they are written; null says nothing."""
    said = said_once([(name, str(value) if type(value) is int else value) for name, value in pairs])
    return {name: value for name, value in said.items() if value is not None}


def _unfit(sentence: str) -> InvalidParameter:
    return InvalidParameter(sentence, {"field": ITEMS_FIELD})
