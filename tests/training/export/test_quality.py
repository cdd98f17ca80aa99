"""Limits of pictures' quality: around what a network learned from, so wide that no part is refused."""

import logging
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from support.publishing import published, run_of
from support.tiny_training import item

from flawgate_contracts.errors import InvalidDataset
from flawgate_contracts.recipe import QualityLimits
from flawgate_contracts.repository.layout import ModelRepository
from flawgate_imaging.quality import Refusal, measure, refusal
from flawgate_training.datasets.items import Item, Picture
from flawgate_training.export.card import Card
from flawgate_training.export.quality import FRAMES, chosen_limits, measured_limits
from flawgate_training.tasks import data as frames_of
from flawgate_training.tasks.chosen import Choice, choose

OWN = QualityLimits(min_mean=0.3, max_bright_share=0.01)


@dataclass(frozen=True)
class Still:
    """A picture that is at hand, and counts how often it is read."""

    pixels: NDArray[np.uint8]
    reads: list[int]

    def read(self) -> Picture:
        """The picture."""
        self.reads.append(1)
        return Picture(self.pixels, None)


def still(number: int, pixels: NDArray[np.uint8], reads: list[int] | None = None) -> Item:
    """A frame of these pixels."""
    return replace(item(number, 0), source=Still(pixels, [] if reads is None else reads))


def stripes(dark: int, bright: int) -> NDArray[np.uint8]:
    """Rows of 8×8 pixels, dark and bright in turn."""
    pixels = np.full((8, 8), dark, np.uint8)
    pixels[::2] = bright
    return pixels


def test_the_limits_are_the_worst_frames_and_a_margin() -> None:
    """Half the light, halfway to white, a fifth of the other pixels, a quarter of the focus."""
    dim, lit = stripes(0, 102), stripes(153, 255)
    limits = measured_limits([still(0, dim), still(1, lit)])
    focus = min(measure(dim).focus, measure(lit).focus)
    assert limits == QualityLimits(
        min_mean=0.1,
        max_mean=0.9,
        max_dark_share=0.6,
        max_bright_share=0.6,
        min_focus=round(focus / 4, 6),
        refuse_repeats=True,
    )


def test_no_frame_of_the_training_is_refused() -> None:
    """Good ones and defective ones."""
    items = [item(number, number % 3) for number in range(12)]
    limits = measured_limits(items)
    assert {refusal(measure(each.source.read().pixels), limits) for each in items} == {None}


def test_limits_that_the_experiment_states_are_not_measured() -> None:
    """An engineer who knows the line better is believed, and no frame is read."""
    reads: list[int] = []
    frames = [still(0, stripes(10, 20), reads)]
    assert chosen_limits(OWN, frames) == OWN
    assert reads == []
    assert chosen_limits(None, frames) == measured_limits(frames)


def test_repeats_are_taken_where_the_data_hold_the_same_file_twice() -> None:
    """A part that can look the same byte for byte is no sign of a frozen camera."""
    assert not measured_limits([item(1, 0), item(2, 0), replace(item(1, 0), name="again")]).refuse_repeats


def test_a_black_training_frame_is_named_and_widens_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """It would be refused in service whatever the limits are; the others' limits are as without it."""
    rest = [item(1, 0), item(2, 1)]
    with caplog.at_level(logging.WARNING):
        limits = measured_limits([still(7, np.zeros((8, 8), np.uint8)), *rest])
    assert limits == measured_limits(rest)
    assert caplog.messages == ["black, and would be NOT_DECIDABLE in service: frame7"]


def test_black_frames_alone_are_no_measure() -> None:
    """The sentence says how to export all the same."""
    with pytest.raises(InvalidDataset, match="--no-quality-limits"):
        measured_limits([still(0, np.zeros((8, 8), np.uint8))])


def test_of_many_frames_some_are_measured() -> None:
    """A large data set costs seconds: its first and last frame and those evenly between them."""
    reads: list[int] = []
    many = [still(number, stripes(10, 20), reads) for number in range(3 * FRAMES)]
    last = still(3 * FRAMES, stripes(100, 200), reads)
    assert measured_limits([*many, last]).max_mean == pytest.approx(1 - (1 - 150 / 255) / 2, abs=1e-6)
    assert len(reads) == FRAMES


@pytest.mark.parametrize(("own", "origin"), [(None, "around the training frames"), (OWN, "as the experiment states")])
def test_the_recipe_and_its_card_tell_the_limits(tmp_path: Path, own: QualityLimits | None, origin: str) -> None:
    """What is asked for crosses into the model repository, and people read where it comes from."""
    run = run_of("classification")
    run = replace(run, experiment=run.experiment.model_copy(update={"quality": own}))
    published(run, tmp_path, quality=OWN)
    assert ModelRepository(tmp_path).recipe("tiny", 1).quality == OWN
    assert Card.model_validate_json((tmp_path / "tiny/1/card.json").read_bytes()).experiment.quality == own
    text = (tmp_path / "tiny/1/MODEL_CARD.md").read_text(encoding="utf-8")
    assert f"{origin}" in text
    assert "mean at least 0.3; share of bright pixels at most 0.01; never a black one." in text


def kept_and_refused(name: str, folder: Path, fold: int) -> dict[str, set[Refusal | None]]:
    """What becomes of held-out frames as they are, without light, and out of focus, by limits of the others."""
    data = frames_of.read(choose(Choice(name, None, None, [f"data.split.fold={fold}"], folder)))
    limits = measured_limits(data.subsets.train)
    seen = [each.source.read().pixels for each in data.subsets.test]
    changed = {
        "as it is": seen,
        "a quarter of the light": [(pixels / 4).astype(np.uint8) for pixels in seen],
        "out of focus": [cv2.GaussianBlur(pixels, (0, 0), 4).astype(np.uint8) for pixels in seen],
    }
    return {how: {refusal(measure(pixels), limits) for pixels in those} for how, those in changed.items()}


EXPECTED = {
    "as it is": {None},
    "a quarter of the light": {Refusal.TOO_DARK},
    "out of focus": {Refusal.OUT_OF_FOCUS},
}


def test_no_real_commutator_is_refused(kolektor_folder: Path) -> None:
    """Of KolektorSDD's held-out frames none; with a quarter of the light, or blurred by 4 pixels, every one."""
    assert kept_and_refused("commutator", kolektor_folder, 0) == EXPECTED


def test_no_real_texture_is_refused(dagm_folder: Path) -> None:
    """The same of DAGM 2007."""
    assert kept_and_refused("dagm_folds", dagm_folder, 0) == EXPECTED
