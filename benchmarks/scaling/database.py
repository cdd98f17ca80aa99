"""What a record takes of PostgreSQL: processor time and bytes."""

import asyncio
from collections.abc import Iterator, Sequence

import psutil
import pytest
import records_plant as plant
from sqlalchemy import text
from support.postgres import PostgresServer, postgres_server

from flawgate_gateway.answer import Inspection
from flawgate_gateway.archive.archived import Archived
from flawgate_gateway.database.connections import Database, connect
from flawgate_gateway.database.migrating import upgrade
from flawgate_gateway.records import claims
from flawgate_gateway.records.book import RecordBook
from flawgate_gateway.records.rows import inspection_of

RECORDS, WARM = 3_000, 300
AT_ONCE = 16
"""`GATEWAY_MAX_IN_PROGRESS`."""
LEASE_S = 60.0
KEPT = ("inspections", "evidence")
"""Tables whose rows stay. Rows of all others go again, after a day or a month."""


def measured_database() -> dict[str, float] | None:
    """Core-milliseconds and bytes a record; None where PostgreSQL is not installed."""
    try:
        with postgres_server() as server:
            return asyncio.run(_measured(server))
    except pytest.skip.Exception as missing:
        print(missing)
        return None


async def _measured(server: PostgresServer) -> dict[str, float]:
    """Each record as the gateway writes it: its key is claimed; then record, pictures, event and the key's end at once.

    The server does not wait for its disk (`fsync` is off in tests): what is measured is its processor time.
    """
    database = connect(server.new_database())
    try:
        await upgrade(database)
        book = RecordBook(database, sinks=("mes",), expires_s=86_400.0, written=lambda: None)
        inspections = list(_inspections(WARM + RECORDS))
        await _write(database, book, inspections[:WARM])
        before_s = _processor_s(server)
        await _write(database, book, inspections[WARM:])
        used_s = _processor_s(server) - before_s
        kept, all_bytes = await _bytes(database)
    finally:
        await database.close()
    return {
        "core_ms": 1e3 * used_s / RECORDS,
        "kept_bytes": kept / (WARM + RECORDS),
        "passing_bytes": (all_bytes - kept) / (WARM + RECORDS),
    }


def _inspections(count: int) -> Iterator[Inspection]:
    return (inspection_of({**row, "pictures": False, "mask": False, "overlay": False}) for row in plant.rows(count))


async def _write(database: Database, book: RecordBook, inspections: Sequence[Inspection]) -> None:
    async def share(first: int) -> None:
        for inspection in inspections[first::AT_ONCE]:
            claim = claims.new_claim("mes", inspection.inspection_id)
            await claims.claim(database, claim, "0" * 64, lease_s=LEASE_S, expires_s=LEASE_S)
            await book.record(inspection, _archived(inspection), claim)

    await asyncio.gather(*(share(first) for first in range(AT_ONCE)))


def _archived(inspection: Inspection) -> Archived:
    digest = inspection.frame.sha256
    return Archived(inspection.evaluation, digest, digest, None, "{}", 250_000, plant.END_US)


async def _bytes(database: Database) -> tuple[int, int]:
    """Of the tables that stay, and of all, with their indexes."""
    sizes = "SELECT relname, pg_total_relation_size(oid) FROM pg_class WHERE relkind = 'r' AND relname !~ '^(pg|sql)_'"
    async with database.reading() as connection:
        found = {str(name): int(size) for name, size in await connection.execute(text(sizes))}
    return sum(found[name] for name in KEPT), sum(found.values())


def _processor_s(server: PostgresServer) -> float:
    """Core-seconds of the server's processes; those of a connection live as long as it does."""
    root = psutil.Process(int((server.folder / "postmaster.pid").read_text("utf-8").split()[0]))
    times = [each.cpu_times() for each in (root, *root.children(recursive=True))]
    return float(sum(each.user + each.system for each in times))
