"""An inspector with a canary and a shadow beside what is in force, all over fakes."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import pytest

from flawgate_contracts.recipe import Recipe
from flawgate_gateway.access.caller import ANYONE
from flawgate_gateway.admission.gate import AdmissionGate
from flawgate_gateway.answer import Inspection, Variant
from flawgate_gateway.core import Answered, Arrival, Inspector, Way
from flawgate_gateway.database.connections import Database
from flawgate_gateway.frames import InspectionOrder
from flawgate_gateway.ports import Decided, PreparedTensor
from flawgate_gateway.recipes import RecipeBook
from flawgate_gateway.records.submission import Submission
from flawgate_gateway.variants.canary import Canary, CanaryTerms
from flawgate_gateway.variants.judging import Judge
from flawgate_gateway.variants.observer import Comparison
from flawgate_gateway.variants.pause import Pause
from flawgate_gateway.variants.shadow import Shadow, ShadowTerms, Unmeasured
from support.gateway_fakes import FakeDecider
from support.inspector_bench import FRAME, Bench
from support.tiny_repository import spot_recipe

NEW = spot_recipe(version="2").model_copy(update={"steps": spot_recipe().steps[::-1]})
"""The recipe as the canary and the shadow have it: another version, with other steps."""


class VariantDecider(FakeDecider):
    """A `FakeDecider`, with the new version unless told otherwise, whose answers can be changed."""

    def __init__(self, recipe: Recipe = NEW) -> None:
        super().__init__(recipe)
        self.changes: dict[str, Any] = {}
        """Fields of its answers."""

    async def decide(self, recipe: Recipe, prepared: PreparedTensor) -> Decided:
        """See `Decider`."""
        return replace(await super().decide(recipe, prepared), **self.changes)


class CountingVariants:
    """A `VariantObserver` that keeps what it is told."""

    def __init__(self) -> None:
        self.fallbacks: Counter[str] = Counter()
        self.comparisons: list[Comparison] = []

    def fell_back(self, recipe: str, reason: str) -> None:
        """See `VariantObserver`."""
        assert recipe == "spot"
        self.fallbacks[reason] += 1

    def compared(self, recipe: str, comparison: Comparison) -> None:
        """See `VariantObserver`."""
        assert recipe == "spot"
        self.comparisons.append(comparison)

    def results(self) -> Counter[str]:
        """How often each came of a comparison."""
        return Counter(comparison.result for comparison in self.comparisons)


@dataclass
class VariantBench(Bench):
    """See `Bench`; with neither of them asked unless told so."""

    share: float = 0.0
    canary_timeout_s: float = 5.0
    pause_s: float = 60.0
    shadow_share: float = 0.0
    shadow_frames: int = 4
    shadow_bytes: int = 1_000
    shadow_timeout_s: float = 5.0
    canary_decider: VariantDecider = field(default_factory=VariantDecider)
    shadow_decider: VariantDecider = field(default_factory=VariantDecider)
    variants: CountingVariants = field(default_factory=CountingVariants)

    def __post_init__(self) -> None:
        super().__post_init__()
        gate = AdmissionGate(max_in_progress=self.max_in_progress, max_waiting=self.max_waiting)
        self.shadow = self._shadow()
        way = Way(
            self.preprocessor, self.decider, self.recipes, gate, self.archive, self.records, self._canary(), self.shadow
        )
        self.inspector = Inspector(way, self.observer, max_taken_on=self.max_taken_on, deadline_s=self.deadline_s)

    def _canary(self) -> Canary:
        recipes = RecipeBook(self.canary_decider, ttl_s=60)
        judge = Judge(self.preprocessor, self.canary_decider, recipes, self.observer)
        terms = CanaryTerms(self.share, self.canary_timeout_s)
        return Canary(judge, recipes, recipes, self.variants, terms, Pause(self.pause_s))

    def _shadow(self) -> Shadow:
        recipes = RecipeBook(self.shadow_decider, ttl_s=60)
        judge = Judge(self.preprocessor, self.shadow_decider, recipes, Unmeasured())
        terms = ShadowTerms(self.shadow_share, self.shadow_frames, self.shadow_bytes, self.shadow_timeout_s)
        return Shadow(judge, recipes, self.variants, terms)

    async def judged(self, variant: Variant | None, key: str | None = None, **fields: Any) -> Inspection:
        """What comes of a frame whose request names a variant, or none."""
        return (await self.asked(variant, key, **fields)).inspection

    async def asked(self, variant: Variant | None, key: str | None = None, **fields: Any) -> Answered:
        """The same, and whether it was replayed."""
        order = InspectionOrder.model_validate({"recipe": "spot", **fields})
        submission = Submission(ANYONE, key, variant=variant)
        return await self.inspector.inspect(FRAME, order, Arrival.now(), submission)


MakeVariantBench = Callable[..., VariantBench]


@pytest.fixture
def make(database: Database) -> MakeVariantBench:
    """Makes benches over one database."""
    return partial(VariantBench, database=database)
