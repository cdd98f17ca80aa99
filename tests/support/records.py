"""Inspections as they lie in the database, without the way of a frame; and how the database finds them."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Select, insert
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils import uuid7

from flawgate_contracts.errors import RecordsUnavailable
from flawgate_gateway.answer import FrameFacts, Inspection, Links, ModelFacts
from flawgate_gateway.database.connections import Database
from flawgate_gateway.database.tables import inspections
from flawgate_gateway.records.rows import row_of

START = datetime(2026, 11, 20, 6, tzinfo=UTC)
"""When the first shift begins."""


def inspection(minute: float = 0, /, **changes: Any) -> Inspection:
    """An OK part of the station S1, so many minutes after `START`; `changes` are fields of it."""
    identity = changes.get("inspection_id", str(uuid7()))
    decided_at = START + timedelta(minutes=minute)
    fields = {
        "inspection_id": identity,
        "station": "S1",
        "part": "SN-1",
        "recipe": "spot",
        "recipe_version": "1",
        "policy_version": "1",
        "evaluation": "OK",
        "score": 0.1,
        "threshold": 0.9,
        "reason": "SCORE_BELOW_THRESHOLD",
        "probabilities": (),
        "defects": (),
        "frame": FrameFacts(width=24, height=32, sha256="0" * 64),
        "models": (ModelFacts(name="spot_seg", version="1", sha256="1" * 64),),
        "request_id": "a" * 32,
        "trace_id": "b" * 32,
        "received_at": decided_at - timedelta(milliseconds=100),
        "decided_at": decided_at,
        "service_version": "0.1.0",
        "policy": {"threshold": 0.9},
        "preprocessing": [{"op": "grey"}],
        "stage_scores": {},
        "stage_seconds": {"preprocess": 0.01, "decide": 0.09},
        "links": Links.of(identity, pictures=False, mask=False, overlay=False),
    }
    return Inspection.model_validate({**fields, **changes})


class BreakingDatabase(Database):
    """A database that is read so many times, and then does not answer any more."""

    def __init__(self, database: Database, *, readings: int) -> None:
        super().__init__(database._engine, database._lanes)
        self.has_tables = database.has_tables
        self._left = readings

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """See `Database`."""
        if self._left == 0:
            raise RecordsUnavailable("The records cannot be read just now.")
        self._left -= 1
        async with super().reading() as connection:
            yield connection


async def recorded(database: Database, written: Iterable[Inspection]) -> None:
    """Write records, all in one transaction."""
    async with database.writing() as connection:
        await connection.execute(insert(inspections), [row_of(each) for each in written])


async def plan_of(database: Database, statement: Select[Any], *, measured: bool = False) -> str:
    """How the database carries out a statement; `measured`: PostgreSQL does so and says what it took."""
    async with database.reading() as connection:
        said = str(statement.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True}))
        verb = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN ANALYZE" if measured else "EXPLAIN"
        rows = (await connection.exec_driver_sql(f"{verb} {said}")).all()
    return "\n".join(str(row[-1]) for row in rows)
