"""What the catalogue knows of a recipe, as the metrics show it."""

from flawgate_contracts.metrics.decision import GoldenFacts, ModelFacts, RecipeFacts
from flawgate_decision.entries import Entry, State


def facts_of(entry: Entry) -> RecipeFacts:
    """Of one recipe."""
    is_ready, golden = entry.state is State.READY, _golden(entry)
    recipe = entry.recipe
    if recipe is None:
        return RecipeFacts(entry.name, is_ready, golden=golden)
    models = [
        ModelFacts(model.name, model.version, model.sha256, recipe.provenance.precision, entry.loaded_at)
        for model in recipe.models
    ]
    return RecipeFacts(entry.name, is_ready, recipe.version, models, golden)


def _golden(entry: Entry) -> GoldenFacts:
    check = entry.check
    if check is None:
        return GoldenFacts(entry.counts, entry.passed)
    checked = check.passed + check.failed
    return GoldenFacts(
        counts=entry.counts,
        passed=entry.passed,
        checked=checked,
        missing=len(check.missing),
        checked_at=check.ended_at.timestamp() if checked else None,
        largest_difference=check.largest_difference,
    )
