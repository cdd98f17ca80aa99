"""The book of records: what was decided about each frame, written once and never changed."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Connection, Select, bindparam, insert, select

from flawgate_contracts.errors import FlawgateError, InvalidRequest, RecordsUnavailable, UnknownInspection
from flawgate_gateway.answer import Inspection
from flawgate_gateway.archive.archived import Archived
from flawgate_gateway.database.connections import Database
from flawgate_gateway.database.tables import evidence, inspections
from flawgate_gateway.frames import CameraStream
from flawgate_gateway.outbox import writing
from flawgate_gateway.outbox.drafts import completed
from flawgate_gateway.records import captures, claims
from flawgate_gateway.records.claims import Claim
from flawgate_gateway.records.rows import inspection_of, row_of, selected
from flawgate_gateway.records.submission import Submission

LEASE_MARGIN_S = 5.0
"""How much longer than the deadline of its work a claim is held, in seconds: for the record to be written."""

GIVE_UP_S = 1.0
"""Longest time for giving a claim back, in seconds: its caller waits for the answer, perhaps past the deadline."""

_INSPECTION, _EVIDENCE = insert(inspections), insert(evidence)
_SAME = inspections.c.id == bindparam("identity")
_SELECTED = selected().where(_SAME)
_KEPT = (
    select(inspections.c.id.label("known"), evidence)
    .select_from(inspections.outerjoin(evidence, evidence.c.inspection_id == inspections.c.id))
    .where(_SAME)
)

log = structlog.get_logger(__name__)


class RecordBook:
    """Writes records, each with its event and the end of its idempotency key in one transaction, and reads them."""

    def __init__(
        self, database: Database, *, sinks: tuple[str, ...], expires_s: float, written: Callable[[], None]
    ) -> None:
        """A book over a database.

        Args:
            database: with all tables.
            sinks: names of those to whom events are delivered.
            expires_s: seconds for which an idempotency key is remembered.
            written: called after each record.
        """
        self._database = database
        self._sinks = sinks
        self._expires_s = expires_s
        self._written = written

    async def claim(self, submission: Submission, fingerprint: str, *, lasts_s: float) -> Claim | Inspection | None:
        """Claim the work of a submission's key.

        Args:
            submission: who asks, under which key.
            fingerprint: of the request.
            lasts_s: seconds within which the work ends, one way or the other.

        Returns:
            The claim, None for a submission without a key, or the inspection that the key has come to already.

        Raises:
            RequestInProgress: the same request is being worked on.
            IdempotencyKeyReused: the key came with another request.
            FlawgateError: the error that the same request has met before.
            RecordsUnavailable: the database does not answer.
        """
        if submission.idempotency_key is None:
            return None
        wanted = claims.new_claim(submission.caller.id, submission.idempotency_key)
        lease_s = lasts_s + LEASE_MARGIN_S
        try:
            ended = await claims.claim(
                self._database, wanted, fingerprint, lease_s=lease_s, expires_s=max(lease_s, self._expires_s)
            )
        except asyncio.CancelledError as gone:
            # It may be ours by now, and nobody would ever end it.
            await asyncio.shield(self._give_up(wanted, gone))
            raise
        return wanted if ended is None else await self.get(ended)

    @asynccontextmanager
    async def ending(self, claim: Claim | None) -> AsyncIterator[None]:
        """End a claim where the block ends without a record.

        An error of the request itself is what every further try gets; after any other, another try may do the work.
        """
        try:
            yield
        except BaseException as error:
            if claim is not None:
                await asyncio.shield(self._give_up(claim, error))
            raise

    async def record(
        self,
        inspection: Inspection,
        archived: Archived | None,
        claim: Claim | None,
        stream: CameraStream | None = None,
    ) -> None:
        """Write a record.

        Args:
            inspection: what was decided.
            archived: what is kept of its pictures; None: nothing.
            claim: of its idempotency key, which it ends.
            stream: whose frame it is, where it has a `capture`.

        Raises:
            AlreadySettledError: its number in the stream is on record; nothing is written.
            InvalidParameter: its id is on record under another number of a stream; nothing is written.
            RequestInProgress: the claim was taken over; nothing is written.
            RecordsUnavailable: the database does not answer; nothing is written.
            DiskFull: no space is left; nothing is written.
        """
        identity, row = inspection.inspection_id, row_of(inspection)
        kept = None if archived is None else {**archived.columns(), "inspection_id": identity}
        draft = completed(inspection) if self._sinks else None

        def write(connection: Connection) -> None:
            if claim is not None:
                claims.end(connection, claim, identity)
            if stream is None:
                connection.execute(_INSPECTION, row)
            else:
                captures.insert(connection, stream, row)
            if kept is not None:
                connection.execute(_EVIDENCE, kept)
            if draft is not None:
                writing.append(connection, draft, self._sinks)

        await self._database.write(write)
        self._written()

    async def get(self, inspection_id: str) -> Inspection:
        """A record.

        Raises:
            UnknownInspection: there is none of that id.
            RecordsUnavailable: the database does not answer.
        """
        return inspection_of(await self._row(_SELECTED, inspection_id))

    async def archived(self, inspection_id: str) -> Archived | None:
        """What is kept of an inspection's pictures; None: nothing, or nothing any more.

        Raises:
            UnknownInspection: there is no inspection of that id.
            RecordsUnavailable: the database does not answer.
        """
        row = await self._row(_KEPT, inspection_id)
        if row["inspection_id"] is None or row["purged_at_us"] is not None:
            return None
        return Archived.of(row)

    async def _row(self, query: Select[Any], inspection_id: str) -> Any:
        wanted = {"identity": _uuid(inspection_id)}
        row = await self._database.read(lambda connection: connection.execute(query, wanted).mappings().one_or_none())
        if row is None:
            raise _unknown(inspection_id)
        return row

    async def _give_up(self, claim: Claim, error: BaseException) -> None:
        """The error is what matters: where the database is down, the claim's lease ends by itself."""
        try:
            async with asyncio.timeout(GIVE_UP_S):
                if isinstance(error, InvalidRequest):
                    await claims.refuse(self._database, claim, error)
                else:
                    await claims.release(self._database, claim)
        except FlawgateError as err:
            log.warning("an idempotency key waits for the end of its lease", reason=err.reason)
        except TimeoutError:
            log.warning("an idempotency key waits for the end of its lease", reason=RecordsUnavailable.reason)


def _uuid(inspection_id: str) -> str:
    try:
        return str(UUID(inspection_id))
    except ValueError as err:
        raise _unknown(inspection_id) from err


def _unknown(inspection_id: str) -> UnknownInspection:
    return UnknownInspection(
        f"There is no inspection {inspection_id[:64]!r} on record; `GET /v1/inspections` finds those that there are.",
        {"inspection_id": inspection_id[:64]},
    )
