import asyncio
import time
from collections.abc import Callable, MutableMapping
from typing import Any

import pytest
from support.inspector_bench import FRAME
from support.tiny_repository import spot_recipe
from support.variant_bench import NEW, MakeVariantBench, VariantBench, VariantDecider, make

from flawgate_contracts.errors import DependencyUnavailable, ModelFailure
from flawgate_gateway.answer import Variant
from flawgate_gateway.ports import ListedRecipe
from flawgate_gateway.variants.observer import Comparison

__all__ = ["make"]

WAIT_S = 5.0


async def compared(bench: VariantBench, frames: int = 1) -> list[Comparison]:
    """What came of the comparisons of so many frames."""
    async with asyncio.timeout(WAIT_S):
        while len(bench.variants.comparisons) < frames:  # noqa: ASYNC110  # what is waited for wakes nobody
            await asyncio.sleep(0.005)
    return bench.variants.comparisons


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, Comparison("agrees", "NOT_OK", 0.0)),
        ({"score": 0.75}, Comparison("agrees", "NOT_OK", 0.25)),
        ({"score": 0.25, "evaluation": "OK"}, Comparison("differs", "OK", 0.75)),
    ],
)
async def test_an_answer_is_compared_with_the_shadows(
    make: MakeVariantBench, changes: dict[str, Any], expected: Comparison
) -> None:
    """By its own version and steps; the answer and the record are what they were."""
    bench = make(shadow_share=1.0)
    bench.shadow_decider.changes = changes
    inspection = await bench.judged(None)
    assert await compared(bench) == [expected]
    assert (inspection.variant, inspection.recipe_version, inspection.score) == ("stable", "1", 1.0)
    assert [recipe.version for recipe in bench.shadow_decider.decided] == ["2"]
    assert bench.preprocessor.steps[1] == NEW.steps
    assert await bench.recorded() == [inspection.inspection_id]
    bench.assert_balanced()


async def test_one_that_differs_is_in_the_log(make: MakeVariantBench, logs: list[MutableMapping[str, Any]]) -> None:
    """With the id of the inspection, so that a person can look at the picture."""
    bench = make(shadow_share=1.0)
    bench.shadow_decider.changes = {"score": 0.25, "evaluation": "OK", "reason": "SCORE_BELOW_THRESHOLD"}
    inspection = await bench.judged(None)
    await compared(bench)
    (line,) = [line for line in logs if line["event"] == "the shadow differs"]
    expected = {
        "inspection_id": inspection.inspection_id,
        "recipe": "spot",
        "recipe_version": "1",
        "shadow_version": "2",
        "evaluation": "NOT_OK",
        "shadow_evaluation": "OK",
        "shadow_reason": "SCORE_BELOW_THRESHOLD",
        "score": 1.0,
        "shadow_score": 0.25,
    }
    assert expected.items() <= line.items()


async def test_the_shadow_takes_no_part_in_what_is_measured(make: MakeVariantBench) -> None:
    """The stages are those of the inspection."""
    bench = make(shadow_share=1.0)
    await bench.judged(None)
    await compared(bench)
    assert [len(bench.observer.timed[stage]) for stage in ("preprocess", "decide")] == [1, 1]


def _is_away(bench: VariantBench) -> None:
    bench.shadow_decider.down = DependencyUnavailable("Away.")


def _fails(bench: VariantBench) -> None:
    bench.shadow_decider.errors = [ModelFailure("No number.")]


def _has_a_bug(bench: VariantBench) -> None:
    bench.shadow_decider.errors = [ZeroDivisionError("bug")]


def _is_slow(bench: VariantBench) -> None:
    bench.shadow_decider.delay_s = 30


def _is_untrusted(bench: VariantBench) -> None:
    bench.shadow_decider.changes = {"evaluation": "NOT_DECIDABLE", "reason": "GOLDEN_CHECK_FAILED"}


def _has_no_recipe(bench: VariantBench) -> None:
    bench.shadow_decider.listed = [ListedRecipe("spot", "BROKEN", "Its JSON ends early.", None)]


@pytest.mark.parametrize("cause", [_is_away, _fails, _has_a_bug, _is_slow, _is_untrusted, _has_no_recipe])
async def test_a_shadow_that_fails_fails_alone(make: MakeVariantBench, cause: Callable[[VariantBench], None]) -> None:
    """Whatever it does, the inspection is answered as without it."""
    bench = make(shadow_share=1.0, shadow_timeout_s=0.1)
    cause(bench)
    assert (await bench.judged(None)).evaluation == "NOT_OK"
    assert await compared(bench) == [Comparison("failed")]
    assert not bench.observer.failures


async def test_nobody_waits_for_the_shadow(make: MakeVariantBench) -> None:
    """Not the answer, and not the end of the gateway."""
    bench = make(shadow_share=1.0, shadow_timeout_s=30)
    bench.shadow_decider.delay_s = 30
    started = time.monotonic()
    await bench.judged(None)
    await asyncio.sleep(0.1)
    await bench.shadow.close()
    await bench.judged(None)
    assert time.monotonic() - started < 2
    assert (bench.shadow_decider.cancelled, bench.variants.comparisons) == (1, [])


@pytest.mark.parametrize(
    "bounds",
    [{"shadow_frames": 2}, {"shadow_bytes": 2 * len(FRAME.data)}, {"shadow_bytes": 3 * len(FRAME.data) - 1}],
)
async def test_no_more_frames_are_held_than_may_be(make: MakeVariantBench, bounds: dict[str, int]) -> None:
    """Neither in number nor in bytes: the others are counted, and there is room again afterwards."""
    bench = make(shadow_share=1.0, **bounds)
    bench.shadow_decider.delay_s = 0.3
    for _ in range(5):
        await bench.judged(None)
    await compared(bench, 5)
    assert bench.variants.results() == {"skipped": 3, "agrees": 2}
    await bench.judged(None)
    await compared(bench, 6)
    assert bench.variants.results() == {"skipped": 3, "agrees": 3}


@pytest.mark.parametrize(
    ("share", "named", "reason"),
    [(0.0, "stable", "SCORE_ABOVE_THRESHOLD"), (1.0, "canary", ""), (1.0, "stable", "GOLDEN_CHECK_FAILED")],
    ids=["beyond the share", "the canary's", "not trusted"],
)
async def test_what_says_nothing_is_not_compared(
    make: MakeVariantBench, share: float, named: Variant, reason: str
) -> None:
    """Nor counted: the shadow is held against what is in force, where that judges rightly."""
    stable = VariantDecider(spot_recipe())
    stable.changes = {"reason": reason}
    bench = make(shadow_share=share, decider=stable)
    await bench.judged(named)
    await asyncio.sleep(0.1)
    assert (bench.variants.comparisons, bench.shadow_decider.decided) == ([], [])


async def test_a_frame_that_was_too_late_is_not_compared(make: MakeVariantBench) -> None:
    """Nobody has judged it, and a gateway with too much work gets no more."""
    bench = make(shadow_share=1.0)
    bench.decider.delay_s = 0.2
    await bench.judged(None)
    await compared(bench)
    inspection = await bench.judged(None, deadline_ms=100)
    await asyncio.sleep(0.1)
    assert (inspection.reason, len(bench.variants.comparisons)) == ("DEADLINE_UNREACHABLE", 1)
