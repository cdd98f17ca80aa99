"""The review that counts: the latest of an inspection."""

from sqlalchemy import ScalarSelect, select

from flawgate_gateway.database.tables import inspections, reviews


def latest_evaluation() -> ScalarSelect[str]:
    """What the latest review of the inspection of a row says; null where there is none."""
    return (
        select(reviews.c.evaluation)
        .where(reviews.c.inspection_id == inspections.c.id)
        .order_by(reviews.c.reviewed_at_us.desc(), reviews.c.id.desc())
        .limit(1)
        .correlate(inspections)
        .scalar_subquery()
    )
