"""Reading a picture and its fields from a request: a multipart form, or the picture as the body with a query."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

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
from flawgate_gateway.faults import invalid_parameter
from flawgate_gateway.frames import Frame, InspectionOrder, RawLayout
from flawgate_gateway.rest.form import FILE_FIELD, Fields, read_form

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
    media_type = media_type_of(request)
    read = read_form if media_type == FORM else _read_body
    data, fields = await in_time(read(request), timeout_s)
    order = order_of(said_once([*request.query_params.multi_items(), *fields]))
    layout = layout_of(order, media_type)
    if not data:
        raise EmptyFrame(f"The picture has no byte; send it in the form field `{FILE_FIELD}`, or as the body.")
    return Frame(data, layout), order


def media_type_of(request: Request, accepted: Sequence[str] = ACCEPTED) -> str:
    """Its media type, without parameters, in small letters.

    Raises:
        UnsupportedMediaType: it is none of those accepted.
    """
    media_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if media_type not in accepted:
        shown = media_type[:100] or "(none)"
        raise UnsupportedMediaType(
            f"The content type {shown} carries no picture; send one of {', '.join(accepted)}.", {"content_type": shown}
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


async def in_time(reading: Awaitable[T], timeout_s: float) -> T:
    """What is read, where it comes within so many seconds.

    Raises:
        DeadlineExceeded: it does not.
        RequestCancelled: the caller went away before its end.
    """
    try:
        return await asyncio.wait_for(reading, timeout_s)
    except TimeoutError as err:
        raise DeadlineExceeded(f"The body did not come within {timeout_s:g} s; send it faster.") from err
    except ClientDisconnect as err:
        raise RequestCancelled("The caller went away before the end of the body.") from err


async def _read_body(request: Request) -> tuple[bytes, Fields]:
    return await request.body(), []


def said_once(items: Iterable[tuple[str, T]]) -> dict[str, T]:
    """The fields by their names.

    Raises:
        InvalidParameter: one of them is said twice, with different values.
    """
    said: dict[str, T] = {}
    for name, value in items:
        if said.setdefault(name, value) != value:
            sentence = f"The field `{name}` is said twice, with different values; say it once."
            raise InvalidParameter(sentence, {"field": name})
    return said


def order_of(said: Mapping[str, Any], *, at: str = "") -> InspectionOrder:
    """The order that the fields make; `at` is where they stand, with a dot at its end.

    Raises:
        InvalidParameter: one is missing, unknown or out of range.
    """
    try:
        return InspectionOrder.model_validate(said)
    except ValidationError as err:
        raise invalid_parameter(err.errors(), at=at) from err


def layout_of(order: InspectionOrder, media_type: str) -> RawLayout | None:
    """How raw pixels lie, where the fields say so; a picture with a file format needs no such fields.

    Raises:
        InvalidParameter: they say it in part, or beside a file format.
    """
    given = {"width": order.width, "height": order.height, "channels": order.channels}
    missing = [name for name, value in given.items() if value is None]
    if len(missing) == len(given):
        return None
    if media_type in PICTURES:
        raise InvalidParameter("`width`, `height` and `channels` are for raw pixels only.", {"field": "width"})
    if order.width is None or order.height is None or order.channels is None:
        raise InvalidParameter(f"Raw pixels need `{'`, `'.join(missing)}` too.", {"field": missing[0]})
    return RawLayout(order.width, order.height, int(order.channels))
