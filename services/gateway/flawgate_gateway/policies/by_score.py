"""A policy on scores, tried on records within the database: only counts leave it."""

from typing import Any

from sqlalchemy import Float, case, cast, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from flawgate_contracts.recipe import Policy
from flawgate_gateway.database.tables import inspections, reviews
from flawgate_gateway.policies.tally import NOT_TRUSTED, Record, Tally
from flawgate_gateway.reasons import GOLDEN_CHECK_FAILED
from flawgate_gateway.reviews.latest import latest
from flawgate_imaging.scores import SCORE_DECIMALS

MAX_RECORDS = 200_000


async def tally_scores(connection: AsyncConnection, records: Any, policy: Policy, tally: Tally) -> None:
    """Judge records again by their scores.

    Args:
        connection: for reading.
        records: a statement of `queries.found`, the latest first, limited.
        policy: without areas.
        tally: that they are added to.
    """
    judged = _judged(records, policy).subquery()
    groups = (judged.c.decided, judged.c.proposed, judged.c.reviewed)
    counted = select(*groups, func.count().label("records")).group_by(*groups)
    for row in await connection.execute(counted):
        tally.add(Record(row.decided, row.proposed or "NO_SCORE", row.reviewed), row.records)


async def name_examples(connection: AsyncConnection, records: Any, policy: Policy, tally: Tally) -> None:
    """Name the latest mistakes. `records`: as above, but for those that were not reviewed."""
    judged = _judged(records, policy).subquery()
    for mistake in tally.mistakes:
        which = (judged.c.proposed == mistake.evaluation) & (judged.c.reviewed == mistake.truth)
        query = select(judged.c.id).where(which).order_by(judged.c.decided_at_us.desc(), judged.c.id.desc())
        mistake.examples = list((await connection.scalars(query.limit(tally.max_examples))).all())


def _judged(records: Any, policy: Policy) -> Any:
    """As `flawgate_imaging.policy.evaluate`, in SQL: null without a score, an obstacle where the score says nothing."""
    columns = (inspections.c[name] for name in ("id", "decided_at_us", "evaluation", "reason", "score"))
    seen = records.with_only_columns(*columns, latest(reviews.c.evaluation).label("reviewed")).subquery()
    good = round(policy.threshold - policy.guard_band, SCORE_DECIMALS)
    proposed = case(
        (seen.c.reason == GOLDEN_CHECK_FAILED, NOT_TRUSTED),
        (seen.c.score >= cast(policy.threshold, Float), "NOT_OK"),
        (seen.c.score <= cast(good, Float), "OK"),
        (seen.c.score.is_not(None), "NOT_DECIDABLE"),
    )
    return select(
        seen.c.id, seen.c.decided_at_us, seen.c.evaluation.label("decided"), seen.c.reviewed, proposed.label("proposed")
    )
