"""The gRPC door: proto to a call of the core, the answer to proto."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from flawgate.inspection.v1 import inspection_pb2 as pb
from flawgate.inspection.v1 import inspection_pb2_grpc
from flawgate_contracts.interceptors import Context
from flawgate_gateway.access.caller import Caller, Scope
from flawgate_gateway.answer import Variant
from flawgate_gateway.core import Arrival, Inspector
from flawgate_gateway.database.connections import Database
from flawgate_gateway.records.book import RecordBook
from flawgate_gateway.records.queries import list_inspections
from flawgate_gateway.records.submission import Submission
from flawgate_gateway.rpc.answers import inspection_message, page_message
from flawgate_gateway.rpc.requests import filter_of, frame_of, idempotency_key, order_of, page_of
from flawgate_gateway.rpc.stream_wire import GrpcWire
from flawgate_gateway.stream.desk import StreamDesk
from flawgate_gateway.variants.naming import VARIANT_HEADER, named_variant, refuse_variant

IDEMPOTENCY_KEY = "idempotency-key"
REPLAYED = "idempotency-replayed"
VARIANT = VARIANT_HEADER.lower()

Admit = Callable[[Context, Scope], Awaitable[Caller]]
"""Whoever calls, who has a scope; raises `Unauthenticated`, `PermissionDenied` or `RateLimited`."""


@dataclass(frozen=True, slots=True)
class Doorman:
    """Who lets calls in."""

    admit: Admit
    permit: Callable[[Caller, Scope], None]
    """Sees that a caller has a further scope; raises `PermissionDenied`."""


class InspectionServicer(inspection_pb2_grpc.InspectionServiceServicer):
    """Stands over the core and the records."""

    def __init__(
        self, inspector: Inspector, records: RecordBook, database: Database, streams: StreamDesk, doorman: Doorman
    ) -> None:
        self._inspector = inspector
        self._streams = streams
        self._records = records
        self._database = database
        self._admit = doorman.admit
        self._permit = doorman.permit

    async def Inspect(self, request: pb.InspectRequest, context: Context) -> pb.InspectResponse:
        """See the proto."""
        arrival = Arrival.now()
        caller = await self._admit(context, Scope.INSPECT)
        with self._inspector.counted_failures():
            key = idempotency_key(request.idempotency_key, _values(context, IDEMPOTENCY_KEY))
            order = order_of(request, left_s=context.time_remaining())
            frame = frame_of(request)
            variant = self._variant(context, caller)
        submission = Submission(caller, key, variant=variant)
        answered = await self._inspector.inspect(frame, order, arrival, submission)
        context.set_trailing_metadata(((REPLAYED, "true"),) if answered.replayed else ())
        return pb.InspectResponse(inspection=inspection_message(answered.inspection))

    def _variant(self, context: Context, caller: Caller) -> Variant | None:
        permit = partial(self._permit, caller, Scope.POLICY)
        return named_variant(_values(context, VARIANT), has_canary=self._inspector.has_canary, permit=permit)

    async def InspectStream(self, request_iterator: Any, context: Context) -> None:  # type: ignore[override]
        """See the proto. A handler that writes to the context may be a coroutine, which the stub does not say."""
        del request_iterator  # the wire reads from the context
        refuse_variant(_values(context, VARIANT))
        await self._streams.serve(GrpcWire(context), partial(self._admit, context, Scope.INSPECT))

    async def GetInspection(self, request: pb.GetInspectionRequest, context: Context) -> pb.GetInspectionResponse:
        """See the proto."""
        await self._admit(context, Scope.READ)
        inspection = await self._records.get(request.inspection_id)
        return pb.GetInspectionResponse(inspection=inspection_message(inspection))

    async def ListInspections(self, request: pb.ListInspectionsRequest, context: Context) -> pb.ListInspectionsResponse:
        """See the proto."""
        await self._admit(context, Scope.READ)
        page = await list_inspections(self._database, filter_of(request), page_of(request))
        return await asyncio.to_thread(page_message, page)  # a long page takes a while


def _values(context: Context, name: str) -> list[str]:
    """All values of a key of the call's metadata."""
    return [str(value) for key, value in context.invocation_metadata() or () if key == name]
