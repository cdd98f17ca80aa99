import hashlib
from pathlib import Path

import pytest
from support.tiny_repository import write_spot

from flawgate_contracts.errors import DamagedModel
from flawgate_contracts.recipe import Recipe
from flawgate_contracts.repository.digests import sha256, verify
from flawgate_contracts.repository.layout import ModelRepository


def test_whole_files_pass(tmp_path: Path) -> None:
    """A version as it was exported is left alone."""
    recipe = write_spot(tmp_path)
    verify(ModelRepository(tmp_path), recipe)
    assert recipe.models[0].sha256 == sha256(tmp_path / "spot_seg/1/model.onnx")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: path.unlink(), "No such file"),
        (lambda path: path.write_bytes(path.read_bytes()[:-7]), "damaged or cut short: its [0-9]+ bytes"),
        (lambda path: path.write_bytes(b""), "its 0 bytes"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1] + b"?"), "the recipe names"),
    ],
    ids=["missing", "cut short", "empty", "one byte"],
)
def test_damage_is_told_with_the_file(tmp_path: Path, damage: object, said: str) -> None:
    """The sentence names the file and what to do."""
    recipe = write_spot(tmp_path)
    path = tmp_path / "spot_cls/1/model.onnx"
    assert callable(damage)
    damage(path)
    with pytest.raises(DamagedModel, match=f"{path}.*{said}.*export it again"):
        verify(ModelRepository(tmp_path), recipe)


def test_the_comparison_is_checked_where_the_recipe_holds_its_digest(tmp_path: Path) -> None:
    """parity.json belongs to the version as its models do."""
    written = write_spot(tmp_path)
    path = tmp_path / "spot/1/parity.json"
    path.write_bytes(b"{}\n")
    recipe = _with_parity(written, hashlib.sha256(b"{}\n").hexdigest())
    verify(ModelRepository(tmp_path), recipe)
    path.write_bytes(b"{ }\n")
    with pytest.raises(DamagedModel, match=r"parity\.json is damaged"):
        verify(ModelRepository(tmp_path), recipe)


def _with_parity(recipe: Recipe, digest: str) -> Recipe:
    return recipe.model_copy(update={"provenance": recipe.provenance.model_copy(update={"parity_sha256": digest})})
