import pytest

from flawgate_contracts.recipe import TensorInput
from flawgate_imaging.golden_frames import digest
from flawgate_imaging.golden_pattern import pattern
from flawgate_imaging.pipeline import to_tensor


@pytest.mark.parametrize(
    ("channels", "shape", "sha256"),
    [
        (3, (40, 24, 3), "235955f4712c8ef90655d55b09e1421648db7cb55fabae1e8abe4d020b8238d8"),
        (1, (40, 24), "7b32752798d27a9197f673fda9a270a9639ba7e77e892f90b4f78317377e7753"),
    ],
    ids=["colour", "grey"],
)
def test_the_pattern_is_the_same_everywhere(channels: int, shape: tuple[int, ...], sha256: str) -> None:
    """Its digest is written down here: another generator of numbers would be noticed."""
    pixels = pattern(TensorInput(channels=channels, height=40, width=24))
    assert shape == pixels.shape
    assert sha256 == digest(to_tensor(pixels))
