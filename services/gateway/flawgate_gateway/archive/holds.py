"""Holds: somebody says that the pictures of an inspection, a part or a lot must stay, and why."""

from collections.abc import Mapping
from typing import Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError
from sqlalchemy import ColumnElement, and_, exists, insert, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection
from uuid_utils import uuid7

from flawgate_contracts.errors import Conflict, InvalidParameter, UnknownHold, UnknownInspection
from flawgate_gateway.answer import UtcTime
from flawgate_gateway.database.connections import Database
from flawgate_gateway.database.moments import from_us, now_us
from flawgate_gateway.database.tables import evidence, holds, inspections
from flawgate_gateway.frames import TEXT, PlantId

LOCK = 4_715_208_902
"""Number of PostgreSQL's advisory lock, held while pictures are marked as purged, and while a hold is placed."""


class HoldOrder(BaseModel):
    """What is to be held: one of the three."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={"example": {"part": "SN-123", "reason": "Complaint 2026-118 of the customer"}},
    )

    inspection_id: UUID | None = Field(default=None, description="One inspection.")
    part: PlantId | None = Field(default=None, description="All inspections of a part, those to come as well.")
    lot: PlantId | None = Field(default=None, description="All inspections of a lot, those to come as well.")
    reason: str = Field(min_length=1, max_length=1000, pattern=TEXT, description="Why, e.g. the number of a complaint.")

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        if [self.inspection_id, self.part, self.lot].count(None) != 2:
            raise PydanticCustomError("hold", "name one of inspection_id, part and lot")
        return self


class Hold(BaseModel):
    """A hold, in force until it is released."""

    model_config = ConfigDict(frozen=True)

    hold_id: str = Field(description="UUIDv7.")
    inspection_id: str | None
    part: str | None
    lot: str | None
    author: str = Field(description="Who placed it: the name of the API key.")
    reason: str
    created_at: UtcTime
    released_at: UtcTime | None = Field(description="Null: it is in force.")
    released_by: str | None


class HoldPage(BaseModel):
    """Some of the holds, the newest first."""

    model_config = ConfigDict(frozen=True)

    holds: tuple[Hold, ...]
    next_page_token: str | None = Field(description="Null: this is the last page.")


class HoldBook:
    """Places, lists and releases holds. They are never deleted."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def place(self, order: HoldOrder, author: str) -> Hold:
        """Place a hold: what it names and is not marked as purged by now stays.

        Raises:
            UnknownInspection: there is no inspection of that id.
            RecordsUnavailable: the database does not answer.
        """
        inspection_id = None if order.inspection_id is None else str(order.inspection_id)
        row = {
            "id": str(uuid7()),
            "inspection_id": inspection_id,
            "part": order.part,
            "lot": order.lot,
            "author": author,
            "reason": order.reason,
            "created_at_us": now_us(),
        }
        async with self._database.writing() as connection:
            await lock_purging(self._database, connection)
            if inspection_id is not None:
                await _check_known(connection, inspection_id)
            await connection.execute(insert(holds).values(**row))
        return _hold({**row, "released_at_us": None, "released_by": None})

    async def get(self, hold_id: str) -> Hold:
        """A hold.

        Raises:
            UnknownHold: there is none of that id.
            RecordsUnavailable: the database does not answer.
        """
        query = select(holds).where(holds.c.id == _uuid(hold_id))
        async with self._database.reading() as connection:
            row = (await connection.execute(query)).mappings().one_or_none()
        if row is None:
            raise _unknown(hold_id)
        return _hold(row)

    async def page(self, *, page_size: int, page_token: str | None, in_force: bool) -> HoldPage:
        """Some of the holds, the newest first.

        Args:
            page_size: how many at most.
            page_token: of the page before; None: the first.
            in_force: only those that are not released.

        Raises:
            InvalidParameter: the page token is none.
            RecordsUnavailable: the database does not answer.
        """
        query = select(holds).order_by(holds.c.id.desc()).limit(page_size + 1)
        if in_force:
            query = query.where(holds.c.released_at_us.is_(None))
        if page_token is not None:
            query = query.where(holds.c.id < _place_after(page_token))
        async with self._database.reading() as connection:
            found = [_hold(row) for row in (await connection.execute(query)).mappings()]
        shown = found[:page_size]
        return HoldPage(holds=tuple(shown), next_page_token=shown[-1].hold_id if len(found) > page_size else None)

    async def release(self, hold_id: str, author: str) -> Hold:
        """Release a hold.

        Raises:
            UnknownHold: there is none of that id.
            Conflict: it was released before.
            RecordsUnavailable: the database does not answer.
        """
        ours = holds.c.id == _uuid(hold_id)
        async with self._database.writing() as connection:
            ended = {"released_at_us": now_us(), "released_by": author}
            open_ = and_(ours, holds.c.released_at_us.is_(None))
            changed = (await connection.execute(update(holds).where(open_).values(**ended))).rowcount
            row = (await connection.execute(select(holds).where(ours))).mappings().one_or_none()
        if row is None:
            raise _unknown(hold_id)
        if changed == 0:
            raise Conflict("The hold was released before; place a new one if it is needed again.", {"hold_id": hold_id})
        return _hold(row)


async def lock_purging(database: Database, connection: AsyncConnection) -> None:
    """From here to the end of the transaction nobody else marks pictures as purged, or places a hold.

    SQLite has one writer at a time anyway.
    """
    if not database.is_sqlite:
        await connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": LOCK})


def is_held() -> ColumnElement[bool]:
    """Whether a hold in force names a row of `evidence` joined with `inspections`."""
    in_force = holds.c.released_at_us.is_(None)
    return or_(
        exists().where(in_force, holds.c.inspection_id == evidence.c.inspection_id),
        exists().where(in_force, holds.c.part == inspections.c.part),
        exists().where(in_force, holds.c.lot == inspections.c.lot),
    )


async def _check_known(connection: AsyncConnection, inspection_id: str) -> None:
    query = select(inspections.c.id).where(inspections.c.id == inspection_id)
    if (await connection.execute(query)).first() is None:
        raise UnknownInspection(
            f"There is no inspection {inspection_id} on record that could be held.", {"inspection_id": inspection_id}
        )


def _hold(row: Mapping[Any, Any]) -> Hold:
    released_at_us = row["released_at_us"]
    return Hold(
        hold_id=row["id"],
        inspection_id=row["inspection_id"],
        part=row["part"],
        lot=row["lot"],
        author=row["author"],
        reason=row["reason"],
        created_at=from_us(row["created_at_us"]),
        released_at=None if released_at_us is None else from_us(released_at_us),
        released_by=row["released_by"],
    )


def _place_after(page_token: str) -> str:
    try:
        return str(UUID(page_token))
    except ValueError as err:
        raise InvalidParameter(
            "The page token is none of ours; send `next_page_token` of the page before.", {"field": "page_token"}
        ) from err


def _uuid(hold_id: str) -> str:
    try:
        return str(UUID(hold_id))
    except ValueError as err:
        raise _unknown(hold_id) from err


def _unknown(hold_id: str) -> UnknownHold:
    return UnknownHold(
        f"There is no hold {hold_id[:64]!r}; `GET /v1/holds` lists those that there are.", {"hold_id": hold_id[:64]}
    )
