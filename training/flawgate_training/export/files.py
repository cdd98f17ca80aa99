"""The files of one version of a recipe, as they stand in the model repository (docs/export.md)."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from flawgate_contracts.recipe import Recipe
from flawgate_contracts.repository import layout
from flawgate_training.export import golden, triton
from flawgate_training.export.card import Card, markdown
from flawgate_training.export.graphs import Written
from flawgate_training.export.parity import NamedFrame


def write_version(card: Card, written: Sequence[Written], frames: Sequence[NamedFrame], folder: Path) -> None:
    """Write the models, their configuration and what describes them.

    Args:
        card: of the version; holds the recipe.
        written: its models' graphs.
        frames: pixels of its golden frames, and others.
        folder: empty; `<model>/...` appears in it as in a repository.
    """
    recipe = card.recipe
    for position, each in enumerate(written):
        _write_model(folder / recipe.models[position].name, recipe, position, each, card)
    _write_recipe(folder / recipe.name / recipe.version, card, written, frames)
    shutil.copyfile(folder / recipe.name / recipe.version / layout.ENSEMBLE, folder / recipe.name / layout.CONFIG)


def _write_model(folder: Path, recipe: Recipe, position: int, written: Written, card: Card) -> None:
    model = recipe.models[position]
    shape = (recipe, position, written.inputs, written.outputs, [int(model.version)])
    _write(folder / layout.CONFIG, triton.model_config(*shape))
    _write(folder / "configs" / "cpu.pbtxt", triton.cpu_config(*shape, backend=card.cpu_backend))
    _write(folder / "configs" / "tensorrt.pbtxt", triton.tensorrt_config(*shape))
    target = folder / model.version / layout.MODEL
    target.parent.mkdir()
    shutil.copyfile(written.path, target)


def _write_recipe(folder: Path, card: Card, written: Sequence[Written], frames: Sequence[NamedFrame]) -> None:
    tensors = {tensor.name: tensor for each in written for tensor in (*each.inputs, *each.outputs)}
    _write(folder / layout.RECIPE, card.recipe.model_dump_json(indent=2) + "\n")
    _write(folder / layout.ENSEMBLE, triton.ensemble_config(card.recipe, tensors, card.golden))
    _write(folder / layout.PARITY, card.parity.as_json().decode())
    _write(folder / "card.json", card.model_dump_json(indent=2) + "\n")
    _write(folder / "MODEL_CARD.md", markdown(card))
    golden.write(folder, card.golden, frames)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
