"""The tiny recipe as a model server lists it."""

from flawgate_contracts.recipe import Recipe
from flawgate_inference.model_server import ServedModel
from support.tiny_repository import spot_recipe


def spot_model(recipe: Recipe | None = None, *, version: str = "1") -> ServedModel:
    """The ensemble, loaded."""
    recipe = recipe or spot_recipe()
    return ServedModel(recipe.name, version, ready=True, parameters={"recipe": recipe.model_dump_json()})
