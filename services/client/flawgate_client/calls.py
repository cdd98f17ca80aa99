"""The calls of the API, for both clients. The clients leave out `policy`, the first argument of each."""

import itertools
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Unpack
from urllib.parse import quote

import httpx

from flawgate_client.answers import Evaluation, Inspection, Page, Review
from flawgate_client.conversation import Conversation, Files, Give, Request, Stream, Wait, read_file
from flawgate_client.errors import FlawgateError
from flawgate_client.exchange import exchange, problem_error
from flawgate_client.questions import Filters, Frame, Picture, PictureKind, quoted_key, said
from flawgate_client.retrying import Policy

INSPECTIONS = "/v1/inspections"
PICTURES = {"mask": "mask.png", "overlay": "overlay.png", "frame": "frame"}
FILE_NAME = "frame"

Result = Inspection | FlawgateError
"""Of one frame of a batch."""


def inspect(  # noqa: PLR0913  # one parameter for each field of the API
    policy: Policy,
    picture: Picture,
    recipe: str,
    *,
    plant: str | None = None,
    line: str | None = None,
    station: str | None = None,
    camera: str | None = None,
    part: str | None = None,
    lot: str | None = None,
    work_order: str | None = None,
    acquired_at: datetime | None = None,
    deadline_ms: int | None = None,
    idempotency_key: str | None = None,
) -> Conversation[Inspection]:
    """Inspect one frame, exactly once: all tries carry the same key.

    Args:
        policy: how patient the client is.
        picture: bytes of an encoded picture, or the file that holds one.
        recipe: by which it is inspected.
        plant: where in the factory the frame comes from, as the MES names it, like the next six.
        line: production line.
        station: inspection station.
        camera: at the station.
        part: serial number of the part.
        lot: or batch.
        work_order: of the part.
        acquired_at: when the camera took it; with a time zone.
        deadline_ms: within which each try must be answered, in milliseconds.
        idempotency_key: names this inspection, 1 to 255 printable ASCII characters; one is made where None. Give your
            own where the same frame may be sent by another process, or again after a crash.

    Raises:
        FlawgateError: the frame was not inspected, as far as is known.
        OSError: the file cannot be read.
        ValueError: `idempotency_key` is not one, or `acquired_at` has no time zone.
    """
    frame = Frame(picture, recipe, plant, line, station, camera, part, lot, work_order, acquired_at)
    request = Request(
        "POST",
        INSPECTIONS,
        headers={"idempotency-key": quoted_key(idempotency_key)},
        form={**frame.said(), **said({"deadline_ms": deadline_ms})},
        files=[("file", (FILE_NAME, (yield from _content(picture))))],
    )
    return (yield from exchange(policy, request, _inspection))


def batch(
    policy: Policy,
    frames: Sequence[Frame],
    recipe: str | None = None,
    *,
    deadline_ms: int | None = None,
    idempotency_key: str | None = None,
) -> Conversation[tuple[Result, ...]]:
    """Inspect several frames in one request, each exactly once. Those that may succeed later are tried again.

    Args:
        policy: how patient the client is.
        frames: at most as many as the gateway takes in one batch.
        recipe: of frames that name none.
        deadline_ms: within which each frame must be answered, from its turn, in milliseconds.
        idempotency_key: names this batch, 1 to 250 printable ASCII characters; one is made where None.

    Returns:
        For each frame, in their order, its inspection, or the error that it ended with: that one was not inspected.

    Raises:
        FlawgateError: the batch as a whole was refused, or no answer came.
        OSError: a file cannot be read.
        ValueError: `idempotency_key` is not one, or a moment has no time zone.
    """
    files: Files = []
    for frame in frames:
        files += [("file", (FILE_NAME, (yield from _content(frame.picture))))]
    request = Request(
        "POST",
        f"{INSPECTIONS}:batch",
        headers={"idempotency-key": quoted_key(idempotency_key)},
        form={
            **said({"recipe": recipe, "deadline_ms": deadline_ms}),
            "items": json.dumps([frame.said() for frame in frames]),
        },
        files=files,
    )
    for attempt in itertools.count():
        results = yield from exchange(policy, request, _results)
        waiting = (result for result in results if isinstance(result, FlawgateError))
        pauses = [pause_s for error in waiting if (pause_s := policy.pause_s(attempt, error)) is not None]
        if not pauses:
            break
        yield Wait(max(pauses))
    return results


def get(policy: Policy, inspection_id: str) -> Conversation[Inspection]:
    """An inspection that is on record.

    Raises:
        NotFound: none of that id is.
    """
    return (yield from exchange(policy, Request("GET", _path(inspection_id)), _inspection))


def picture(policy: Policy, inspection: Inspection | str, kind: PictureKind) -> Conversation[bytes]:
    """A picture of an inspection, or of its id.

    Args:
        policy: how patient the client is.
        inspection: or its id.
        kind: `mask` and `overlay` are PNGs, `frame` the bytes that were sent.

    Raises:
        NotFound: it makes no such picture, or it is not kept any more.
    """
    request = Request("GET", f"{_path(_id(inspection))}/{PICTURES[kind]}")
    return (yield from exchange(policy, request, _picture))


def inspections(policy: Policy, **filters: Unpack[Filters]) -> Stream[Inspection]:
    """The inspections that are on record, the newest first unless told otherwise; page by page, as they are taken.

    Raises:
        InvalidRequest: a filter is unknown, or not as it must be.
        ValueError: a moment has no time zone.
    """
    query = said(filters)  # type: ignore[arg-type]  # mypy knows the values of a TypedDict as objects
    while True:
        page = yield from exchange(policy, Request("GET", INSPECTIONS, query=query), _page)
        for inspection in page.inspections:
            yield Give(inspection)
        if page.next_page_token is None:
            return
        query["page_token"] = page.next_page_token


def review(
    policy: Policy,
    inspection: Inspection | str,
    evaluation: Evaluation,
    *,
    comment: str | None = None,
    reviewer: str | None = None,
) -> Conversation[Review]:
    """Say what a part really is; the record stays as it is, and the last review counts.

    Args:
        policy: how patient the client is. What may have been recorded is not sent again.
        inspection: or its id.
        evaluation: what the part is, by the eyes of the reviewer.
        comment: why.
        reviewer: who looked; the name of the API key where None.

    Raises:
        NotFound: there is no such inspection.
    """
    document = said({"evaluation": evaluation, "comment": comment, "reviewer": reviewer})
    request = Request("POST", f"{_path(_id(inspection))}/reviews", json=document, repeatable=False)
    return (yield from exchange(policy, request, _review))


def _content(picture: Picture) -> Conversation[bytes]:
    return picture if isinstance(picture, bytes) else (yield from read_file(picture))


def _inspection(answer: httpx.Response) -> Inspection:
    return Inspection.of(answer.json(), replayed=answer.headers.get("idempotency-replayed") == "true")


def _results(answer: httpx.Response) -> tuple[Result, ...]:
    return tuple(_result(result) for result in answer.json()["results"])


def _result(document: dict[str, Any]) -> Result:
    if "problem" in document:
        return problem_error(document["problem"])
    return Inspection.of(document["inspection"], replayed=document["replayed"])


def _page(answer: httpx.Response) -> Page:
    return Page.of(answer.json())


def _review(answer: httpx.Response) -> Review:
    return Review.of(answer.json())


def _picture(answer: httpx.Response) -> bytes:
    if answer.headers.get("content-type", "").startswith("text/"):
        raise ValueError("a page, no picture")
    return answer.content


def _id(inspection: Inspection | str) -> str:
    return inspection if isinstance(inspection, str) else inspection.inspection_id


def _path(inspection_id: str) -> str:
    return f"{INSPECTIONS}/{quote(inspection_id, safe='')}"
