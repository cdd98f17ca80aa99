"""Reading a picture and its fields from a request: a multipart form, or the picture as the body with a query."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from fastapi import Request
from pydantic import ValidationError
from starlette.requests import ClientDisconnect

from flawgate_contracts.errors import (
    DeadlineExceeded,
    EmptyFrame,
    InvalidParameter,
    RequestCancelled,
    UnsupportedMediaType,
)
from flawgate_gateway.frames import Frame, InspectionOrder, RawLayout
from flawgate_gateway.rest.form import FILE_FIELD, Fields, read_form
from flawgate_gateway.rest.problems import invalid_parameter

T = TypeVar("T")

FORM = "multipart/form-data"
RAW_PIXELS = "application/octet-stream"
PICTURES = ("image/png", "image/jpeg", "image/bmp", "image/x-ms-bmp", "image/tiff")
ACCEPTED = (FORM, *PICTURES, RAW_PIXELS)


async def read_upload(request: Request, *, timeout_s: float) -> tuple[Frame, InspectionOrder]:
    """The frame and the order of `POST /v1/inspections`.

    Args:
        request: a form with one file in the field `file`, or a body of one of the accepted media types.
        timeout_s: longest time that the body may take to come, in seconds.

    Raises:
        UnsupportedMediaType: the content type is another.
        InvalidRequest: the form is malformed or cut off.
        InvalidParameter: a field is missing, unknown, said twice, or out of range.
        EmptyFrame: the file, or the body, has no byte.
        DeadlineExceeded: the body did not come in time.
        RequestCancelled: the caller went away before the body's end.
    """
    media_type = _media_type(request)
    read = read_form if media_type == FORM else _read_body
    data, fields = await _in_time(read(request), timeout_s)
    order = _order([*request.query_params.multi_items(), *fields])
    layout = _layout(order, media_type)
    if not data:
        raise EmptyFrame(f"The picture has no byte; send it in the form field `{FILE_FIELD}`, or as the body.")
    return Frame(data, layout), order


def _media_type(request: Request) -> str:
    media_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if media_type not in ACCEPTED:
        shown = media_type[:100] or "(none)"
        raise UnsupportedMediaType(
            f"The content type {shown} carries no picture; send one of {', '.join(ACCEPTED)}.", {"content_type": shown}
        )
    return media_type


async def while_connected(request: Request, work: Callable[[], Awaitable[T]]) -> T:
    """Do the work, but give it up when the caller goes away.

    Raises:
        RequestCancelled: the caller went away.
    """
    working = asyncio.ensure_future(work())
    leaving = asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise RequestCancelled("The caller went away before the answer.")
    finally:
        working.cancel()
        leaving.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _in_time(reading: Awaitable[T], timeout_s: float) -> T:
    try:
        return await asyncio.wait_for(reading, timeout_s)
    except TimeoutError as err:
        raise DeadlineExceeded(f"The body did not come within {timeout_s:g} s; send it faster.") from err
    except ClientDisconnect as err:
        raise RequestCancelled("The caller went away before the end of the body.") from err


async def _read_body(request: Request) -> tuple[bytes, Fields]:
    return await request.body(), []


def _order(items: Iterable[tuple[str, str]]) -> InspectionOrder:
    said: dict[str, str] = {}
    for name, value in items:
        if said.setdefault(name, value) != value:
            sentence = f"The field `{name}` is said twice, with different values; say it once."
            raise InvalidParameter(sentence, {"field": name})
    try:
        return InspectionOrder.model_validate(said)
    except ValidationError as err:
        raise invalid_parameter(err.errors()) from err


def _layout(order: InspectionOrder, media_type: str) -> RawLayout | None:
    """How raw pixels lie, where the fields say so; a picture with a file format needs no such fields."""
    given = {"width": order.width, "height": order.height, "channels": order.channels}
    missing = [name for name, value in given.items() if value is None]
    if len(missing) == len(given):
        return None
    if media_type in PICTURES:
        raise InvalidParameter("`width`, `height` and `channels` are for raw pixels only.", {"field": "width"})
    if order.width is None or order.height is None or order.channels is None:
        raise InvalidParameter(f"Raw pixels need `{'`, `'.join(missing)}` too.", {"field": missing[0]})
    return RawLayout(order.width, order.height, int(order.channels))
