"""`flawgate export`."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import typer
from pydantic import ValidationError
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from flawgate_contracts.errors import InvalidParameter
from flawgate_contracts.recipe import Policy, Precision, Target
from flawgate_training import runs
from flawgate_training.datasets import manifest
from flawgate_training.datasets.items import Item, Pixels
from flawgate_training.datasets.samples import Samples
from flawgate_training.evaluation import judging
from flawgate_training.evaluation.predictions import PREDICTIONS, Judged
from flawgate_training.experiment.loading import mapping
from flawgate_training.export import calibration
from flawgate_training.export.card import Card, DatasetCard, shift
from flawgate_training.export.parity import NamedFrame
from flawgate_training.export.publication import Material, Published, publish
from flawgate_training.export.quality import chosen_limits
from flawgate_training.export.recipes import Request
from flawgate_training.export.reference import good_frames
from flawgate_training.tasks import data as frames_of

PARITY_FRAMES = 48
"""Frames to compare on, unless told otherwise."""


@dataclass(frozen=True)
class Publication:
    """What `flawgate export` was asked for.

    Attributes:
        run: folder of a finished run.
        recipe: name of the recipe.
        repository: Triton's model repository.
        precision: what the networks are to compute with.
        target: what the graphs are to be rewritten for.
        evaluation: file of a report; that in the run's folder, if any, where None.
        title: one line for people; the data set's own where None.
        note: for the model card.
        forced: why to publish even against the parity gate; None: do not.
        frames: to compare on.
        limited: whether the recipe limits the quality of pictures.
        policy: file of what makes an evaluation of the answers; the experiment's threshold where None.
    """

    run: Path
    recipe: str
    repository: Path
    precision: Precision
    target: Target
    evaluation: Path | None
    title: str | None
    note: str
    forced: str | None
    frames: int = PARITY_FRAMES
    limited: bool = True
    policy: Path | None = None


def export(asked: Publication, folder: Path | None) -> None:
    """Publish one run.

    Raises:
        InvalidParameter: there is no such run or evaluation, the name cannot be a recipe's, or the policy fits no
            recipe, or not this one.
        InvalidExperiment: the policy's file is no YAML.
        InvalidDataset: the pictures are not there any more, or do not suffice to calibrate int8.
        ParityRefused: see `publish`.
    """
    run = runs.load(asked.run)
    policy = None if asked.policy is None else read_policy(asked.policy)
    found = asked.evaluation or asked.run / judging.REPORT
    report = judging.read_report(found) if asked.evaluation or found.exists() else None
    data = frames_of.again(run.experiment, asked.run, folder)
    about = data.dataset.about
    request = Request(
        run,
        about,
        asked.recipe,
        report,
        asked.title,
        asked.note,
        precision=asked.precision,
        target=asked.target,
        forced=asked.forced,
        quality=chosen_limits(run.experiment.quality, data.subsets.train) if asked.limited else None,
        policy=policy,
    )
    material = Material(
        frames=_parity_frames(data, asked, run.experiment.judging.threshold),
        dataset=_dataset_card(data),
        calibration=_calibration(data, run) if asked.precision == "int8" else None,
        good=good_frames(data.subsets),
    )
    _tell(publish(request, material, asked.repository), asked.repository)


def read_policy(path: Path) -> Policy:
    """Read a policy.

    Raises:
        InvalidExperiment: the file cannot be read, is no YAML, or holds no mapping.
        InvalidParameter: a field is unknown or out of range; all are named.
    """
    try:
        return Policy.model_validate(mapping(path, "a policy", first="threshold"))
    except ValidationError as err:
        told = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in err.errors())
        raise InvalidParameter(f"{path} is no policy: {told}.", {"field": "policy"}) from err


def _calibration(data: frames_of.RunData, run: runs.Run) -> list[Pixels]:
    return calibration.choose(data.train, data.validation, tiling=run.experiment.tiling)


def _dataset_card(data: frames_of.RunData) -> DatasetCard:
    about, files = data.dataset.about, manifest.of(data.dataset)
    return DatasetCard(
        name=about.name,
        source=about.source,
        licence=about.licence,
        notice=about.notice,
        files=files.count,
        sha256=files.sha256,
        split={name: len(items) for name, items in data.subsets.named.items()},
    )


def _parity_frames(data: frames_of.RunData, asked: Publication, threshold: float | str) -> list[NamedFrame]:
    """Held-out frames where there are any: those judged closest to the threshold, then defective and good in turn."""
    samples: Samples = next((each for each in (data.test, data.validation) if len(each)), data.train)
    if asked.frames < 1:
        raise InvalidParameter("At least one frame is needed to compare on.", {"field": "frames"})
    places = {item.name: place for place, item in enumerate(samples.items)}
    names = [*_closest(asked.run, threshold, asked.frames // 4), *_in_turn(samples.items)]
    chosen = list(dict.fromkeys(name for name in names if name in places))[: asked.frames]
    return [NamedFrame(name, samples[places[name]].pixels) for name in chosen]


def _closest(run: Path, threshold: float | str, count: int) -> list[str]:
    """Names of the frames that the run judged closest to its threshold; none where it is not judged."""
    if not (run / PREDICTIONS).exists() or isinstance(threshold, str):
        return []
    ranked = sorted(Judged.load(run).test, key=lambda frame: abs(frame.score - threshold))
    return [frame.name for frame in ranked[:count]]


def _in_turn(items: tuple[Item, ...]) -> Iterator[str]:
    """Names, a defective one and a good one in turn, evenly over the data set."""
    halves = [[item.name for item in items if item.defective is bad] for bad in (True, False)]
    for place in range(max(map(len, halves))):
        yield from (half[place] for half in halves if place < len(half))


def _tell(published: Published, repository: Path) -> None:
    card = published.card
    recipe, parity = card.recipe, card.parity
    Console().print(_table(card))
    typer.echo(
        f"Published {recipe.name}, version {recipe.version}, in {repository}. Over {len(parity.frames)} frames, scores "
        f"of torch and ONNX Runtime differ by {shift(parity)}; {len(parity.flipped)} "
        "evaluations flipped."
    )
    if recipe.provenance.forced:
        typer.echo(
            f"The parity gate refused it: {' '.join(parity.faults)} Published all the same, for this reason: "
            f"{recipe.provenance.forced}"
        )
    if not published.active:
        typer.echo(
            f"The version in force is as it was; `flawgate models promote {recipe.name}` puts this one in force."
        )


def _table(card: Card) -> Table:
    """What the graph work saved."""
    drawn = Table(
        "model",
        "operations",
        "plain",
        "nodes",
        "plain",
        "bytes",
        "plain",
        title="As exported, per frame",
        box=SIMPLE_HEAD,
    )
    drawn.columns[0].no_wrap = True
    for column in drawn.columns[1:]:
        column.justify = "right"
    for each in card.networks:
        before, after = each.before, each.after
        drawn.add_row(
            each.model,
            f"{after.operations / 1e9:.3f} G",
            f"{before.operations / 1e9:.3f} G",
            *(str(cost.nodes) for cost in (after, before)),
            *(f"{cost.bytes:,}" for cost in (after, before)),
        )
    return drawn
