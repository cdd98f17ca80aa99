"""A recipe is tried: by its golden frames, or, where none is at hand, by one even frame through all its models."""

import time
from dataclasses import replace
from typing import NamedTuple

import structlog

from flawgate_contracts.errors import DamagedModel, FlawgateError, RecipeUnavailable
from flawgate_contracts.recipe import Recipe
from flawgate_decision.entries import Entry, State
from flawgate_decision.reading import GoldenReader
from flawgate_imaging.golden_frames import NO_FRAMES, Frames
from flawgate_inference.golden_checks import check, table
from flawgate_inference.model_server import ModelServer

log = structlog.get_logger(__name__)


class Tried(NamedTuple):
    """What came of a try.

    Attributes:
        entry: as it stands now.
        is_gone: whether the model server has not loaded that version, e.g. since another was promoted meanwhile.
    """

    entry: Entry
    is_gone: bool = False


async def tried(server: ModelServer, reader: GoldenReader, entry: Entry, recipe: Recipe, *, timeout_s: float) -> Tried:
    """A recipe that is loaded, after its models were asked.

    Args:
        server: runs them.
        reader: of its golden frames.
        entry: of the recipe; its last check and counts are those from before.
        recipe: its version.
        timeout_s: longest wait for its golden frames, and for the models on one of them, in seconds.
    """
    damage = ""
    try:
        frames = await reader.frames(recipe, entry.golden, timeout_s=timeout_s)
    except DamagedModel as error:
        frames, damage = None, error.message
    has_frames = bool(damage) or (frames is not None and _can_fail(frames))
    try:
        found = await check(server, recipe, frames or NO_FRAMES, timeout_s=timeout_s)
    except FlawgateError as error:
        return Tried(_unanswered(entry, error, has_frames=has_frames), isinstance(error, RecipeUnavailable))
    judged = replace(entry, check=None if frames is None else found)
    return Tried(_judged(judged, damage or found.fault, has_frames=has_frames))


def _can_fail(frames: Frames) -> bool:
    """Whether there is anything to check: a frame, or one that was shipped and is damaged."""
    return bool(frames.found) or any(each.is_damaged for each in frames.missing)


def _unanswered(entry: Entry, error: FlawgateError, *, has_frames: bool) -> Entry:
    failed = replace(entry, state=State.UNAVAILABLE, detail=f"A test inference failed: {error.message}")
    if not has_frames:
        return failed
    return replace(failed, passed=False, counts=entry.counts._replace(error=entry.counts.error + 1))


def _judged(entry: Entry, fault: str, *, has_frames: bool) -> Entry:
    state = State.UNTRUSTED if fault else State.READY
    judged = replace(entry, state=state, detail=fault, verified_at=time.monotonic(), passed=None)
    if not has_frames:
        return judged
    counts = entry.counts
    counts = counts._replace(failed=counts.failed + 1) if fault else counts._replace(passed=counts.passed + 1)
    return replace(judged, passed=not fault, counts=counts)


def tell(before: Entry | None, now: Entry) -> None:
    """Log what has changed: of a recipe that is not to be trusted, with a table of its golden frames."""
    missing = _missing(now)
    if missing and (before is None or _missing(before) != missing):
        log.warning("golden frames are not at hand", recipe=now.name, frames=missing)
    if before is not None and (before.state, before.detail) == (now.state, now.detail):
        return
    if now.state is State.UNTRUSTED:
        frames = None if now.check is None else table(now.check.frames)
        log.error("recipe", recipe=now.name, state=now.state, detail=now.detail, frames=frames)
        return
    log.info("recipe", recipe=now.name, state=now.state, detail=now.detail)


def _missing(entry: Entry) -> list[str]:
    return [] if entry.check is None else [f"{each.frame.name}: {each.why}" for each in entry.check.missing]
