from pathlib import Path

import cv2
import numpy as np
import pytest
from support.golden import pattern_frame, write_golden
from support.tiny_repository import write_spot

from flawgate_contracts.errors import DamagedModel
from flawgate_contracts.golden import FILE, Golden
from flawgate_contracts.recipe import Recipe, TensorInput
from flawgate_contracts.steps import Colour, Resize
from flawgate_imaging import golden_frames


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    """Version 1 of `spot`, with two golden frames."""
    recipe = write_spot(tmp_path)
    write_golden(tmp_path, recipe, {"bright.png": 250, "dark.png": 20})
    return recipe


def test_shipped_pictures_are_the_tensors(tmp_path: Path, recipe: Recipe) -> None:
    """A PNG loses nothing: the digest is that of the export."""
    frames = golden_frames.collect(recipe, tmp_path / "spot/1", None)
    assert [each.tensor.max() for each in frames.found] == [250, 20]
    assert not frames.missing


def test_colours_are_in_their_order(tmp_path: Path) -> None:
    """A tensor of three channels is red, green, blue; OpenCV reads them the other way round."""
    recipe = write_spot(tmp_path).model_copy(
        update={
            "input": TensorInput(channels=3, height=2, width=2),
            "steps": (Colour(), Resize(height=2, width=2)),
        }
    )
    pixels = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    tensor = np.ascontiguousarray(pixels.transpose(2, 0, 1))
    write_golden(tmp_path, recipe, {"colour": 1})
    folder = tmp_path / "spot/1"
    golden = Golden.model_validate_json((folder / FILE).read_bytes())
    digest = golden_frames.digest(tensor)
    changed = golden.model_copy(update={"frames": (golden.frames[0].model_copy(update={"sha256": digest}),)})
    (folder / FILE).write_text(changed.model_dump_json())
    cv2.imwrite(str(folder / "golden/0.png"), cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
    found = golden_frames.collect(recipe, tmp_path / "spot/1", None).found[0]
    assert np.array_equal(tensor, found.tensor)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: path.unlink(), "0.png is missing or no picture"),
        (lambda path: path.write_bytes(b"no picture"), "0.png is missing or no picture"),
        (lambda path: cv2.imwrite(str(path), np.zeros((32, 24), np.uint8)), "0.png is another picture"),
    ],
)
def test_a_shipped_picture_that_is_damaged_is_told(tmp_path: Path, recipe: Recipe, damage: object, said: str) -> None:
    """It belongs to the version, as its models do."""
    assert callable(damage)
    damage(tmp_path / "spot/1/golden/0.png")
    with pytest.raises(DamagedModel, match=said):
        golden_frames.collect(recipe, tmp_path / "spot/1", None)


def test_a_broken_list_is_told(tmp_path: Path, recipe: Recipe) -> None:
    """A version without golden frames has no list at all; this one is damaged."""
    (tmp_path / "spot/1" / FILE).write_text("{")
    with pytest.raises(DamagedModel, match=r"golden\.json cannot be read"):
        golden_frames.collect(recipe, tmp_path / "spot/1", None)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (None, "bright.png is not there"),
        (b"no picture", "bright.png cannot be read: "),
        (cv2.imencode(".png", np.zeros((32, 24), np.uint8))[1].tobytes(), "another picture than at the export"),
    ],
    ids=["missing", "no picture", "another"],
)
def test_a_picture_of_the_data_set_that_does_not_fit_is_told(tmp_path: Path, data: bytes | None, said: str) -> None:
    """It is not checked, and the reason is shown; others are."""
    recipe = write_spot(tmp_path)
    write_golden(tmp_path, recipe, {"bright.png": 250, "dark.png": 20}, pictures=tmp_path / "data")
    path = tmp_path / "data" / "bright.png"
    path.unlink() if data is None else path.write_bytes(data)
    frames = golden_frames.collect(recipe, tmp_path / "spot/1", tmp_path / "data")
    assert said in frames.missing[0].why
    assert [each.frame.name for each in frames.found] == ["dark.png"]


def gathered(recipe: Recipe, folder: Path, *, in_reach: bool = True) -> golden_frames.Frames:
    """As whoever serves the version finds them, from its own files alone."""
    golden = golden_frames.read(folder)
    assert golden is not None
    return golden_frames.gather(recipe, golden, folder if in_reach else None, None)


def test_whoever_serves_a_version_goes_on_without_a_damaged_picture(tmp_path: Path, recipe: Recipe) -> None:
    """It is missing, marked as damaged; the other frame is there."""
    (tmp_path / "spot/1/golden/0.png").unlink()
    frames = gathered(recipe, tmp_path / "spot/1")
    assert [each.frame.name for each in frames.found] == ["dark.png"]
    assert [(each.frame.name, each.is_damaged) for each in frames.missing] == [("bright.png", True)]


def test_frames_out_of_reach_are_missing_not_damaged(tmp_path: Path, recipe: Recipe) -> None:
    """Nothing is wrong with them."""
    frames = gathered(recipe, tmp_path / "spot/1", in_reach=False)
    assert [each.is_damaged for each in frames.missing] == [False, False]


def test_the_pattern_of_blocks_is_made_anew(tmp_path: Path, recipe: Recipe) -> None:
    """Whoever serves it needs no file of it; for a promotion its picture must be whole, as all that is shipped."""
    folder = tmp_path / "spot/1"
    frame = pattern_frame(recipe, "OK", 0.5)
    (folder / FILE).write_text(Golden(tolerance=0.1, frames=(frame,)).model_dump_json())
    (folder / "golden/0.png").unlink()
    (found,) = gathered(recipe, folder, in_reach=False).found
    assert frame.sha256 == golden_frames.digest(found.tensor)
    with pytest.raises(DamagedModel, match=r"0\.png is missing"):
        golden_frames.collect(recipe, folder, None)


def test_a_frame_of_that_name_with_other_pixels_is_no_pattern(tmp_path: Path, recipe: Recipe) -> None:
    """Its digest decides, not its name."""
    frame = pattern_frame(recipe, "OK", 0.5).model_copy(update={"sha256": "0" * 64})
    (missing,) = golden_frames.gather(recipe, Golden(tolerance=0.1, frames=(frame,)), None, None).missing
    assert missing.why == "the model repository's folder is out of reach"
