"""Building the routes that stand over several parts."""

from fastapi import APIRouter

from flawgate_gateway.outbox.drafts import POLICY_ACTIVATED, REVIEWED
from flawgate_gateway.parts import Parts
from flawgate_gateway.policies.desk import PolicyDesk
from flawgate_gateway.policies.simulation import Simulator
from flawgate_gateway.rest.policies import policy_routes
from flawgate_gateway.rest.reviews import review_routes
from flawgate_gateway.reviews.book import ReviewBook
from flawgate_gateway.reviews.export import ReviewExport


def create_policy_routes(parts: Parts) -> APIRouter:
    """Build what drafts, activates and tries policies."""
    desk = PolicyDesk(
        parts.database, parts.recipes, parts.policies, sinks=parts.dispatcher.sinks.takers(POLICY_ACTIVATED)
    )
    return policy_routes(parts.database, desk, Simulator(parts.database, parts.recipes))


def create_review_routes(parts: Parts) -> APIRouter:
    """Build what takes reviews and gives them out."""
    reviews = ReviewBook(parts.database, parts.records, sinks=parts.dispatcher.sinks.takers(REVIEWED))
    return review_routes(parts.database, reviews, ReviewExport(parts.database, parts.records, parts.archive))
