"""Bytes of a frame on its way and at rest, from what a run has sent and left behind."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from statistics import fmean

from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

from flawgate_contracts.recipe import RECIPE_PARAMETER, Recipe

REPOSITORY = Path("model_repository")
MASK_SIDE = 8
"""Pixels of the input beside one of a cascade's mask (paper d, Table 1: the decoder ends at 1/8 of the input)."""
FP32 = 4


def measured_sizes(records: Path, name: str, frames: Sequence[bytes]) -> dict[str, float]:
    """Bytes a frame, on average.

    Args:
        records: the gateway's SQLite file, after it has stopped.
        name: of the recipe, a cascade or a classification.
        frames: encoded, as they were sent.
    """
    recipe = _recipe(name)
    cells = recipe.input.height * recipe.input.width // MASK_SIDE**2 if recipe.kind == "cascade" else 0
    with closing(sqlite3.connect(records)) as connection:
        (document, stored) = connection.execute(
            "SELECT avg(length(i.document)), avg(e.stored_bytes) FROM inspections i JOIN evidence e"
            " ON e.inspection_id = i.id WHERE i.recipe = ?",
            (name,),
        ).fetchone()
    return {
        "frame": fmean(map(len, frames)),
        "tensor": recipe.input.channels * recipe.input.height * recipe.input.width,
        "model_mask": cells * FP32,
        "mask": cells,
        "document": document,
        "stored": stored,
    }


def _recipe(name: str) -> Recipe:
    text = (REPOSITORY / name / "config.pbtxt").read_text("utf-8")
    config = text_format.Parse(text, model_config_pb2.ModelConfig())
    return Recipe.from_json(config.parameters[RECIPE_PARAMETER].string_value, source=name)
