"""What an MES asks of a million records, on SQLite and on PostgreSQL: milliseconds, and how the database finds them.

    PYTHONPATH=tests python benchmarks/records.py [--records 1000000]

PostgreSQL is left out where it is not installed. Writes out/bench/records.json.
"""

import argparse
import asyncio
import itertools
import json
import os
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest
import records_plant as plant
from rich.console import Console
from rich.table import Table
from sqlalchemy import insert, text
from support.postgres import postgres_server
from support.records import plan_of

from flawgate_gateway.database import tables
from flawgate_gateway.database.connections import Database, connect
from flawgate_gateway.database.migrating import upgrade
from flawgate_gateway.database.moments import from_us
from flawgate_gateway.records.csv_rows import CsvExport
from flawgate_gateway.records.cursors import Position, from_token, to_token
from flawgate_gateway.records.filters import InspectionFilter, PageRequest
from flawgate_gateway.records.queries import found, list_inspections

OUT = Path("out/bench/records.json")
RECORDS = 1_000_000
KEPT = 10
"""Pictures are kept of one in so many records."""
BATCH = 10_000
REPEATS = 40
ROUNDS = 5
"""Each asks everything; of each question its quickest round counts: what others take longer is the neighbours'."""
CSV_DAYS = 3
HOUR_US = 3_600_000_000
TARGET_MS = 50.0

Query = Callable[[int], tuple[InspectionFilter, PageRequest]]
"""The query of a repetition: each asks for others, so that none is answered from what the last one left behind."""


class Questions:
    """What an MES asks, of a plant of so many records."""

    def __init__(self, records: int) -> None:
        self._records = records

    def all(self) -> Mapping[str, Query]:
        """By name."""
        return {
            "by part": lambda time: _first(part=plant.part_of(self._number(time))),
            "by lot": lambda time: _first(lot=plant.lot_of(self._number(time))),
            "by work order and evaluation": lambda time: _first(
                work_order=plant.work_order_of(self._number(time)), evaluation=("NOT_OK",)
            ),
            "NOT_OK of a station today": lambda time: _first(
                station=plant.station_of(time), evaluation=("NOT_OK",), decided_from=self._ago(24)
            ),
            "NOT_OK of a station, ever": lambda time: _first(station=plant.station_of(time), evaluation=("NOT_OK",)),
            "station, an hour weeks ago": lambda time: _first(
                station=plant.station_of(time), decided_from=self._ago(900 + time), decided_to=self._ago(899 + time)
            ),
            "recipe, old version": lambda time: _first(recipe=plant.recipe_of(time), recipe_version="4"),
            "version 7 within 0.05 of the threshold": lambda time: _first(
                recipe=plant.recipe_of(time),
                recipe_version="7",
                max_margin=0.05,
                decided_from=self._ago(240),
                decided_to=self._ago(24),
            ),
            "not decidable, not reviewed": lambda _: _first(evaluation=("NOT_DECIDABLE",), reviewed=False),
            "newest page": lambda _: _first(),
            "page in the middle of all": self._deep,
            "page in the middle of a station": lambda time: self._deep(time, station=plant.station_of(time)),
        }

    def export(self) -> InspectionFilter:
        """All records of some days."""
        return InspectionFilter(decided_from=self._ago(24 * CSV_DAYS))

    def _number(self, time: int) -> int:
        """A record, far from those of the other repetitions."""
        return (time * 7919 * 31) % self._records

    def _ago(self, hours: float) -> Any:
        return from_us(plant.END_US - int(hours * HOUR_US))

    def _deep(self, time: int, **asked: Any) -> tuple[InspectionFilter, PageRequest]:
        wanted = InspectionFilter(**asked)
        middle = Position(plant.END_US - plant.SPAN_US // 2 - time * HOUR_US, "00000000-0000-7000-8000-000000000000")
        return wanted, PageRequest(page_token=to_token(middle, wanted, "newest"))


def _first(**asked: Any) -> tuple[InspectionFilter, PageRequest]:
    return InspectionFilter(**asked), PageRequest()


async def measure(database: Database, questions: Mapping[str, Query]) -> dict[str, Any]:
    """Milliseconds and plan of each question."""
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in questions}
    for number in range(ROUNDS):
        for name, query in questions.items():
            rounds[name].append(await _round(database, query, number * REPEATS))
    return {
        name: {**min(rounds[name], key=itemgetter("p95_ms")), "plan": await _plan(database, query)}
        for name, query in questions.items()
    }


async def _round(database: Database, query: Query, first: int) -> dict[str, float]:
    """Of one question, asked several times, through to the inspections that a door would send."""
    seconds, records = [], 0
    for repetition in range(first, first + REPEATS):
        wanted, page = query(repetition)
        started = time.perf_counter()
        listed = await list_inspections(database, wanted, page)
        seconds.append(time.perf_counter() - started)
        records += len(listed.inspections)
    p50, p95 = statistics.median(seconds), statistics.quantiles(seconds, n=20)[-1]
    return {"records": records / REPEATS, "p50_ms": 1000 * p50, "p95_ms": 1000 * p95}


async def _plan(database: Database, query: Query) -> str:
    wanted, page = query(0)
    after = None if page.page_token is None else from_token(page.page_token, wanted, page.order)
    statement = found(wanted, page.order, after, steered=database.is_sqlite).limit(page.page_size + 1)
    return await plan_of(database, statement, measured=True)


async def measure_csv(database: Database, wanted: InspectionFilter) -> dict[str, float]:
    """Lines and bytes of an export, per second."""
    started, lines, size = time.perf_counter(), 0, 0
    async for chunk in CsvExport(database).chunks(wanted):
        lines += chunk.count(b"\n")
        size += len(chunk)
    seconds = time.perf_counter() - started
    return {"lines": lines - 1, "lines_per_s": lines / seconds, "mb_per_s": size / seconds / 1e6}


def batches(count: int) -> Iterator[tuple[list[plant.Row], list[plant.Row]]]:
    """Rows of inspections, and of what is kept of their pictures."""
    rows = plant.rows(count)
    while batch := list(itertools.islice(rows, BATCH)):
        yield batch, [plant.evidence_of(row) for row in batch[::KEPT]]


async def fill(database: Database, count: int) -> float:
    """Write the plant's records; gives the seconds that the database took."""
    seconds = 0.0
    for inspections, evidence in batches(count):
        started = time.perf_counter()
        async with database.writing() as connection:
            await connection.execute(insert(tables.inspections), inspections)
            await connection.execute(insert(tables.evidence), evidence)
        seconds += time.perf_counter() - started
    if not database.is_sqlite:
        async with database.writing() as connection:
            await connection.execute(text("ANALYZE"))  # as the server does by itself, a minute later
    return seconds


@contextmanager
def servers() -> Iterator[dict[str, str]]:
    """URLs of empty databases, by name."""
    with tempfile.TemporaryDirectory(prefix="flawgate-records-") as folder:
        urls = {"SQLite": f"sqlite:///{folder}/records.db"}
        try:
            with postgres_server() as server:
                yield {**urls, "PostgreSQL": server.new_database()}
        except pytest.skip.Exception as reason:
            print(reason)
            yield urls


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    """A database with all tables."""
    database = connect(url)
    await upgrade(database)
    yield database
    await database.close()


async def run(url: str, count: int) -> dict[str, Any]:
    """All figures of one database."""
    questions = Questions(count)
    async with opened(url) as database:
        seconds = await fill(database, count)
        return {
            "records": count,
            "load": os.getloadavg()[0],
            "cores": os.cpu_count(),
            "bulk_records_per_s": count / seconds,
            "queries": await measure(database, questions.all()),
            "csv": await measure_csv(database, questions.export()),
        }


def show(name: str, figures: Mapping[str, Any], console: Console) -> None:
    """Print one database's figures."""
    table = Table(title=f"{name}, {figures['records']:,} records", title_justify="left")
    for column in ("query", "records", "p50 ms", "p95 ms", "plan"):
        table.add_column(column, overflow="fold")
    for question, row in figures["queries"].items():
        numbers = (f"{row['records']:.0f}", f"{row['p50_ms']:.1f}", f"{row['p95_ms']:.1f}")
        table.add_row(question, *numbers, row["plan"], end_section=True)
    console.print(table)
    csv = figures["csv"]
    console.print(f"CSV: {csv['lines']:,} lines, {csv['lines_per_s']:,.0f} a second, {csv['mb_per_s']:.1f} MB a second")
    console.print(f"Load {figures['load']:.1f} on {figures['cores']} cores")
    console.print(f"Written in bulk, all indexes kept: {figures['bulk_records_per_s']:,.0f} records a second\n")


def main() -> None:
    """Fill, ask, print, write; fails where a query takes longer than it may."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=RECORDS)
    count = parser.parse_args().records
    console, measured = Console(width=160), {}
    with servers() as urls:
        for name, url in urls.items():
            measured[name] = asyncio.run(run(url, count))
            show(name, measured[name], console)
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(measured, indent=2) + "\n")
    slow = [
        f"{name}: {question} {row['p95_ms']:.1f} ms"
        for name, figures in measured.items()
        for question, row in figures["queries"].items()
        if row["p95_ms"] > TARGET_MS
    ]
    if slow:
        raise SystemExit(f"Slower than {TARGET_MS:g} ms: {'; '.join(slow)}")


if __name__ == "__main__":
    main()
