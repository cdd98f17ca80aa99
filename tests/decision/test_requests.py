import pytest
from support.tiny_repository import HEIGHT, WIDTH, spot_recipe

from flawgate_contracts.errors import InvalidParameter
from flawgate_decision.requests import read_tensor
from flawgate_imaging.geometry import Geometry

GEOMETRY = Geometry.identity(WIDTH, HEIGHT)


@pytest.mark.parametrize(("data", "channels"), [(b"", 1), (b"x" * (HEIGHT * WIDTH - 1), 1), (b"x" * HEIGHT * WIDTH, 3)])
def test_a_tensor_that_does_not_fit_the_recipe_is_refused(data: bytes, channels: int) -> None:
    """Too few bytes, or another number of channels, never reach the model."""
    with pytest.raises(InvalidParameter, match="takes a tensor"):
        read_tensor(data, channels, GEOMETRY, spot_recipe())
