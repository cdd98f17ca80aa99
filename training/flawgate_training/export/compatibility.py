"""Whether a new version fits those that are there: Triton keeps one configuration for all versions of a model."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import onnx

from flawgate_contracts.errors import InvalidParameter
from flawgate_contracts.recipe import Recipe
from flawgate_contracts.repository import layout
from flawgate_contracts.repository.layout import ModelRepository
from flawgate_training.export.graphs import Written

_SHARED = ("kind", "input", "tiling", "max_batch_size", "explained")


def check_compatible(repository: ModelRepository, recipe: Recipe, written: Sequence[Written]) -> None:
    """Compare a version that is to be published with the newest one of its recipe, if there is any.

    Raises:
        InvalidParameter: they differ in what all versions share; names it.
    """
    versions = repository.versions(recipe.name)
    if not versions:
        return
    before = repository.recipe(recipe.name, versions[-1])
    faults = [*_other_shapes(before, recipe), *_other_tensors(repository.root, before, written)]
    if faults:
        raise InvalidParameter(
            f"This run cannot be a version of recipe {recipe.name}: {'; '.join(faults)}. All versions of a recipe "
            "share one configuration of Triton's; take another recipe name.",
            {"field": "recipe"},
        )


def _other_shapes(before: Recipe, now: Recipe) -> Iterator[str]:
    for name in _SHARED:
        if getattr(before, name) != getattr(now, name):
            yield f"its {name} is {getattr(now, name)}, that of version {before.version} is {getattr(before, name)}"


def _other_tensors(root: Path, before: Recipe, written: Sequence[Written]) -> Iterator[str]:
    for model, each in zip(before.models, written, strict=False):
        known = _dims(root / model.name / model.version / layout.MODEL)
        for tensor in (*each.inputs, *each.outputs):
            if known.get(tensor.name) != tensor.dims:
                yield (
                    f"{model.name} gives or takes {tensor.name} of {tensor.dims}, "
                    f"version {before.version} of {known.get(tensor.name)}"
                )


def _dims(path: Path) -> dict[str, tuple[int, ...]]:
    """Of each input and output, without the batch."""
    graph = onnx.load(path, load_external_data=False).graph
    return {
        value.name: tuple(axis.dim_value for axis in value.type.tensor_type.shape.dim)[1:]
        for value in (*graph.input, *graph.output)
    }
