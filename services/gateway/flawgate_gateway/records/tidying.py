"""Forgetting idempotency keys that have expired, now and then."""

import asyncio

import structlog

from flawgate_contracts.errors import FlawgateError
from flawgate_gateway.database.connections import Database
from flawgate_gateway.records import claims

MAX_BATCHES = 1_000
"""In one round."""

log = structlog.get_logger(__name__)


async def keep_tidy(database: Database, *, every_s: float) -> None:
    """Forget expired keys, for ever; every gateway does, in batches that disturb nobody.

    Args:
        database: of the records.
        every_s: seconds between two rounds.
    """
    while True:
        await asyncio.sleep(every_s)
        try:
            await _tidy(database)
        except FlawgateError as err:
            log.warning("expired idempotency keys are not forgotten", reason=err.reason)


async def _tidy(database: Database) -> None:
    for _ in range(MAX_BATCHES):
        if await claims.tidy(database) < claims.TIDIED_AT_ONCE:
            return
