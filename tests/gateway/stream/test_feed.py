import asyncio
from datetime import UTC, datetime, timedelta

from support.records import inspection, recorded

from flawgate_gateway.answer import Inspection
from flawgate_gateway.database.connections import Database
from flawgate_gateway.database.moments import to_us
from flawgate_gateway.stream.feed import AT_ONCE, WINDOW_US, Cursor, Happened, StationFeed


def decided(seconds: float, station: str = "S1") -> Inspection:
    """An inspection that is decided so many seconds from now."""
    at = datetime.now(UTC) + timedelta(seconds=seconds)
    return inspection(station=station, decided_at=at, received_at=at)


def ids(found: list[Happened]) -> list[str]:
    """Of what was given."""
    return [happened.cursor.id for happened in found]


async def test_what_goes_on_record_late_is_given_late_and_once(database: Database) -> None:
    """A transaction that began earlier may end later; other stations, and what was before, are not given."""
    before = decided(-1)
    await recorded(database, [before])
    feed = StationFeed(database, "S1", None)
    early, late, elsewhere = decided(1), decided(2), decided(1.5, station="S2")
    await recorded(database, [late, elsewhere])
    assert ids(await feed.look()) == [late.inspection_id]
    await recorded(database, [early])
    (given,) = await feed.look()
    assert given.document == early.model_dump_json()
    assert await feed.look() == []


async def test_much_is_given_in_parts(database: Database) -> None:
    """In order, none twice, none left out."""
    feed = StationFeed(database, "S1", None)
    many = [decided(1 + number / 100) for number in range(2 * AT_ONCE + 50)]
    await recorded(database, many)
    given = [ids(await feed.look()) for _ in range(4)]
    assert [len(part) for part in given] == [AT_ONCE, AT_ONCE, 50, 0]
    assert [identity for part in given for identity in part] == [each.inspection_id for each in many]


async def test_after_a_place_comes_what_was_not_seen(database: Database) -> None:
    """And again what is within the window before it, for some of that may have been late."""
    window_s = WINDOW_US / 1e6
    old, near, seen, later = (decided(after) for after in (-2 * window_s - 1, -window_s - 1, -window_s, -1))
    await recorded(database, [old, near, seen, later])
    feed = StationFeed(database, "S1", Cursor(to_us(seen.decided_at), seen.inspection_id))
    assert ids(await feed.look()) == [near.inspection_id, later.inspection_id]
    assert await feed.look() == []


async def test_a_clock_ahead_hides_nothing(database: Database) -> None:
    """A camera that decided by itself may be wrong about the time: a little is given, much waits until it is so."""
    feed = StationFeed(database, "S1", None)
    ahead, far_ahead, right = decided(WINDOW_US / 2e6), decided(WINDOW_US / 1e6 + 1.5), decided(0.1)
    await recorded(database, [ahead, far_ahead])
    assert ids(await feed.look()) == [ahead.inspection_id]
    await recorded(database, [right])
    assert ids(await feed.look()) == [right.inspection_id]
    assert await feed.look() == []
    await asyncio.sleep(1.6)
    assert ids(await feed.look()) == [far_ahead.inspection_id]


async def test_a_place_ahead_hides_nothing(database: Database) -> None:
    """Whoever comes back with the id of an event from the future sees what happens now."""
    wrong, right = decided(1e6), decided(0.1)
    feed = StationFeed(database, "S1", Cursor(to_us(wrong.decided_at), wrong.inspection_id))
    await recorded(database, [wrong, right])
    assert ids(await feed.look()) == [right.inspection_id]


def test_a_cursor_comes_back_from_its_text() -> None:
    """As a viewer sends it."""
    cursor = Cursor(1_763_633_702_114_000, "01939c1e-7b1a-7c43-9d5e-3f1c2a9b8e10")
    assert Cursor.of(str(cursor)) == cursor
