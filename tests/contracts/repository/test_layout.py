from pathlib import Path

import pytest
from support.tiny_repository import spot_recipe, write_spot

from flawgate_contracts.errors import BrokenRecipe, UnknownRecipe, UnknownVersion
from flawgate_contracts.repository.layout import RECIPE, ModelRepository


@pytest.fixture
def repository(tmp_path: Path) -> ModelRepository:
    """Recipe `spot` in versions 1 (active), 2 and 10, recipe `other` in version 1."""
    for version in ("1", "2", "10"):
        write_spot(tmp_path, version=version)
    write_spot(tmp_path, name="other")
    return ModelRepository(tmp_path)


def test_recipes_and_versions_are_listed_in_order(repository: ModelRepository) -> None:
    """Versions are numbers: 10 comes after 2. Models are no recipes, nor is a folder without recipe.json."""
    (repository.root / "spot" / "11").mkdir()
    (repository.root / "spot" / "old").mkdir()
    (repository.root / "spot" / "old" / RECIPE).write_text("{}")
    assert repository.recipes() == ("other", "spot")
    assert repository.versions("spot") == (1, 2, 10)
    assert repository.versions("spot_seg") == ()


def test_the_active_version_is_that_of_the_ensemble(repository: ModelRepository) -> None:
    """What Triton serves is what is in force, not the newest."""
    assert repository.active("spot") == 1
    assert repository.active("nothing") is None


def test_a_recipe_has_one_version_in_force_or_says_so(repository: ModelRepository) -> None:
    """None, or several, is a fault that names the file; an unknown recipe is told as such."""
    assert repository.in_force("spot") == 1
    repository.config("spot").unlink()
    with pytest.raises(BrokenRecipe, match=r"spot/config.pbtxt does not say which version is in force"):
        repository.in_force("spot")
    with pytest.raises(UnknownRecipe, match="known are: other, spot"):
        repository.in_force("spit")


def test_a_version_is_read(repository: ModelRepository) -> None:
    """Each version has its own recipe, and its models' files are found."""
    recipe = repository.recipe("spot", 10)
    assert (recipe.name, recipe.version) == ("spot", "10")
    assert [repository.model(model) for model in recipe.models] == [
        repository.root / "spot_seg/10/model.onnx",
        repository.root / "spot_cls/10/model.onnx",
    ]


@pytest.mark.parametrize(
    ("name", "version", "error", "said"),
    [
        ("spot", 3, UnknownVersion, "Recipe spot has no version 3 in .*; there are: 1, 2, 10."),
        ("spit", 1, UnknownRecipe, "There is no recipe 'spit' in .*; known are: other, spot."),
    ],
)
def test_what_is_not_there_is_told(
    repository: ModelRepository, name: str, version: int, error: type[Exception], said: str
) -> None:
    """The sentence names what there is."""
    with pytest.raises(error, match=said):
        repository.recipe(name, version)


def test_a_recipe_in_the_wrong_place_is_refused(repository: ModelRepository) -> None:
    """A folder that was copied by hand would serve another version than it says."""
    (repository.folder("spot", 2) / RECIPE).write_text(spot_recipe(version="1").model_dump_json())
    with pytest.raises(BrokenRecipe, match="holds version 1 of recipe spot"):
        repository.recipe("spot", 2)


def test_configurations_are_those_that_are_there(repository: ModelRepository) -> None:
    """An ensemble has one, a model one for each way to serve it."""
    assert [path.name for path in repository.configs("spot")] == ["config.pbtxt"]
    assert [path.name for path in repository.configs("spot_seg")] == ["config.pbtxt", "cpu.pbtxt"]
    assert repository.configs("nothing") == ()


def test_the_next_version_is_above_all_folders(repository: ModelRepository) -> None:
    """A number that a folder of any part has is never given again."""
    (repository.root / "spot_cls" / "12").mkdir()
    assert repository.next_version("spot", ["spot_seg"]) == 11
    assert repository.next_version("spot", ["spot_seg", "spot_cls"]) == 13
    assert repository.next_version("new", ["new_seg"]) == 1
