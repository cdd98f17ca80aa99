"""What the subcommands of `flawgate models` do."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.text import Text

from flawgate_contracts.errors import InvalidParameter
from flawgate_contracts.repository.layout import ModelRepository
from flawgate_contracts.startup import StartupError, settings_sentence
from flawgate_contracts.tls.kept import KeptTls
from flawgate_decision.promotion import overview, promoting, pruning, tables
from flawgate_decision.promotion.control import ControlledServer
from flawgate_decision.promotion.promoting import Promoted, Terms
from flawgate_decision.settings import DecisionSettings
from flawgate_decision.triton import TritonModelServer

MAX_MESSAGE_BYTES = 256 * 1024 * 1024
"""Of one tensor on its way to Triton or back: features of a cascade are the largest."""


@dataclass(frozen=True)
class Target:
    """What is changed, and how it is checked.

    Attributes:
        repository: folder of the model repository.
        triton: gRPC address of the Triton that serves it, host:port.
        offline: whether only the files are changed; golden frames are then run in this process.
        frames: folder of golden frames whose pictures are not shipped.
        unchecked: why to go on where no golden frame can be checked.
    """

    repository: Path
    triton: str
    offline: bool
    frames: Path | None
    unchecked: str | None


def list_recipes(folder: Path, *, as_json: bool) -> None:
    """Print all recipes.

    Raises:
        InvalidParameter: there is no such folder.
    """
    repository = _opened(folder)
    known = [overview.facts(repository, name, verify=False) for name in repository.recipes()]
    if as_json:
        typer.echo(json.dumps([each.model_dump(mode="json") for each in known], indent=2, ensure_ascii=False))
    elif known:
        Console().print(tables.recipes(known))
    else:
        typer.echo(f"There is no recipe in {folder}; `flawgate export` puts one there.")


def show(folder: Path, name: str, *, as_json: bool) -> None:
    """Print one recipe, its files compared with their digests.

    Raises:
        InvalidParameter: there is no such folder.
        UnknownRecipe: there is none of that name.
    """
    known = overview.facts(_opened(folder), name, verify=True)
    if as_json:
        typer.echo(known.model_dump_json(indent=2))
    else:
        Console().print(tables.recipe(known))


def promote(target: Target, name: str, version: int | None) -> None:
    """Put a version of a recipe in force, the newest where None, and tell how it was checked.

    Raises:
        FlawgateError: see `promoting.promote`; the version before stays in force.
    """
    repository = _opened(target.repository)
    chosen = repository.known_versions(name)[-1] if version is None else version
    _tell(_carried_out(target, lambda server, terms: promoting.promote(repository, name, chosen, server, terms)))


def rollback(target: Target, name: str) -> None:
    """Put the version of a recipe in force that was before, and tell how it was checked.

    Raises:
        FlawgateError: see `promoting.rollback`; the version in force stays.
    """
    repository = _opened(target.repository)
    _tell(_carried_out(target, lambda server, terms: promoting.rollback(repository, name, server, terms)))


def _carried_out(
    target: Target, change: Callable[[ControlledServer, Terms], Coroutine[None, None, Promoted]]
) -> Promoted:
    async def carry_out() -> Promoted:
        server = _server(target)
        try:
            return await change(server, Terms(target.frames, target.unchecked))
        finally:
            await server.close()

    return asyncio.run(carry_out())


def _tell(done: Promoted) -> None:
    console = Console()
    if done.checked:
        console.print(tables.golden(done.checked))
    recipe = done.recipe
    told = f"Version {recipe.version} of recipe {recipe.name} is in force; before, it was version {done.before}."
    console.print(Text(told, "bold green"), soft_wrap=True)


def prune(folder: Path, name: str | None, *, keep: int, everything: bool) -> None:
    """Remove old versions of a recipe, or of all, and tell which.

    Raises:
        FlawgateError: see `pruning.prune`.
    """
    repository = _opened(folder)
    pruning.clear(repository)
    for each in repository.recipes() if name is None else (name,):
        removed = pruning.prune(repository, each, keep=0 if everything else keep, even_rollback=everything)
        told = ", ".join(map(str, removed)) or "none"
        typer.echo(f"{each}: removed {told}; left {', '.join(map(str, repository.versions(each)))}.")


def _opened(folder: Path) -> ModelRepository:
    if not folder.is_dir():
        raise InvalidParameter(
            f"There is no model repository at {folder}; name one with --model-repository.",
            {"field": "model_repository"},
        )
    return ModelRepository(folder)


def _server(target: Target) -> ControlledServer:
    if not target.offline:
        return TritonModelServer(target.triton, max_message_bytes=MAX_MESSAGE_BYTES, tls=_tls())
    try:
        # Only here: where Triton runs, ONNX Runtime need not be installed.
        from flawgate_inference.onnx_server import OnnxModelServer  # noqa: PLC0415
    except ImportError as err:
        raise InvalidParameter(
            "--offline runs golden frames with ONNX Runtime; install `flawgate-decision[onnxruntime]`.",
            {"field": "offline"},
        ) from err
    return OnnxModelServer(target.repository)


def _tls() -> KeptTls | None:
    """As decision has it: the environment says what Triton is known by, and what is shown to it."""
    try:
        files = DecisionSettings().upstream_tls_files()
        return None if files is None else KeptTls("upstream_tls", files)
    except ValidationError as err:
        raise InvalidParameter(settings_sentence(DecisionSettings, err), {"field": "triton"}) from err
    except StartupError as err:
        raise InvalidParameter(str(err), {"field": "triton"}) from err
