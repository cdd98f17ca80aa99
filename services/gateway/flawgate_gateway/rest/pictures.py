"""The pictures of an inspection: as it came, its mask, and the overlay, drawn when they are asked for."""

import asyncio
import hashlib
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Request, Response

from flawgate_gateway import pictures
from flawgate_gateway.access.caller import Scope
from flawgate_gateway.archive.archived import Archived
from flawgate_gateway.archive.keeping import not_kept
from flawgate_gateway.passage import SERVICE_VERSION
from flawgate_gateway.ports import Archive, Evidence
from flawgate_gateway.records.book import RecordBook
from flawgate_gateway.rest.access import requires
from flawgate_gateway.rest.openapi import PROBLEMS
from flawgate_gateway.rest.upload import PICTURES, RAW_PIXELS
from flawgate_imaging.decoding import Limits

MAX_DRAWN_AT_ONCE = 2
"""A large picture takes a gigabyte for a moment."""

PNG = "image/png"
KEEP = "private, max-age=31536000, immutable"
"""A record is never changed; who may read it is for the gateway to say, not for a cache that many share."""

_BINARY = {"schema": {"type": "string", "format": "binary"}}
_NOT_MODIFIED = {304: {"description": "The caller has it: `If-None-Match` names it."}}


def _answers(*media_types: str) -> dict[str, Any]:
    content = dict.fromkeys(media_types, _BINARY)
    return {"response_class": Response, "responses": {200: {"content": content}, **_NOT_MODIFIED}}


def picture_routes(records: RecordBook, archive: Archive, limits: Limits) -> APIRouter:
    """Pictures of inspections. `limits`: of what is decoded to be drawn on."""
    drawing = asyncio.Semaphore(MAX_DRAWN_AT_ONCE)
    router = APIRouter(
        prefix="/v1/inspections/{inspection_id}",
        tags=["pictures"],
        responses=PROBLEMS,
        dependencies=[requires(Scope.READ)],
    )

    async def kept(inspection_id: str) -> Archived:
        archived = await records.archived(inspection_id)
        if archived is None:
            raise not_kept()
        return archived

    async def drawn(archived: Archived, draw: Callable[[Evidence], bytes]) -> bytes:
        # Fetched within the turn, too: those who wait for theirs hold no pictures.
        async with drawing:
            return await asyncio.to_thread(draw, await archive.get(archived))

    @router.get("/frame", summary="The frame, byte for byte as it came", **_answers(*PICTURES, RAW_PIXELS))
    async def get_frame(request: Request, inspection_id: str) -> Response:
        archived = await kept(inspection_id)
        headers = _headers(archived, "frame")
        if _has(request, headers):
            return Response(status_code=304, headers=headers)
        frame = await archive.get_frame(archived)
        return Response(frame.data, media_type=pictures.media_type(frame), headers=headers)

    @router.get("/mask.png", summary="Its mask, in the frame's size, where it has one", **_answers(PNG))
    async def get_mask(request: Request, inspection_id: str) -> Response:
        archived = await kept(inspection_id)
        headers = _headers(archived, "mask")
        if _has(request, headers):
            return Response(status_code=304, headers=headers)
        return Response(await drawn(archived, pictures.mask_png), media_type=PNG, headers=headers)

    @router.get("/overlay.png", summary="The frame with all that was found drawn on it", **_answers(PNG))
    async def get_overlay(request: Request, inspection_id: str) -> Response:
        archived = await kept(inspection_id)
        headers = _headers(archived, f"overlay {inspection_id}")
        if _has(request, headers):
            return Response(status_code=304, headers=headers)
        inspection = await records.get(inspection_id)
        overlay = await drawn(archived, lambda evidence: pictures.overlay_png(inspection, evidence, limits))
        return Response(overlay, media_type=PNG, headers=headers)

    return router


def _headers(archived: Archived, what: str) -> dict[str, str]:
    """What is drawn of the same evidence by another version of the gateway is another picture."""
    seen = (what, SERVICE_VERSION, archived.frame_sha256, archived.mask_sha256, archived.explanation_sha256)
    tag = hashlib.sha256(repr((*seen, archived.document)).encode()).hexdigest()[:32]
    return {"etag": f'"{tag}"', "cache-control": KEEP, "x-content-type-options": "nosniff"}


def _has(request: Request, headers: dict[str, str]) -> bool:
    """Whether the caller names what it has in `If-None-Match` (RFC 9110, section 13.1.2)."""
    named = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    return "*" in named or headers["etag"] in named
