"""What happens at a station, as it goes on record: for viewers.

Inspections and gaps are found by their time and id. A transaction that began earlier may end later, at this gateway or
another; so each look goes back over a window of time, and gives what it has not given before. It goes as far ahead, and
no further: what a camera with a wrong clock decided by itself waits for its time, so that little has to be remembered.
"""

import re
from dataclasses import dataclass
from typing import Any, Literal, Self

from sqlalchemy import BindParameter, Connection, bindparam, literal, select, union_all

from flawgate_contracts.errors import InvalidParameter
from flawgate_gateway.database.connections import Database
from flawgate_gateway.database.moments import now_us
from flawgate_gateway.database.tables import gaps, inspections
from flawgate_gateway.records.rows import inspection_of, selected
from flawgate_gateway.stream.book import gap_of

WINDOW_US = 15_000_000
"""How much later than its time something may go on record and still be seen, in microseconds."""
AT_ONCE = 100
"""Given by one look, at most."""

_CURSOR = re.compile(r"(\d{1,18})-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})", re.ASCII)
_STATION: BindParameter[str] = bindparam("station")
_SINCE: BindParameter[int] = bindparam("since")
_UNTIL: BindParameter[int] = bindparam("until")
_IDS: BindParameter[list[str]] = bindparam("ids", expanding=True)
_FOUND = union_all(
    select(
        inspections.c.decided_at_us.label("at"), inspections.c.id.label("id"), literal("inspection").label("kind")
    ).where(inspections.c.station == _STATION, inspections.c.decided_at_us.between(_SINCE, _UNTIL)),
    select(gaps.c.received_at_us, gaps.c.id, literal("gap")).where(
        gaps.c.station == _STATION, gaps.c.received_at_us.between(_SINCE, _UNTIL)
    ),
).subquery()
_IN_ORDER = select(_FOUND).order_by(_FOUND.c.at, _FOUND.c.id).limit(bindparam("most"))
_INSPECTIONS = selected().where(inspections.c.id.in_(_IDS))
_GAPS = select(gaps).where(gaps.c.id.in_(_IDS))


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in what happens at a station."""

    at_us: int
    id: str
    """UUID."""

    def __str__(self) -> str:
        return f"{self.at_us}-{self.id}"

    @classmethod
    def of(cls, text: str) -> Self:
        """From its text.

        Raises:
            InvalidParameter: it is none.
        """
        found = _CURSOR.fullmatch(text)
        if found is None:
            raise InvalidParameter(
                "The last event's id is none of ours; send it as it came, or none to begin with what happens now.",
                {"field": "Last-Event-ID"},
            )
        return cls(int(found[1]), found[2])


@dataclass(frozen=True, slots=True)
class Happened:
    """An inspection or a gap."""

    kind: Literal["inspection", "gap"]
    cursor: Cursor
    document: str
    """As JSON."""


class StationFeed:
    """What happens at one station, for one viewer; an inspection that is found late is given late, and once."""

    def __init__(self, database: Database, station: str, after: Cursor | None) -> None:
        """A feed.

        Args:
            database: of all gateways.
            station: its name.
            after: what was seen last; None: what happens from now on. What happened within the window before it is
                given again, since some of it may have been recorded after it.
        """
        self._database = database
        self._station = station
        now = now_us()
        self._high_us = now if after is None else min(after.at_us, now)
        self._floor_us = self._high_us if after is None else self._high_us - WINDOW_US
        self._seen: dict[str, int] = {} if after is None else {after.id: after.at_us}

    async def look(self) -> list[Happened]:
        """What was not given before: some of it, in its order; nothing where there is nothing new.

        Raises:
            RecordsUnavailable: the database does not answer.
        """
        since_us = max(self._floor_us, self._high_us - WINDOW_US)
        found = await self._database.read(lambda connection: self._read(connection, since_us))
        now = now_us()
        for happened in found:
            self._seen[happened.cursor.id] = happened.cursor.at_us
            # A camera that decided by itself, with its clock ahead, must not hide what comes after it.
            self._high_us = max(self._high_us, min(happened.cursor.at_us, now))
        oldest_us = self._high_us - WINDOW_US
        self._seen = {identity: at_us for identity, at_us in self._seen.items() if at_us >= oldest_us}
        return found

    def _read(self, connection: Connection, since_us: int) -> list[Happened]:
        bounds = {"since": since_us, "until": now_us() + WINDOW_US}
        wanted = {"station": self._station, **bounds, "most": AT_ONCE + len(self._seen)}
        places = [row for row in connection.execute(_IN_ORDER, wanted) if row.id not in self._seen][:AT_ONCE]
        documents = _documents(connection, [row.id for row in places])
        return [Happened(row.kind, Cursor(row.at, row.id), documents[row.id]) for row in places]


def _documents(connection: Connection, ids: list[str]) -> dict[str, str]:
    if not ids:
        return {}
    wanted: dict[str, Any] = {"ids": ids}
    inspected = (inspection_of(dict(row)) for row in connection.execute(_INSPECTIONS, wanted).mappings())
    dropped = (gap_of(row) for row in connection.execute(_GAPS, wanted).mappings())
    return {
        **{inspection.inspection_id: inspection.model_dump_json() for inspection in inspected},
        **{gap.gap_id: gap.model_dump_json() for gap in dropped},
    }
