"""A version is put in force, or the one before again: who may, and what is checked before anything changes."""

import getpass
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from flawgate_contracts.errors import (
    GoldenFailed,
    InvalidParameter,
    ModelServerUnavailable,
    UnknownVersion,
)
from flawgate_contracts.recipe import MAX_REASON, Recipe
from flawgate_contracts.repository import digests, history, lock
from flawgate_contracts.repository.history import Promotion
from flawgate_contracts.repository.layout import ModelRepository
from flawgate_contracts.repository.staging import OnStep, untold
from flawgate_decision.promotion.change import Change, repair
from flawgate_decision.promotion.control import ControlledServer
from flawgate_imaging import golden_frames
from flawgate_imaging.golden_frames import Frames
from flawgate_inference.golden_checks import Checked

What = Literal["promote", "rollback"]


@dataclass(frozen=True)
class Terms:
    """How a version is to be checked.

    Attributes:
        pictures: folder of golden frames whose pictures are not shipped, by name; None: they are not checked.
        unchecked: why to go on although no golden frame can be checked; None: do not.
        on_step: told before each step, for tests.
    """

    pictures: Path | None = None
    unchecked: str | None = None
    on_step: OnStep = field(default=untold)


@dataclass(frozen=True)
class Promoted:
    """A version that is in force.

    Attributes:
        recipe: of the version.
        before: version in force until then.
        checked: its golden frames, as the ensemble judged them.
    """

    recipe: Recipe
    before: int
    checked: tuple[Checked, ...]


async def promote(
    repository: ModelRepository, name: str, version: int, server: ControlledServer, terms: Terms | None = None
) -> Promoted:
    """Put a version of a recipe in force. Where anything fails, the version before stays in force and is served.

    Args:
        repository: that the model server serves.
        name: of the recipe.
        version: to put in force.
        server: serves the repository.
        terms: how it is checked.

    Raises:
        UnknownRecipe: there is none of that name.
        UnknownVersion: it has no such version.
        DamagedModel: a file of the version is not the one that its recipe names.
        GoldenFailed: a golden frame is judged otherwise than expected, or none can be checked and nothing was said on
            why to go on.
        ModelFailure: a model of the version cannot be loaded, or gives no score.
        ModelServerUnavailable: the model server does not answer.
        RepositoryBusy: another process is changing the repository.
        InvalidParameter: the version is in force already, or the repository cannot be written to.
    """
    return await _change(repository, name, version, server, terms or Terms(), "promote")


async def rollback(
    repository: ModelRepository, name: str, server: ControlledServer, terms: Terms | None = None
) -> Promoted:
    """Put the version in force that was before the one that is now. It goes on without golden frames at hand.

    Args:
        repository: that the model server serves.
        name: of the recipe.
        server: serves the repository.
        terms: how it is checked.

    Raises:
        UnknownVersion: no version is known to have been in force before.
        FlawgateError: as of `promote`.
    """
    terms = terms or Terms()
    active = repository.in_force(name)
    before = history.read(repository, name).version_before(active)
    if before is None:
        raise UnknownVersion(
            f"No version of recipe {name} is known to have been in force before version {active}; "
            "promote one by its number.",
            {"recipe": name},
        )
    known = Terms(terms.pictures, terms.unchecked or "it was in force before", terms.on_step)
    return await _change(repository, name, before, server, known, "rollback")


async def _change(
    repository: ModelRepository, name: str, version: int, server: ControlledServer, terms: Terms, what: What
) -> Promoted:
    recipe = repository.recipe(name, version)
    with lock.changing(repository.root):
        await repair(repository, recipe, server)
        active = repository.in_force(name)
        if active == version:
            raise InvalidParameter(f"Version {version} of recipe {name} is in force already.", {"field": "version"})
        digests.verify(repository, recipe)
        frames = golden_frames.collect(recipe, repository.folder(name, version), terms.pictures)
        _refuse_unchecked(recipe, frames, terms.unchecked)
        await _refuse_silence(server)
        change = Change(repository, recipe, active, server, terms.on_step)
        return Promoted(recipe, active, await change.carry_out(frames, _note(recipe, active, frames, terms, what)))


def _refuse_unchecked(recipe: Recipe, frames: Frames, reason: str | None) -> None:
    if frames.found:
        return
    if reason is None:
        why = "; ".join(dict.fromkeys(each.why for each in frames.missing)) or "it has none"
        raise GoldenFailed(
            f"No golden frame of version {recipe.version} of recipe {recipe.name} can be checked ({why}); give "
            "--frames, or say with --unchecked REASON why it may be put in force all the same.",
            {"recipe": recipe.name, "version": recipe.version},
        )
    if not 0 < len(reason.strip()) <= MAX_REASON:
        raise InvalidParameter(f"--unchecked needs a reason of 1 to {MAX_REASON} characters.", {"field": "unchecked"})


async def _refuse_silence(server: ControlledServer) -> None:
    """Before anything is touched, whether the model server answers."""
    try:
        await server.models()
    except ModelServerUnavailable as err:
        raise ModelServerUnavailable(
            f"The model server at {err.metadata.get('target', '?')} does not answer: start it, name another with "
            "--triton, or change the files only with --offline.",
            err.metadata,
        ) from err


def _note(recipe: Recipe, before: int, frames: Frames, terms: Terms, what: What) -> Promotion:
    return Promotion(
        version=int(recipe.version),
        before=before,
        what=what,
        at=datetime.now(UTC).replace(microsecond=0),
        user=_user(),
        unchecked=None if frames.found else terms.unchecked,
    )


def _user() -> str:
    """Name of the operating system's user; its number where it has none, as in many containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
