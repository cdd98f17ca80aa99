import asyncio
import time
from collections.abc import Callable

import pytest
from support.gateway_fakes import ready
from support.tiny_repository import spot_recipe
from support.variant_bench import NEW, MakeVariantBench, VariantBench, make

from flawgate_contracts.errors import (
    DeadlineExceeded,
    DependencyUnavailable,
    IdempotencyKeyReused,
    InvalidFrame,
    ModelFailure,
    ModelServerUnavailable,
    RecipeChanged,
)
from flawgate_gateway.answer import Variant
from flawgate_gateway.ports import ListedRecipe
from flawgate_gateway.variants.judging import TRIES

__all__ = ["make"]

CHANGED = RecipeChanged("Another version was promoted.")
AWAY = DependencyUnavailable("Away.")


@pytest.mark.parametrize(
    ("share", "named", "variant"),
    [
        (0.0, None, "stable"),
        (1.0, None, "canary"),
        (0.0, "canary", "canary"),
        (1.0, "stable", "stable"),
    ],
)
async def test_a_frame_is_judged_by_the_variant_that_it_is_for(
    make: MakeVariantBench, share: float, named: Variant | None, variant: str
) -> None:
    """By the version and the steps of that one, and the record says so."""
    bench = make(share=share)
    inspection = await bench.judged(named)
    recipe = {"stable": spot_recipe(), "canary": NEW}[variant]
    assert (inspection.variant, inspection.recipe_version) == (variant, recipe.version)
    assert bench.preprocessor.steps == [recipe.steps]
    assert (await bench.records.get(inspection.inspection_id)).variant == variant
    assert not bench.variants.fallbacks
    bench.assert_balanced()


def _fails(error: Exception) -> Callable[[VariantBench], None]:
    return lambda bench: bench.canary_decider.errors.extend([error] * TRIES)


def _lists(listed: ListedRecipe | None) -> Callable[[VariantBench], None]:
    def change(bench: VariantBench) -> None:
        bench.canary_decider.listed = [] if listed is None else [listed]

    return change


def _is_away(bench: VariantBench) -> None:
    bench.canary_decider.down = AWAY


def _fails_golden_frames_while_it_judges(bench: VariantBench) -> None:
    bench.canary_decider.changes = {"evaluation": "NOT_DECIDABLE", "reason": "GOLDEN_CHECK_FAILED"}


@pytest.mark.parametrize(
    ("cause", "reason", "asked"),
    [
        (_is_away, "DEPENDENCY_UNAVAILABLE", 0),
        (_lists(None), "UNKNOWN_RECIPE", 0),
        (_lists(ListedRecipe("spot", "BROKEN", "Its JSON ends early.", None)), "BROKEN_RECIPE", 0),
        (_lists(ListedRecipe("spot", "UNAVAILABLE", "It needs spot_cls.", NEW)), "RECIPE_UNAVAILABLE", 0),
        (_lists(ListedRecipe("spot", "UNTRUSTED", "2 golden frames fail.", NEW)), "GOLDEN_CHECK_FAILED", 0),
        (_fails_golden_frames_while_it_judges, "GOLDEN_CHECK_FAILED", 1),
        (_fails(ModelFailure("No number.")), "MODEL_FAILURE", 1),
        (_fails(ModelServerUnavailable("Away.")), "MODEL_SERVER_UNAVAILABLE", 1),
        (_fails(CHANGED), "RECIPE_CHANGED", TRIES),
        (_fails(ZeroDivisionError("bug")), "INTERNAL_ERROR", 1),
        (_fails(TimeoutError("somebody else's")), "DEADLINE_EXCEEDED", 1),
    ],
)
async def test_what_the_canary_cannot_judge_the_stable_variant_does(
    make: MakeVariantBench, cause: Callable[[VariantBench], None], reason: str, asked: int
) -> None:
    """The part has its evaluation, the record says by whom, and why is counted."""
    bench = make(share=1.0)
    cause(bench)
    inspection = await bench.judged(None)
    assert (inspection.variant, inspection.recipe_version, inspection.evaluation) == ("stable", "1", "NOT_OK")
    assert bench.variants.fallbacks == {reason: 1}
    assert len(bench.canary_decider.decided) == asked
    assert not bench.observer.failures
    bench.assert_balanced()


async def test_a_canary_that_was_promoted_judges_by_its_new_version(make: MakeVariantBench) -> None:
    """Its own second try comes before another's first."""
    bench = make(share=1.0)
    await bench.judged(None)
    bench.canary_decider.errors = [CHANGED]
    bench.canary_decider.listed = [ready(NEW.model_copy(update={"version": "3"}))]
    inspection = await bench.judged(None)
    assert (inspection.variant, inspection.recipe_version) == ("canary", "3")
    assert not bench.variants.fallbacks


async def test_what_neither_can_judge_is_no_fault_of_the_canary(make: MakeVariantBench) -> None:
    """A file that is no picture is refused, and counted once: as what it is."""
    bench = make(share=1.0)
    bench.preprocessor.error = InvalidFrame("Not a picture.")
    with pytest.raises(InvalidFrame):
        await bench.judged(None)
    assert bench.observer.failures == {"INVALID_FRAME": 1}
    assert not bench.variants.fallbacks
    bench.assert_balanced()


async def test_a_slow_canary_leaves_time_for_the_stable_variant(make: MakeVariantBench) -> None:
    """Half of what is left, at the most; then its work is ended, and the deadline is kept."""
    bench = make(share=1.0)
    bench.canary_decider.delay_s = 30
    started = time.monotonic()
    inspection = await bench.judged(None, deadline_ms=1_000)
    assert inspection.variant == "stable"
    assert 0.4 < time.monotonic() - started < 0.95
    assert bench.canary_decider.cancelled == 1
    assert bench.variants.fallbacks == {"DEADLINE_EXCEEDED": 1}


async def test_a_slow_canary_is_not_waited_for_again_and_again(make: MakeVariantBench) -> None:
    """It would take the places of frames that wait: after a pause one frame tries it, then the others."""
    bench = make(share=1.0, canary_timeout_s=0.05, pause_s=0.3)
    bench.canary_decider.delay_s = 30
    variants = [(await bench.judged(None)).variant for _ in range(3)]
    bench.canary_decider.delay_s = 0
    variants.append((await bench.judged(None)).variant)
    await asyncio.sleep(0.3)
    variants += [(await bench.judged(None)).variant for _ in range(2)]
    assert variants == ["stable"] * 4 + ["canary"] * 2
    assert bench.variants.fallbacks == {"DEADLINE_EXCEEDED": 1, "PAUSED": 3}


async def test_a_canary_that_is_away_after_it_was_slow_has_not_answered_in_time(make: MakeVariantBench) -> None:
    """A host that is started anew: the pause goes on, and one frame after it tries again."""
    bench = make(share=1.0, canary_timeout_s=0.05, pause_s=0.2)
    bench.canary_decider.delay_s = 30
    await bench.judged(None)
    bench.canary_decider.delay_s, bench.canary_decider.errors = 0, [AWAY]
    await asyncio.sleep(0.2)
    assert [(await bench.judged(None)).variant for _ in range(2)] == ["stable"] * 2
    assert bench.variants.fallbacks == {"DEADLINE_EXCEEDED": 1, "DEPENDENCY_UNAVAILABLE": 1, "PAUSED": 1}


async def test_what_a_canary_takes_says_nothing_of_how_long_frames_take(make: MakeVariantBench) -> None:
    """Else a slow one would make frames of the stable variant look too late, and refuse them."""
    bench = make(canary_timeout_s=0.3)
    await bench.judged("stable")
    bench.canary_decider.delay_s = 30
    await bench.judged("canary")
    inspection = await bench.judged("stable", deadline_ms=200)
    assert (inspection.evaluation, inspection.reason) == ("NOT_OK", "SCORE_ABOVE_THRESHOLD")


@pytest.mark.parametrize(("deadline_ms", "variant"), [(350, "stable"), (500, "stable"), (2_000, "canary")])
async def test_a_deadline_too_short_for_two_is_the_stable_variants(
    make: MakeVariantBench, deadline_ms: int, variant: str
) -> None:
    """As that has taken 0.2 s, the canary gets what is left of three times as much, and is not blamed for less."""
    bench = make()
    bench.decider.delay_s = 0.2
    await bench.judged("stable")
    inspection = await bench.judged("canary", deadline_ms=deadline_ms)
    assert inspection.variant == variant
    assert bench.variants.fallbacks == ({"NO_TIME": 1} if variant == "stable" else {})
    assert len(bench.canary_decider.decided) == (variant == "canary")


async def test_a_deadline_that_passes_ends_the_canarys_work_too(make: MakeVariantBench) -> None:
    """The caller is answered in time, that there is no evaluation."""
    bench = make(share=1.0)
    bench.canary_decider.delay_s = bench.decider.delay_s = 30
    with pytest.raises(DeadlineExceeded):
        await bench.judged(None, deadline_ms=200)
    assert (bench.canary_decider.cancelled, bench.decider.cancelled) == (1, 1)
    bench.assert_balanced()


async def test_a_canary_without_a_stable_recipe_judges_nothing(make: MakeVariantBench) -> None:
    """What is only tried must not be the only one who can."""
    bench = make(share=1.0)
    bench.decider.down = AWAY
    with pytest.raises(DependencyUnavailable):
        await bench.judged(None)
    assert not bench.canary_decider.decided


async def test_a_replay_says_who_judged_at_first(make: MakeVariantBench) -> None:
    """Also where the share is another by now, at another gateway."""
    first = await make(share=1.0).asked(None, "k-1")
    again = await make(share=0.0).asked(None, "k-1")
    assert (first.inspection.variant, again.inspection.variant, again.replayed) == ("canary", "canary", True)


async def test_another_variant_is_another_request(make: MakeVariantBench) -> None:
    """Whoever asks the canary under a used key is not told what the stable variant said."""
    bench = make()
    await bench.judged("stable", "k-1")
    with pytest.raises(IdempotencyKeyReused):
        await bench.judged("canary", "k-1")


async def test_a_frame_whose_caller_has_gone_leaves_no_work_behind(make: MakeVariantBench) -> None:
    """Neither the canary's nor, after it, the stable variant's."""
    bench = make(share=1.0)
    bench.canary_decider.delay_s = 30
    running = asyncio.ensure_future(bench.judged(None))
    await asyncio.sleep(0.05)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (bench.canary_decider.cancelled, len(bench.decider.decided)) == (1, 0)
    bench.assert_balanced()
