import pytest
from support.records import inspection, plan_of, recorded
from support.reviewed import review

from flawgate_contracts.errors import InvalidParameter
from flawgate_gateway.answer import Inspection
from flawgate_gateway.database.connections import Database
from flawgate_gateway.reviews.counting import count_waiting, counts
from flawgate_gateway.reviews.queue import QueueQuery, candidates, read_queue, waiting

SCORES = {"far": 0.1, "below": 0.86, "edge": 0.85, "past the edge": 0.8499, "above": 0.93, "sure": 1.0}


def near(minute: int, score: float, **changes: object) -> Inspection:
    """A record with that score, against a threshold of 0.9."""
    return inspection(minute, score=score, evaluation="NOT_OK" if score >= 0.9 else "OK", **changes)


async def queued(database: Database, **query: object) -> list[str | None]:
    """The parts that wait, in order, all pages together."""
    parts: list[str | None] = []
    token = None
    while True:
        page = await read_queue(database, QueueQuery.model_validate({**query, "page_token": token}))
        parts += [each.part for each in page.inspections]
        token = page.next_page_token
        if token is None:
            return parts


async def test_what_is_undecided_or_near_its_threshold_waits(database: Database) -> None:
    """The band counts on both sides, its edge too; what was never looked at waits as well."""
    records = [near(minute, score, part=part) for minute, (part, score) in enumerate(SCORES.items())]
    undecided = {"evaluation": "NOT_DECIDABLE", "reason": "SCORE_IN_GUARD_BAND"}
    records.append(inspection(10, part="guarded", score=0.7, **undecided))
    records.append(inspection(11, part="unseen", score=None, evaluation="NOT_DECIDABLE"))
    records.append(near(12, 0.89, part="by area", reason="AREAS_WITHIN_LIMITS"))
    await recorded(database, records)
    assert await queued(database) == ["below", "edge", "above", "guarded", "unseen"]
    assert await queued(database, order="nearest") == ["above", "below", "edge", "guarded", "unseen"]
    assert await queued(database, band=0.03) == ["above", "guarded", "unseen"]
    assert await queued(database, band=0) == ["guarded", "unseen"]


async def test_what_was_reviewed_waits_no_more(database: Database) -> None:
    """Whatever was said of it."""
    records = [near(minute, 0.9, part=f"SN-{minute}") for minute in range(3)]
    await recorded(database, records)
    await review(database, records[1].inspection_id, "NOT_DECIDABLE")
    assert await queued(database) == ["SN-0", "SN-2"]


@pytest.mark.parametrize("order", ["oldest", "nearest"])
@pytest.mark.parametrize("page_size", [1, 2, 3, 100])
async def test_pages_show_each_that_waits_once_and_in_order(database: Database, order: str, page_size: int) -> None:
    """Also where moments and distances are the same for several, and in both lists of those that wait."""
    records = [
        near(minute // 2, score, part=f"{score}-{minute}") for minute, score in enumerate([0.9, 0.88, 0.9, 0.92])
    ]
    undecided = {"evaluation": "NOT_DECIDABLE", "reason": "SCORE_IN_GUARD_BAND"}
    records += [inspection(minute, score=0.88, part=f"u{minute}", **undecided) for minute in range(3)]
    await recorded(database, records)
    shown = await queued(database, order=order, page_size=page_size)
    assert shown == await queued(database, order=order)
    assert sorted(map(str, shown)) == sorted(str(each.part) for each in records)


async def test_the_queue_goes_by_recipe_station_and_lot(database: Database) -> None:
    """All that is given must be met."""
    places = [("spot", "S1", "A"), ("spot", "S2", "A"), ("spot", "S1", "B"), ("other", "S1", "A")]
    records = [
        near(minute, 0.9, part=str(minute), recipe=recipe, station=station, lot=lot)
        for minute, (recipe, station, lot) in enumerate(places)
    ]
    await recorded(database, records)
    assert await queued(database, recipe="spot") == ["0", "1", "2"]
    assert await queued(database, recipe="spot", station="S1") == ["0", "2"]
    assert await queued(database, recipe="spot", station="S1", lot="A") == ["0"]


@pytest.mark.parametrize("token", ["", "x", "A" * 60, "零件", "=" * 10])
async def test_a_token_that_is_none_of_this_query_is_refused(database: Database, token: str) -> None:
    """It would leave out what waits."""
    with pytest.raises(InvalidParameter) as raised:
        await read_queue(database, QueueQuery(page_token=token))
    assert raised.value.metadata == {"field": "page_token"}


async def test_a_token_goes_with_its_order_and_filter(database: Database) -> None:
    """Of another query it is refused; of another page size it goes on."""
    await recorded(database, [near(minute, 0.9) for minute in range(3)])
    token = (await read_queue(database, QueueQuery(page_size=1))).next_page_token
    assert len((await read_queue(database, QueueQuery(page_size=5, page_token=token))).inspections) == 2
    for other in ({"order": "nearest"}, {"band": 0.01}, {"lot": "A"}):
        with pytest.raises(InvalidParameter):
            await read_queue(database, QueueQuery.model_validate({"page_token": token, **other}))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("query", [QueueQuery(), QueueQuery(recipe="spot", station="S1")], ids=["all", "of a station"])
async def test_the_queue_reads_two_small_indexes(database: Database, query: QueueQuery) -> None:
    """However many records there are, those that wait are found without looking at the others."""
    plans = [await plan_of(database, each) for each in waiting(query, None, steered=True)]
    for plan, index in zip(plans, ("ix_inspections_not_ok", "ix_inspections_near"), strict=True):
        assert index in plan
        assert "TEMP B-TREE" not in plan


async def test_those_that_wait_are_counted(database: Database) -> None:
    """As the queue shows them unless told otherwise: NOT_DECIDABLE or near, and not reviewed."""
    records = [near(minute, 0.89) for minute in range(4)]
    records += [inspection(minute, evaluation="NOT_DECIDABLE", score=None) for minute in range(3)]
    await recorded(database, [*records, near(9, 0.1), near(9, 0.89, reason="AREAS_WITHIN_LIMITS")])
    await review(database, records[0].inspection_id, "OK", "NOT_OK")
    await review(database, records[4].inspection_id, "NOT_OK")
    assert len(await queued(database)) == 5
    assert await count_waiting(database) == 5


async def test_the_count_looks_at_the_latest_alone(database: Database) -> None:
    """It costs the same after ten years; what nobody has looked at for so long is not in it."""
    await recorded(database, [near(minute, 0.89) for minute in range(6)])
    assert await count_waiting(database, latest=4) == 4


async def test_the_count_reads_the_small_indexes_in_their_order(database: Database) -> None:
    """Neither all records, nor all of an index before the latest are found."""
    await recorded(database, [near(minute, 0.1) for minute in range(400)])
    plans = [await plan_of(database, statement.limit(10)) for statement in candidates(QueueQuery())]
    assert ["ix_inspections_not_ok" in plans[0], "ix_inspections_near" in plans[1]] == [True, True]
    assert not any("TEMP B-TREE" in plan or "Sort" in plan for plan in plans)


async def test_the_count_looks_up_the_reviews_of_the_latest_alone(database: Database) -> None:
    """A list of all reviews ever given grows for years, and PostgreSQL goes through it for each part."""
    await recorded(database, [near(minute, 0.89) for minute in range(4)])
    plans = [await plan_of(database, statement) for statement in counts(10)]
    assert ["ix_reviews_inspection" in plan or "Anti Join" in plan for plan in plans] == [True, True]
    assert not any("SubPlan" in plan or "LIST SUBQUERY" in plan for plan in plans)
