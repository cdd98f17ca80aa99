import numpy as np
import pytest
from support.fakes import FakeModelServer
from support.pictures import spot_pixels
from support.served import spot_model
from support.tiny_repository import HEIGHT, MASK_SHAPE, WIDTH, spot_recipe

from flawgate_contracts.errors import ModelFailure
from flawgate_imaging.geometry import Geometry
from flawgate_inference.deciding import decide

GEOMETRY = Geometry.identity(WIDTH, HEIGHT)


async def test_a_bright_spot_is_a_defect_where_it_is() -> None:
    """Score, evaluation, box and mask are what can be worked out by hand."""
    tensor = spot_pixels(255)[np.newaxis]
    decision = await decide(FakeModelServer([spot_model()]), spot_recipe(), tensor, GEOMETRY, timeout_s=1)
    assert decision.verdict == ("NOT_OK", "SCORE_ABOVE_THRESHOLD")
    assert decision.score == 1.0
    (defect,) = decision.defects
    assert defect.class_name == "spot"
    assert defect.box.x <= 5 < defect.box.x + defect.box.width
    assert defect.box.y <= 10 < defect.box.y + defect.box.height
    expected = np.zeros((1, *MASK_SHAPE), np.uint8)
    expected[0, 1, 0] = 255
    assert decision.mask is not None
    assert np.array_equal(expected, decision.mask)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("score", np.array([[np.nan]], np.float32)),
        ("score", np.array([[1.5]], np.float32)),
        ("score", np.array([[0.1, 0.2]], np.float32)),
        ("score", np.zeros((0,), np.float32)),
        ("mask", np.zeros((1, 2, 4, 3), np.float32)),
        ("mask", np.zeros((4, 3), np.float32)),
        ("mask", np.full((1, 1, 4, 3), np.nan, np.float32)),
        ("mask", np.full((1, 1, 4, 3), 7, np.float32)),
    ],
)
async def test_nonsense_from_a_model_is_a_failure_and_never_ok(name: str, value: np.ndarray) -> None:
    """A NaN, a score beyond 0 to 1 or a mask of another shape is refused."""
    server = FakeModelServer([spot_model()])
    good = {"score": np.zeros((1, 1), np.float32), "mask": np.zeros((1, 1, 4, 3), np.float32)}
    server.answers = {**good, name: value}
    with pytest.raises(ModelFailure, match="spot"):
        await decide(server, spot_recipe(), np.zeros((1, HEIGHT, WIDTH), np.uint8), GEOMETRY, timeout_s=1)
