from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert
from support.records import START, inspection, recorded
from uuid_utils import uuid7

from flawgate_contracts.errors import RecordsUnavailable
from flawgate_gateway.answer import FrameFacts, Inspection
from flawgate_gateway.database.connections import Database, connect
from flawgate_gateway.database.moments import now_us
from flawgate_gateway.database.tables import reviews
from flawgate_gateway.records.filters import InspectionFilter, Order, PageRequest
from flawgate_gateway.records.queries import list_inspections

ODD_NAMES = (
    "'; DROP TABLE inspections; --",
    "' OR '1'='1",
    '" OR ""="',
    "SN%",
    "SN_1",
    "\\",
    "${jndi:ldap://x}",
    ":lot_1",
    "$1",
    "?",
    "Größe 7 µm",
    "零件-1",
    "👩‍🔧" * 20,
    "e\u0301",  # é in two code points
    "\u202eSN-1",  # written from right to left
    " SN-1 ",
)
OTHER_PLACES = ("plant", "line", "station", "camera", "lot", "work_order")


async def found_parts(database: Database, **asked: Any) -> list[str | None]:
    """The parts of all records that a query finds."""
    page = await list_inspections(database, InspectionFilter(**asked), PageRequest(order="oldest"))
    assert page.next_page_token is None
    return [each.part for each in page.inspections]


async def all_pages(database: Database, wanted: InspectionFilter, order: Order, size: int) -> list[list[str]]:
    """The ids of all pages."""
    pages: list[list[str]] = []
    token = None
    while not pages or token:
        page = await list_inspections(database, wanted, PageRequest(order=order, page_size=size, page_token=token))
        pages.append([each.inspection_id for each in page.inspections])
        token = page.next_page_token
    return pages


async def test_an_inspection_is_found_as_it_was_recorded(database: Database) -> None:
    """All of its document, with links."""
    written = inspection(part="SN-7", acquired_at=START, score=None, evaluation="NOT_DECIDABLE", reason="LATE")
    await recorded(database, [written, inspection()])
    page = await list_inspections(database, InspectionFilter(part="SN-7"), PageRequest())
    assert (written,) == page.inspections


@pytest.mark.parametrize(
    ("changes", "asked"),
    [
        *(({name: "this"}, {name: "this"}) for name in OTHER_PLACES),
        ({"recipe": "texture"}, {"recipe": "texture"}),
        ({"recipe_version": "7"}, {"recipe_version": "7"}),
        ({"recipe_version": "7"}, {"recipe": "spot", "recipe_version": "7"}),
        ({"policy_version": "2"}, {"policy_version": "2"}),
        ({"variant": "canary"}, {"variant": "canary"}),
        ({"evaluation": "NOT_OK"}, {"evaluation": ("NOT_OK",)}),
        ({"evaluation": "NOT_OK"}, {"evaluation": ("NOT_OK", "NOT_DECIDABLE"), "station": "S1"}),
        ({"reason": "LATE"}, {"reason": "LATE"}),
        ({"score": 0.6}, {"min_score": 0.6}),
        ({"score": 0.05}, {"max_score": 0.05}),
        ({"score": 0.86}, {"max_margin": 0.05}),
        ({"score": 0.94}, {"max_margin": 0.05, "recipe": "spot", "recipe_version": "1"}),
        ({"score": 0.7}, {"max_margin": 0.5}),
        ({"frame": FrameFacts(width=1, height=1, sha256="f" * 64)}, {"frame_sha256": "f" * 64}),
    ],
)
async def test_every_field_finds_its_records_alone(
    database: Database, changes: dict[str, Any], asked: dict[str, Any]
) -> None:
    """Nothing else, with whichever index."""
    others = [inspection(minute, part="another") for minute in (0, 2)]
    await recorded(database, [*others, inspection(1, part="this", **changes)])
    assert await found_parts(database, **asked) == ["this"]


async def test_all_that_is_asked_must_be_met(database: Database) -> None:
    """Fields are joined by and, evaluations by or."""
    kinds = [("a", "S1", "NOT_OK"), ("b", "S1", "NOT_DECIDABLE"), ("c", "S1", "OK"), ("d", "S2", "NOT_OK")]
    await recorded(
        database,
        [inspection(n, part=part, station=at, evaluation=said) for n, (part, at, said) in enumerate(kinds)],
    )
    assert await found_parts(database, station="S1", evaluation=("NOT_DECIDABLE", "NOT_OK")) == ["a", "b"]
    assert await found_parts(database, station="S1", evaluation=("NOT_DECIDABLE", "OK")) == ["b", "c"]
    assert await found_parts(database, station="S1", evaluation=("NOT_OK", "NOT_OK")) == ["a"]
    assert await found_parts(database, station="S2", part="a") == []


async def test_a_range_of_time_is_half_open(database: Database) -> None:
    """Ranges that touch have each record once."""
    await recorded(database, [inspection(minute, part=str(minute)) for minute in range(4)])
    first, last = START + timedelta(minutes=1), START + timedelta(minutes=3)
    assert await found_parts(database, decided_from=first, decided_to=last) == ["1", "2"]
    assert await found_parts(database, decided_from=first, decided_to=first) == []


@pytest.mark.parametrize(
    ("score", "near"), [(0.85, True), (0.95, True), (0.8499, False), (0.9501, False), (None, False)]
)
async def test_the_margin_counts_to_either_side(database: Database, score: float | None, near: bool) -> None:  # noqa: FBT001
    """A score of 0.85 is within 0.05 of 0.9, whatever floats make of their difference."""
    await recorded(database, [inspection(part="this", score=score)])
    assert (["this"] if near else []) == await found_parts(database, max_margin=0.05)


@pytest.mark.parametrize("margin", [0.0999, 0.1, 0.1001])
async def test_the_edge_of_the_small_index_loses_nothing(database: Database, margin: float) -> None:
    """Up to 0.1 the records near the threshold have an index of their own; beyond they must be found without."""
    scores = {"below": 0.9 - 0.0999, "edge": 0.8, "upper edge": 1.0}
    await recorded(database, [inspection(n, part=part, score=score) for n, (part, score) in enumerate(scores.items())])
    expected = ["below"] if margin < 0.1 else list(scores)
    assert expected == await found_parts(database, max_margin=margin)


async def test_a_review_can_be_asked_for(database: Database) -> None:
    """However many reviews an inspection has, it is found once."""
    seen, unseen = inspection(0, part="seen"), inspection(1, part="unseen")
    await recorded(database, [seen, unseen])
    review = {"evaluation": "OK", "reviewer": "Ana", "caller": "anyone", "reviewed_at_us": now_us()}
    async with database.writing() as connection:
        for _ in range(2):
            row = {**review, "id": str(uuid7()), "inspection_id": seen.inspection_id}
            await connection.execute(insert(reviews).values(**row))
    assert await found_parts(database, reviewed=True) == ["seen"]
    assert await found_parts(database, reviewed=False) == ["unseen"]
    assert await found_parts(database) == ["seen", "unseen"]


async def test_odd_names_are_names(database: Database) -> None:
    """SQL, wildcards, placeholders and any Unicode: found by exactly themselves, and nothing else by them."""
    await recorded(database, [inspection(part="SN-1")])
    await recorded(database, [inspection(part=name, **dict.fromkeys(OTHER_PLACES, name)) for name in ODD_NAMES])
    for name in ODD_NAMES:
        for field in ("part", *OTHER_PLACES):
            assert [name] == await found_parts(database, **{field: name})
    assert await found_parts(database, part="SN-1") == ["SN-1"]


@pytest.mark.parametrize("order", ["newest", "oldest"])
@pytest.mark.parametrize("size", [1, 3, 10, 100])
async def test_pages_are_in_order_with_equal_times(database: Database, order: Order, size: int) -> None:
    """Records of one microsecond are told apart by their id, so that none is shown twice or never."""
    written = [inspection(minute) for minute in (0, 1, 1, 1, 1, 1, 2, 2, 2, 3)]
    await recorded(database, reversed(written))
    expected = [each.inspection_id for each in sorted(written, key=_place, reverse=order == "newest")]
    pages = await all_pages(database, InspectionFilter(), order, size)
    assert expected == [identity for page in pages for identity in page]
    assert -(-len(written) // size) == len(pages)


@pytest.mark.parametrize("order", ["newest", "oldest"])
async def test_pages_hold_while_records_are_written(database: Database, order: Order) -> None:
    """What was there at the first page is shown once each, whatever comes before, after and in between."""
    there = [inspection(minute, lot="L1") for minute in range(0, 20, 2)]
    await recorded(database, there)
    seen: list[str] = []
    token = None
    for turn in range(20):
        page = await list_inspections(
            database, InspectionFilter(lot="L1"), PageRequest(order=order, page_size=2, page_token=token)
        )
        seen += [each.inspection_id for each in page.inspections]
        token = page.next_page_token
        if token is None:
            break
        await recorded(database, [inspection(minute, lot="L1") for minute in (-1 - turn, 2 * turn + 1, 100 + turn)])
    known = {each.inspection_id for each in there}
    shown = [identity for identity in seen if identity in known]
    assert len(set(seen)) == len(seen)
    assert [each.inspection_id for each in sorted(there, key=_place, reverse=order == "newest")] == shown


async def test_a_database_that_is_not_there_is_said() -> None:
    """An error that a retry may help, not an empty page."""
    database = connect("postgresql://nobody@127.0.0.1:9/none")
    with pytest.raises(RecordsUnavailable):
        await list_inspections(database, InspectionFilter(), PageRequest())
    await database.close()


def _place(each: Inspection) -> tuple[Any, str]:
    return each.decided_at, each.inspection_id
