"""The model repository: files as their recipes name them, the versions in force, and what the cluster serves."""

from collections.abc import Iterator, Sequence

import httpx

from flawgate_cli.doctor.checks.gateway import asked
from flawgate_cli.doctor.scope import DOWN, Scope
from flawgate_contracts.checkup.findings import Check, Finding, error, ok, skipped, warning
from flawgate_contracts.errors import FlawgateError
from flawgate_contracts.repository.digests import verify
from flawgate_contracts.repository.layout import ENSEMBLE, ModelRepository
from flawgate_contracts.repository.switch import half_done

DIGEST_S = 120.0
"""To read every model once, in seconds."""
REPAIR = "`flawgate models promote` or `rollback` brings it to an end."


def checks(scope: Scope) -> Sequence[Check]:
    """Of the repository on this machine."""
    return (
        Check("models", "files", lambda: files(scope), DIGEST_S),
        Check("models", "served", lambda: served(scope)),
    )


def files(scope: Scope) -> Iterator[Finding]:
    """A finding for each recipe, and for each fault of one of its versions."""
    folder = scope.layout.model_repository
    repository = ModelRepository(folder)
    if not folder.is_dir():
        yield error(f"There is no model repository at {folder}.", "Name one with --model-repository.")
        return
    if not repository.recipes():
        yield error(f"There is no recipe in {folder}.", "`flawgate export` puts one there.")
    for name in repository.recipes():
        faults = [*_of_force(repository, name), *_of_versions(repository, name)]
        yield from faults
        if not faults:
            others = len(repository.versions(name)) - 1
            beside = f", {others} more beside it" if others else ""
            yield ok(f"Version {repository.active(name)} is in force{beside}; all files are whole.", subject=name)


def served(scope: Scope) -> Iterator[Finding]:
    """Whether the cluster serves the versions that are in force."""
    if not scope.running:
        yield skipped(DOWN)
        return
    try:
        with scope.client() as client:
            recipes = asked(client, "/v1/recipes")["recipes"]
    except (httpx.HTTPError, ValueError, KeyError):
        yield skipped("The gateway does not say what it serves (see gateway).")
        return
    repository = ModelRepository(scope.layout.model_repository)
    faults = [fault for recipe in recipes if (fault := _other_version(repository, recipe))]
    yield from faults or [ok("The cluster serves the versions that are in force.")]


def _of_force(repository: ModelRepository, name: str) -> Iterator[Finding]:
    try:
        active = repository.in_force(name)
        if half_done(repository, repository.recipe(name, active)):
            yield warning(f"Putting a version of {name} in force was interrupted.", REPAIR, subject=name)
        config, ensemble = repository.config(name), repository.folder(name, active) / ENSEMBLE
        if config.read_bytes() != ensemble.read_bytes():
            says = f"{config} is not what version {active} was exported with: somebody changed it."
            yield warning(says, f"Copy {ensemble} over it, then start Triton again.", subject=name)
    except OSError as err:
        yield error(f"{err.filename} cannot be read ({err.strerror}).", "Export the recipe again.", subject=name)
    except FlawgateError as err:
        yield error(*_parts(err), subject=name)


def _of_versions(repository: ModelRepository, name: str) -> Iterator[Finding]:
    active = repository.active(name)
    for version in repository.versions(name):
        # What is in force and broken stops the line; what lies beside it only cannot be put in force.
        judge = error if version in (active, None) else warning
        try:
            verify(repository, repository.recipe(name, version))
        except FlawgateError as err:
            if version != active or err.reason != "BROKEN_RECIPE":
                yield judge(*_parts(err), subject=f"{name} {version}")


def _other_version(repository: ModelRepository, recipe: dict[str, str]) -> Finding | None:
    name, serves = recipe["name"], recipe.get("version")
    active = repository.active(name)
    if serves is None or active is None or str(active) == serves:
        return None
    says = f"The cluster serves version {serves} of {name}, and version {active} is in force in the repository."
    return error(says, f"Run `flawgate models promote {name} {active}`, or start Triton again.", subject=name)


def _parts(err: FlawgateError) -> tuple[str, str]:
    """What is wrong, and what to do: messages part them by their last semicolon."""
    says, _, advice = err.message.rpartition("; ")
    return (f"{says}.", advice[:1].upper() + advice[1:]) if says else (err.message, "Export the recipe again.")
