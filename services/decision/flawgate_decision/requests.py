"""What a request brings, checked: the tensor, and the policy where it names one. Nothing here knows gRPC."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from flawgate_contracts.errors import InvalidParameter
from flawgate_contracts.recipe import Policy, Recipe
from flawgate_imaging.geometry import Geometry


def read_tensor(data: bytes, channels: int, geometry: Geometry, recipe: Recipe) -> NDArray[np.uint8]:
    """The tensor of a request, (channels, height, width), uint8, 0–255.

    Raises:
        InvalidParameter: its shape is not the recipe's input, or the number of bytes does not fit the shape.
    """
    shape = (channels, geometry.tensor_height, geometry.tensor_width)
    wanted = (recipe.input.channels, recipe.input.height, recipe.input.width)
    if shape != wanted or len(data) != channels * geometry.tensor_height * geometry.tensor_width:
        raise InvalidParameter(
            f"Recipe {recipe.name} takes a tensor of shape {wanted} (channels, height, width); "
            f"this one has shape {shape} and {len(data)} bytes.",
            {"field": "tensor"},
        )
    return np.frombuffer(data, np.uint8).reshape(shape)


def under_policy(recipe: Recipe, document: Mapping[str, Any]) -> Recipe:
    """The recipe, judged by the policy of a request instead of its own.

    Raises:
        InvalidParameter: the document is no policy, or limits areas that the recipe does not measure.
    """
    try:
        policy = Policy.model_validate(document)
    except ValidationError as err:
        fault = err.errors()[0]
        field = ".".join(("policy", *map(str, fault["loc"])))
        raise InvalidParameter(f"`{field}` is not as it must be: {fault['msg']}.", {"field": field}) from err
    return recipe.under(policy)
