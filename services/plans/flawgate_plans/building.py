"""Building the plans of one version of a recipe: into a file beside its place, proved, and only then put there."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from flawgate_contracts.errors import GoldenFailed, InvalidParameter
from flawgate_contracts.kinds import CALLS
from flawgate_contracts.recipe import ModelReference, Recipe
from flawgate_contracts.repository import digests
from flawgate_contracts.repository.files import settle, telling_of_the_disk
from flawgate_contracts.repository.layout import ModelRepository
from flawgate_imaging.golden_frames import Frames, collect
from flawgate_plans import configuration
from flawgate_plans.chain import by_onnxruntime, by_plans
from flawgate_plans.checking import BUILDING, fault_of
from flawgate_plans.engine_shape import EngineShape, read_shape
from flawgate_plans.gpu import Gpu
from flawgate_plans.pins import Version
from flawgate_plans.proving import Trial, prove
from flawgate_plans.records import PlanRecord, Proof, record
from flawgate_plans.trtexec import Trtexec


@dataclass(frozen=True)
class Workshop:
    """What plans are built with.

    Attributes:
        trtexec: on the GPU.
        version: of its TensorRT.
        gpu: what it runs on.
        timing_cache: None: one in the repository for this TensorRT and GPU architecture.
        pictures: folder of the data set, for golden frames whose pictures are not shipped; None: there is none.
    """

    trtexec: Trtexec
    version: Version
    gpu: Gpu
    timing_cache: Path | None = None
    pictures: Path | None = None


@dataclass(frozen=True)
class _Bench:
    """One model under work: what is built, from what, and where it goes."""

    model: ModelReference
    part: str
    folder: Path
    shape: EngineShape
    name: str

    @property
    def engine(self) -> Path:
        """While it is not proved."""
        return self.folder / f".{self.name}{BUILDING}"


def stand(repository: ModelRepository, recipe: Recipe, workshop: Workshop) -> bool:
    """Whether all plans of a version stand already, sound and of this TensorRT.

    Raises:
        InvalidParameter: there is no plan for such a GPU.
        DamagedModel: configuration or records cannot be read.
    """
    return all(
        fault_of(bench.folder, bench.name, workshop.gpu.capability, bench.model, workshop.version) is None
        for bench in _benches(repository, recipe, workshop.gpu)
    )


def build(repository: ModelRepository, recipe: Recipe, workshop: Workshop) -> Trial:
    """Build and prove the plans of a version; they are put in place if they pass, deleted if not.

    Nothing else changes: the ONNX files stay, and so do the plans that stood there, if the new ones do not pass. The
    caller holds the repository (`lock.changing`) and afterwards calls `settle_configuration`.

    Args:
        repository: that holds the version.
        recipe: the version.
        workshop: what to build with.

    Raises:
        InvalidParameter: there is no plan for such a GPU, or a folder cannot be written to.
        DamagedModel: a file of the version is missing or not the one that the recipe names.
        GoldenFailed: there is nothing to prove the plans on.
        ModelFailure: TensorRT cannot build or run a model, or a plan gives no answer.
        DeadlineExceeded: trtexec took too long.
        DiskFull: no space is left.
    """
    digests.verify(repository, recipe)
    benches = _benches(repository, recipe, workshop.gpu)
    frames = _golden_frames(repository, recipe, workshop.pictures)
    with _swept(benches):
        seconds = {bench.part: _build(repository, bench, workshop) for bench in benches}
        plans = by_plans(workshop.trtexec, {bench.part: (bench.engine, bench.shape) for bench in benches})
        onnx = by_onnxruntime({bench.part: repository.model(bench.model) for bench in benches})
        trial = prove(recipe, frames, plans, onnx)
        if trial.passed:
            _put(benches, recipe, workshop, seconds, trial.proof)
    return trial


def _golden_frames(repository: ModelRepository, recipe: Recipe, pictures: Path | None) -> Frames:
    """Those of a version; at least one is at hand."""
    frames = collect(recipe, repository.folder(recipe.name, int(recipe.version)), pictures)
    if not frames.found:
        why = "; ".join(dict.fromkeys(each.why for each in frames.missing)) or "it has none"
        raise GoldenFailed(
            f"No golden frame of version {recipe.version} of recipe {recipe.name} can be judged ({why}), so no plan "
            "can be proved; name the folder of the data set with --frames, or export the recipe again.",
            {"recipe": recipe.name, "version": recipe.version},
        )
    return frames


def settle_configuration(repository: ModelRepository, name: str, workshop: Workshop) -> bool:
    """Let Triton take plans for a recipe exactly where its active version has sound ones, of this TensorRT and GPU.

    Returns:
        Whether it takes them.
    """
    active = repository.active(name)
    if active is None:
        return False
    recipe = repository.recipe(name, active)
    sound = stand(repository, recipe, workshop)
    (configuration.put_in_force if sound else configuration.set_aside)(repository.root, recipe)
    return sound


def _benches(repository: ModelRepository, recipe: Recipe, gpu: Gpu) -> tuple[_Bench, ...]:
    return tuple(
        _bench(repository, model, call.part, gpu) for model, call in zip(recipe.models, CALLS[recipe.kind], strict=True)
    )


def _bench(repository: ModelRepository, model: ModelReference, part: str, gpu: Gpu) -> _Bench:
    shape = read_shape(configuration.path_of(repository.root, model.name))
    if gpu.capability not in shape.files:
        raise InvalidParameter(
            f"{gpu.name} has compute capability {gpu.capability}; plans are for {', '.join(shape.files)}. To add it, "
            "name a plan for it in PLANS of training/flawgate_training/export/triton.py, and export again.",
            {"field": "device"},
        )
    return _Bench(model, part, repository.model(model).parent, shape, shape.files[gpu.capability])


@contextmanager
def _swept(benches: tuple[_Bench, ...]) -> Iterator[None]:
    """Without half-built plans, those of a killed process before and our own after."""
    for bench in benches:
        with telling_of_the_disk(bench.folder):
            bench.engine.unlink(missing_ok=True)
    try:
        yield
    finally:
        for bench in benches:
            bench.engine.unlink(missing_ok=True)


def _build(repository: ModelRepository, bench: _Bench, workshop: Workshop) -> float:
    cache = f".flawgate-timing-{workshop.version}-{bench.name.removesuffix('.plan')}.cache"
    return workshop.trtexec.build(
        repository.model(bench.model),
        bench.engine,
        bench.shape,
        workshop.timing_cache or repository.root / cache,
        workshop.version,
    )


def _put(
    benches: tuple[_Bench, ...], recipe: Recipe, workshop: Workshop, seconds: Mapping[str, float], proof: Proof
) -> None:
    for bench in benches:
        entry = PlanRecord(
            sha256=digests.sha256(bench.engine),
            onnx_sha256=bench.model.sha256,
            precision=recipe.provenance.precision,
            tensorrt=str(workshop.version),
            driver=workshop.gpu.driver,
            gpu=workshop.gpu.name,
            compute_capability=workshop.gpu.capability,
            build_seconds=round(seconds[bench.part], 1),
            built_at=datetime.now(UTC),
            proof=proof,
        )
        with telling_of_the_disk(bench.folder):
            settle(bench.engine)
            bench.engine.replace(bench.folder / bench.name)
        record(bench.folder, bench.name, entry)
