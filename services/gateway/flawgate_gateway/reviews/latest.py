"""The review that counts: the latest of an inspection."""

from typing import TypeVar

from sqlalchemy import Column, ScalarSelect, select

from flawgate_gateway.database.tables import inspections, reviews

T = TypeVar("T")


def latest(column: "Column[T]") -> "ScalarSelect[T]":
    """A column of the latest review of the inspection of a row; null where there is none."""
    return (
        select(column)
        .where(reviews.c.inspection_id == inspections.c.id)
        .order_by(reviews.c.reviewed_at_us.desc(), reviews.c.id.desc())
        .limit(1)
        .correlate(inspections)
        .scalar_subquery()
    )
