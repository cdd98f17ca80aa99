import runpy
from pathlib import Path

import pytest

SCRIPT = runpy.run_path(str(Path(__file__).parents[2] / "scripts/check_image_sizes.py"))


def sizes(**other: float | None) -> dict[str, float | None]:
    """Sizes in megabytes, all just below their bounds but for those given."""
    return {**{service: bound - 0.1 for service, bound in SCRIPT["BOUNDS_MB"].items()}, **other}


def test_images_below_their_bounds_pass() -> None:
    """Nothing is wrong with images that are smaller than they may be."""
    assert SCRIPT["faults"](sizes()) == []


@pytest.mark.parametrize(
    ("size", "sentence"),
    [
        (350.0, "The image of gateway has 350 MB; it must stay below 350 MB."),
        (None, "There is no image of gateway: run `make images`."),
    ],
)
def test_one_that_is_too_large_or_missing_is_named(size: float | None, sentence: str) -> None:
    """An image at its bound, and one that is not there, is each a sentence."""
    assert SCRIPT["faults"](sizes(gateway=size)) == [sentence]
