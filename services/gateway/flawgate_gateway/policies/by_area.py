"""A policy on areas, tried on records: read one after the other, since areas stand in their documents."""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from flawgate_contracts.recipe import Policy
from flawgate_gateway.database.tables import inspections, reviews
from flawgate_gateway.policies.tally import NOT_TRUSTED, Record, Tally
from flawgate_gateway.reasons import GOLDEN_CHECK_FAILED
from flawgate_gateway.reviews.latest import latest
from flawgate_imaging.policy import evaluate

MAX_RECORDS = 50_000
MAX_DEFECTS = 100
"""That a document lists: where there are so many, the areas of all may be larger."""
_AT_ONCE = 500

Known = Mapping[tuple[str | None, str | None], Policy]
"""Policies by (recipe's version, policy's version); the recipe's is None of those that are not its own."""


async def tally_areas(connection: AsyncConnection, records: Any, policy: Policy, known: Known, tally: Tally) -> None:
    """Judge records again by the areas of their defects.

    Args:
        connection: for reading.
        records: a statement of `queries.found`, the latest first, limited.
        policy: with areas.
        known: policies by which records may have been judged.
        tally: that they are added to.
    """
    columns = ("id", "evaluation", "reason", "score", "recipe_version", "policy_version", "document")
    wanted = records.with_only_columns(
        *(inspections.c[name] for name in columns), latest(reviews.c.evaluation).label("reviewed")
    )
    result = await connection.stream(wanted)
    async for rows in result.partitions(_AT_ONCE):
        await asyncio.to_thread(_tally, rows, policy, known, tally)


def _tally(rows: Sequence[Row[Any]], policy: Policy, known: Known, tally: Tally) -> None:
    for row in rows:
        judged_by = known.get((None, row.policy_version)) or known.get((row.recipe_version, row.policy_version))
        record = Record(row.evaluation, _proposed(row, policy, judged_by), row.reviewed)
        tally.add(record)
        tally.example(record, row.id)


def _proposed(row: Row[Any], policy: Policy, judged_by: Policy | None) -> str:
    """The evaluation, or the obstacle to one."""
    if row.score is None:
        return "NO_SCORE"
    if row.reason == GOLDEN_CHECK_FAILED:
        return NOT_TRUSTED
    if judged_by is None or not _same_mask(judged_by, policy):
        return "OTHER_MASK"
    defects = json.loads(row.document)["defects"]
    if len(defects) >= MAX_DEFECTS:
        return "TOO_MANY_DEFECTS"
    areas: Counter[str] = Counter()
    for defect in defects:
        if defect["area_px"] >= policy.min_defect_area_px:
            areas[defect["class"]] += defect["area_px"]
    return evaluate(row.score, areas, policy).evaluation


def _same_mask(judged_by: Policy, policy: Policy) -> bool:
    """Whether the regions that one found are, but for small ones, those that the other would find."""
    return (
        judged_by.mask_threshold == policy.mask_threshold and judged_by.min_defect_area_px <= policy.min_defect_area_px
    )
