"""The book of records: what was decided about each frame, written once and never changed."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import insert, select

from flawgate_contracts.errors import FlawgateError, InvalidRequest, UnknownInspection
from flawgate_gateway.answer import Inspection
from flawgate_gateway.archive.archived import Archived
from flawgate_gateway.database.connections import Database
from flawgate_gateway.database.tables import evidence, inspections
from flawgate_gateway.outbox import writing
from flawgate_gateway.outbox.drafts import completed
from flawgate_gateway.records import claims
from flawgate_gateway.records.claims import Claim
from flawgate_gateway.records.rows import inspection_of, row_of, selected
from flawgate_gateway.records.submission import Submission

LEASE_MARGIN_S = 5.0
"""How much longer than the deadline of its work a claim is held, in seconds: for the record to be written."""

_INSPECTION, _EVIDENCE = insert(inspections), insert(evidence)

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

    async def record(self, inspection: Inspection, archived: Archived | None, claim: Claim | None) -> None:
        """Write a record.

        Args:
            inspection: what was decided.
            archived: what is kept of its pictures; None: nothing.
            claim: of its idempotency key, which it ends.

        Raises:
            RequestInProgress: the claim was taken over; nothing is written.
            RecordsUnavailable: the database does not answer; nothing is written.
            DiskFull: no space is left; nothing is written.
        """
        row, draft = row_of(inspection), completed(inspection) if self._sinks else None
        async with self._database.writing() as connection:
            if claim is not None:
                await claims.end(connection, claim, inspection.inspection_id)
            await connection.execute(_INSPECTION, row)
            if archived is not None:
                kept = {**archived.columns(), "inspection_id": inspection.inspection_id}
                await connection.execute(_EVIDENCE, kept)
            if draft is not None:
                await writing.append(connection, draft, self._sinks)
        self._written()

    async def get(self, inspection_id: str) -> Inspection:
        """A record.

        Raises:
            UnknownInspection: there is none of that id.
            RecordsUnavailable: the database does not answer.
        """
        return inspection_of(await self._row(selected().where(inspections.c.id == _uuid(inspection_id)), inspection_id))

    async def archived(self, inspection_id: str) -> Archived | None:
        """What is kept of an inspection's pictures; None: nothing, or nothing any more.

        Raises:
            UnknownInspection: there is no inspection of that id.
            RecordsUnavailable: the database does not answer.
        """
        kept = select(inspections.c.id.label("known"), evidence).select_from(
            inspections.outerjoin(evidence, evidence.c.inspection_id == inspections.c.id)
        )
        row = await self._row(kept.where(inspections.c.id == _uuid(inspection_id)), inspection_id)
        if row["inspection_id"] is None or row["purged_at_us"] is not None:
            return None
        return Archived.of(row)

    async def _row(self, query: Any, inspection_id: str) -> Any:
        async with self._database.reading() as connection:
            row = (await connection.execute(query)).mappings().one_or_none()
        if row is None:
            raise _unknown(inspection_id)
        return row

    async def _give_up(self, claim: Claim, error: BaseException) -> None:
        """The error is what matters: where the database is down, the claim's lease ends by itself."""
        try:
            if isinstance(error, InvalidRequest):
                await claims.refuse(self._database, claim, error)
            else:
                await claims.release(self._database, claim)
        except FlawgateError as err:
            log.warning("an idempotency key waits for the end of its lease", reason=err.reason)


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
