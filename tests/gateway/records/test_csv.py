import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from support.records import START, BreakingDatabase, inspection, recorded

from flawgate_contracts.errors import RecordsUnavailable
from flawgate_gateway.answer import Box, Defect
from flawgate_gateway.database.connections import Database, connect
from flawgate_gateway.records.csv_rows import BATCH, COLUMNS, CsvExport
from flawgate_gateway.records.filters import InspectionFilter


async def exported(database: Database, **asked: Any) -> bytes:
    """The whole file."""
    return b"".join([chunk async for chunk in CsvExport(database).chunks(InspectionFilter(**asked))])


def read(data: bytes) -> list[dict[str, str]]:
    """The lines by column, as a strict reader takes them."""
    return list(csv.DictReader(io.StringIO(data.decode(), newline=""), strict=True))


def defect(area_px: int) -> Defect:
    """One of an area."""
    return Defect(box=Box(x=1, y=2, width=3, height=4), area_px=area_px, area_mm2=None, peak=1, class_name="spot")


async def test_an_inspection_is_one_line(database: Database) -> None:
    """All columns, in their order; times UTC, nothing for null."""
    written = inspection(
        part="SN-7", station=None, lot="L1", evaluation="NOT_OK", reason="SCORE_ABOVE_THRESHOLD", score=0.95,
        class_name="spot", defects=(defect(20), defect(64)), acquired_at=START - timedelta(seconds=1),
    )  # fmt: skip
    await recorded(database, [written])
    expected = (
        f"{written.inspection_id},2026-11-20T06:00:00.000Z,NOT_OK,SCORE_ABOVE_THRESHOLD,0.95,0.9,0.05,spot,1,1,"
        f",,,,SN-7,L1,,spot,2,64,2026-11-20T05:59:59.000Z,2026-11-20T05:59:59.900Z,24,32,{'0' * 64},0.1.0,"
        f"{'a' * 32},{'b' * 32},stable\r\n"
    )
    assert f"{','.join(COLUMNS)}\r\n{expected}" == (await exported(database)).decode()


async def test_nothing_found_is_a_header_alone(database: Database) -> None:
    """A file that says so, not an empty one."""
    assert ",".join(COLUMNS) + "\r\n" == (await exported(database, part="SN-9")).decode()


async def test_a_part_without_a_score_has_empty_cells(database: Database) -> None:
    """Neither a score nor a margin of 0."""
    await recorded(database, [inspection(score=None, evaluation="NOT_DECIDABLE", reason="DEADLINE_UNREACHABLE")])
    (line,) = read(await exported(database))
    assert (line["score"], line["margin"], line["threshold"]) == ("", "", "0.9")


@pytest.mark.parametrize("count", [BATCH - 1, BATCH, BATCH + 1, 2 * BATCH])
async def test_all_are_exported_once_in_order(database: Database, count: int) -> None:
    """The oldest first, through the ends of batches, though many were decided at once."""
    written = [inspection(number // 7) for number in range(count)]
    await recorded(database, reversed(written))
    expected = sorted(written, key=lambda each: (each.decided_at, each.inspection_id))
    found = [line["inspection_id"] for line in read(await exported(database))]
    assert [each.inspection_id for each in expected] == found


async def test_the_file_comes_in_pieces(database: Database) -> None:
    """One batch at a time, however much there is."""
    await recorded(database, [inspection(minute) for minute in range(2 * BATCH + 1)])
    pieces = [chunk.count(b"\r\n") async for chunk in CsvExport(database).chunks(InspectionFilter())]
    assert pieces == [1 + BATCH, BATCH, 1]


async def test_what_is_written_meanwhile_does_not_disturb(database: Database) -> None:
    """What was there comes once; nothing is chased that was decided after it."""
    there = [inspection(minute) for minute in range(BATCH + 10)]
    await recorded(database, there)
    data = b""
    async for chunk in CsvExport(database).chunks(InspectionFilter()):
        data += chunk
        await recorded(database, [inspection(-1), inspection(10_000)])
    assert [each.inspection_id for each in there] == [line["inspection_id"] for line in read(data)]


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ('=HYPERLINK("http://x","y")', '\'=HYPERLINK("http://x","y")'),
        ("+1+1", "'+1+1"),
        ("-2", "'-2"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\uff1d1+1", "'\uff1d1+1"),
        ("'=1", "''=1"),
        ("SN=1", "SN=1"),
        ("a,b", "a,b"),
        ('a"b', 'a"b'),
        ("Größe 7 µm 零件 👩", "Größe 7 µm 零件 👩"),
        (" =1", " =1"),
    ],
)
async def test_no_name_is_computed_by_a_spreadsheet(database: Database, text: str, cell: str) -> None:
    """An apostrophe stands in front of what would be; taking one off the front gives the name back."""
    await recorded(database, [inspection(part=text, work_order=text, class_name=text)])
    (line,) = read(await exported(database))
    assert [cell] * 3 == [line[name] for name in ("part", "work_order", "class")]


async def test_a_negative_margin_stays_a_number(database: Database) -> None:
    """Only text from outside is guarded."""
    await recorded(database, [inspection(score=0.1)])
    assert read(await exported(database))[0]["margin"] == "-0.8"


async def test_an_export_that_breaks_is_not_taken_for_whole(database: Database) -> None:
    """The iteration ends with the error, after the lines that were read."""
    await recorded(database, [inspection(minute) for minute in range(BATCH + 1)])
    chunks = CsvExport(BreakingDatabase(database, readings=2)).chunks(InspectionFilter())
    assert (await anext(chunks)).count(b"\r\n") == BATCH + 1
    with pytest.raises(RecordsUnavailable):
        await anext(chunks)


async def test_a_database_that_is_down_is_said_before_the_first_line() -> None:
    """So that a door can still answer with a problem."""
    database = connect("postgresql://nobody@127.0.0.1:9/none")
    with pytest.raises(RecordsUnavailable):
        await exported(database)
    await database.close()
