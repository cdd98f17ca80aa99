"""From a run to a version of a recipe in the model repository: graphs, parity gate, golden frames, card."""

import hashlib
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from flawgate_contracts.errors import InvalidParameter
from flawgate_contracts.golden import Golden
from flawgate_contracts.recipe import MAX_REASON, Name, Recipe
from flawgate_contracts.reference import Reference
from flawgate_contracts.repository import lock, staging
from flawgate_contracts.repository.digests import sha256
from flawgate_contracts.repository.layout import ModelRepository
from flawgate_imaging.golden_pattern import PATTERN, pattern
from flawgate_imaging.judgement import Manner
from flawgate_training.datasets.items import Item, Pixels
from flawgate_training.export import golden, parity
from flawgate_training.export.backends import cpu_backend
from flawgate_training.export.card import Card, DatasetCard, NetworkCard
from flawgate_training.export.compatibility import check_compatible
from flawgate_training.export.files import write_version
from flawgate_training.export.graphs import Form, Written, plain_costs, write
from flawgate_training.export.parity import NamedFrame, Parity
from flawgate_training.export.recipes import Request, recipe_of, sealed
from flawgate_training.export.reference import measured_reference
from flawgate_training.export.runtimes import OnnxModels, TorchModels

LOCK_WAIT_S = 600.0
"""How long an export that is done waits for another, or for a promotion, to leave the repository, in seconds."""


@dataclass(frozen=True)
class Material:
    """What an export needs beside the run.

    Attributes:
        frames: to compare on, as the steps prepare them; held-out ones where there are any.
        dataset: what the weights learned from, for the card.
        calibration: training frames, or tiles, for int8; None for other precisions.
        good: frames of good parts, to tell later ones from (`measured_reference`).
    """

    frames: Sequence[NamedFrame]
    dataset: DatasetCard
    calibration: Sequence[Pixels] | None = None
    good: Sequence[Item] = ()


@dataclass(frozen=True)
class Published:
    """A version that is in the repository.

    Attributes:
        card: its model card.
        active: whether it is in force; a version of a recipe that was there before waits to be promoted.
    """

    card: Card
    active: bool


def publish(request: Request, material: Material, repository: Path) -> Published:
    """Write the recipe's models, compare them with the network, and put them into the repository as a new version.

    Raises:
        InvalidParameter: the name cannot be a recipe's, the repository cannot be written to, or what is exported does
            not fit the versions that are there.
        ParityRefused: ONNX Runtime answers otherwise than torch, and nobody forced it; the repository is as it was.
        RepositoryBusy: another process is changing the repository.
        DiskFull: no space is left; the repository is as it was.
    """
    _check_name(request.name)
    _check_reason(request.forced)
    there = ModelRepository(repository)
    lock.check_free(repository)
    explained = _may_explain(there, request.name)
    with tempfile.TemporaryDirectory(prefix="flawgate-export-") as folder:
        written = _graphs(request, material, Path(folder), explained=explained)
        draft = _recipe(request, 1, written)
        check_compatible(there, draft, written)
        frames = [NamedFrame(PATTERN, pattern(draft.input)), *material.frames]
        exported = OnnxModels({each.call.part: each.path for each in written}, draft.kind)
        found = _compared(request, draft, exported, frames)
        reference = measured_reference(exported, draft, material.good)
        kept = golden.choose(frames, found, draft.policy, shareable=request.about.shareable)
        with lock.changing(repository, wait_s=LOCK_WAIT_S):
            number = there.next_version(request.name, [model.name for model in draft.models])
            recipe = _sealed(request, _recipe(request, number, written), found, reference)
            check_compatible(there, recipe, written)
            card = _card(request, recipe, material.dataset, written, found, kept)
            staging.publish(repository, recipe.name, number, partial(write_version, card, written, frames))
    return Published(card, active=number == 1)


def _check_name(name: str) -> None:
    """Before minutes of work, whether the name and those of its models can be names."""
    try:
        TypeAdapter(Name).validate_python(f"{name}_seg")
    except ValidationError as err:
        raise InvalidParameter(
            f"{name!r} cannot be a recipe's name; begin with a small letter and use small letters, digits and "
            "underscores, 59 characters at most.",
            {"field": "recipe"},
        ) from err


def _check_reason(forced: str | None) -> None:
    if forced is not None and not 0 < len(forced.strip()) <= MAX_REASON:
        raise InvalidParameter(
            f"--force needs a reason of 1 to {MAX_REASON} characters: it stays in the recipe for ever.",
            {"field": "force"},
        )


def _may_explain(there: ModelRepository, name: str) -> bool:
    """Whether a new version may have the output `explanation`: all versions of a recipe have it, or none."""
    versions = there.versions(name)
    return not versions or there.recipe(name, versions[-1]).explained


def _graphs(request: Request, material: Material, folder: Path, *, explained: bool) -> tuple[Written, ...]:
    run = request.run
    return write(
        run.network,
        run.experiment.task,
        run.experiment.input,
        folder,
        form=Form(request.precision, request.target, explained),
        calibration=material.calibration,
    )


def _recipe(request: Request, number: int, written: Sequence[Written]) -> Recipe:
    outputs = [tensor for each in written for tensor in each.outputs]
    return recipe_of(request, number, outputs, {each.call.part: sha256(each.path) for each in written})


def _compared(request: Request, recipe: Recipe, exported: OnnxModels, frames: Sequence[NamedFrame]) -> Parity:
    """The comparison, if it may be published."""
    found = parity.compare(
        TorchModels(request.run.network, recipe.kind, with_explanation=recipe.explained),
        exported,
        Manner.of(recipe),
        recipe.policy,
        frames,
        precision=request.precision,
        classes=recipe.classes,
    )
    if request.forced is None:
        parity.check(found)
    return found


def _sealed(request: Request, recipe: Recipe, found: Parity, reference: Reference | None) -> Recipe:
    digest = hashlib.sha256(found.as_json()).hexdigest()
    return sealed(recipe, digest, None if found.passed else request.forced, reference)


def _card(
    request: Request, recipe: Recipe, dataset: DatasetCard, written: Sequence[Written], found: Parity, kept: Golden
) -> Card:
    run = request.run
    plain = plain_costs(run.network, recipe.kind, recipe.shown)
    return Card(
        recipe=recipe,
        parameters=sum(weights.numel() for weights in run.network.parameters()),
        dataset=dataset,
        experiment=run.experiment,
        training_seconds=run.seconds,
        training_device=run.device,
        training_versions=run.versions,
        evaluation=request.report,
        note=request.note,
        parity=found,
        networks=tuple(
            NetworkCard(model=model.name, before=before, after=each.cost)
            for model, before, each in zip(recipe.models, plain, written, strict=True)
        ),
        cpu_backend=cpu_backend(recipe.provenance.architecture),
        golden=kept,
    )
