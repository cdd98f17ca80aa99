from collections.abc import Mapping
from typing import Any

import pytest
import records_plant as plant
from sqlalchemy import insert, text
from support.records import plan_of

from flawgate_gateway.database.connections import Database
from flawgate_gateway.database.moments import from_us
from flawgate_gateway.database.tables import inspections
from flawgate_gateway.records.cursors import Position
from flawgate_gateway.records.filters import InspectionFilter, Order
from flawgate_gateway.records.queries import found

RECORDS = 5000
"""With fewer, PostgreSQL rightly reads the whole table."""
LONG_AGO = from_us(plant.END_US - plant.SPAN_US * 3 // 4)
NOT_OK, OK = ("NOT_OK",), ("OK",)

INDEXES: Mapping[str, list[dict[str, Any]]] = {
    "ix_inspections_time": [{}, {"decided_from": LONG_AGO}, {"evaluation": OK}],
    "ix_inspections_part": [{"part": "SN-00000007"}],
    "ix_inspections_lot": [{"lot": "S08-00000"}, {"lot": "S08-00000", "evaluation": OK}],
    "ix_inspections_work_order": [{"work_order": "WO-000000-7"}, {"work_order": "WO-000000-7", "evaluation": OK}],
    "ix_inspections_station": [{"station": "S08"}, {"station": "S08", "decided_from": LONG_AGO, "evaluation": OK}],
    "ix_inspections_recipe": [{"recipe": "recipe_07"}, {"recipe": "recipe_07", "evaluation": OK}],
    "ix_inspections_version": [{"recipe": "recipe_07", "recipe_version": "4"}],
    "ix_inspections_not_ok": [
        {"evaluation": NOT_OK},
        {"evaluation": ("NOT_OK", "NOT_DECIDABLE"), "decided_from": LONG_AGO},
        {"evaluation": NOT_OK, "station": "S08", "decided_from": LONG_AGO},
        {"evaluation": ("NOT_DECIDABLE",), "reviewed": False},
    ],
    "ix_inspections_near": [
        {"max_margin": 0.05},
        {"max_margin": 0.05, "recipe": "recipe_07", "recipe_version": "7", "decided_from": LONG_AGO},
    ],
}
"""Index → what is found by it."""

SEVERAL: Mapping[str, list[dict[str, Any]]] = {
    "ix_inspections_part": [
        {"part": "SN-00000007", "lot": "S08-00000", "station": "S08", "decided_from": LONG_AGO},
        {"part": "SN-00000007", "evaluation": NOT_OK, "max_margin": 0.05},
    ],
    "ix_inspections_lot": [{"lot": "S08-00000", "station": "S08", "recipe": "recipe_07", "evaluation": OK}],
    "ix_inspections_station": [{"station": "S08", "recipe": "recipe_07"}],
}
"""The same, where several would do: SQLite is steered to it, PostgreSQL counts, and may take another or two."""

SLOW = ("USE TEMP B-TREE", "Seq Scan on inspections")
"""All that is found is sorted, or the whole table is read."""


@pytest.fixture
async def plant_records(database: Database) -> Database:
    """With the first records of the benchmark's plant."""
    async with database.writing() as connection:
        await connection.execute(insert(inspections), list(plant.rows(RECORDS)))
        if not database.is_sqlite:
            await connection.execute(text("ANALYZE"))
    return database


@pytest.mark.parametrize("order", ["newest", "oldest"])
@pytest.mark.parametrize("paged", [False, True])
async def test_a_query_is_found_by_its_index(plant_records: Database, order: Order, *, paged: bool) -> None:
    """And read in order: a wrong choice shows only with a plant's numbers, as seconds."""
    after = Position(plant.END_US - plant.SPAN_US // 2, "01939c1e-7b1a-7c43-9d5e-3f1c2a9b8e10") if paged else None
    slow = [
        (asked, plan)
        for index, queries in INDEXES.items()
        for asked in queries
        if index not in (plan := await _plan(plant_records, asked, order, after)) or any(word in plan for word in SLOW)
    ]
    assert slow == []


async def test_of_several_indexes_the_one_that_leaves_the_fewest_is_used(plant_records: Database) -> None:
    """All records of a station are never read for the sake of one part."""
    slow = [
        (asked, plan)
        for index, queries in SEVERAL.items()
        for asked in queries
        if (index if plant_records.is_sqlite else "ix_inspections_")
        not in (plan := await _plan(plant_records, asked, "newest", None))
        or any(word in plan for word in SLOW)
    ]
    assert slow == []


async def _plan(database: Database, asked: dict[str, Any], order: Order, after: Position | None) -> str:
    statement = found(InspectionFilter(**asked), order, after, steered=database.is_sqlite).limit(101)
    return await plan_of(database, statement)
