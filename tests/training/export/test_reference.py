"""What good parts look like to a recipe: measured at the export, as the services measure."""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from support import tiny_training
from support.publishing import material, run_of
from support.tiny_training import item

from flawgate_contracts.recipe import QualityLimits, Recipe
from flawgate_contracts.reference import FEATURES
from flawgate_contracts.repository.layout import ModelRepository
from flawgate_imaging.drift import MIN_FRAMES, RESOLUTION, distribution
from flawgate_imaging.quality import measure
from flawgate_training.datasets import texture
from flawgate_training.datasets.items import Pixels
from flawgate_training.datasets.splits import Subsets
from flawgate_training.export.card import Card, markdown
from flawgate_training.export.publication import publish
from flawgate_training.export.quality import FRAMES
from flawgate_training.export.recipes import Request
from flawgate_training.export.reference import ENOUGH, good_frames, measured_reference
from flawgate_training.export.runtimes import Explained, Values

GOOD = tuple(item(number, 0) for number in range(60))
RUNS = {
    "cascade": run_of("cascade"),
    "segmentation": run_of("segmentation"),
    "classification": run_of("classification"),
    "anomaly": run_of("anomaly"),
    "tiled": run_of("segmentation", tiling=tiny_training.TILING),
}


class Unsure:
    """`Models` of a classification that say the same of every frame."""

    def answers(self, frames: Pixels) -> dict[str, Values]:
        """See `Models`."""
        return {"probabilities": np.full((len(frames), 1), 0.25, np.float32)}

    def explained(self, frames: Pixels) -> Explained:
        """See `Models`."""
        return Explained(self.answers(frames), {})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with the recipe `tiny`, which limits quality, exported beside the good frames. To be read only."""
    repository = tmp_path_factory.mktemp("reference")
    asked = Request(RUNS["classification"], texture.ABOUT, "tiny", quality=QualityLimits(min_mean=0.1))
    publish(asked, replace(material(), good=GOOD), repository)
    return repository


@pytest.fixture
def recipe(folder: Path) -> Recipe:
    """That recipe."""
    return ModelRepository(folder).recipe("tiny", 1)


def test_the_reference_is_how_the_good_frames_measure(recipe: Recipe) -> None:
    """Exactly the distribution of what their pictures measure; where nothing limits quality, the score alone."""
    assert recipe.reference is not None
    assert (recipe.reference.frames, set(recipe.reference.features)) == (len(GOOD), set(FEATURES))
    measured = [asdict(measure(each.source.read().pixels)) for each in GOOD]
    for feature in set(FEATURES) - {"score"}:
        assert recipe.reference.features[feature] == distribution(
            [each[feature] for each in measured], RESOLUTION[feature]
        )
    unlimited = measured_reference(Unsure(), recipe.model_copy(update={"quality": None}), GOOD)
    assert unlimited is not None
    assert unlimited.features == {"score": distribution([0.25] * len(GOOD), RESOLUTION["score"])}


@pytest.mark.parametrize("kind", RUNS)
def test_scores_are_those_that_the_parity_gate_found(tmp_path: Path, kind: str) -> None:
    """Frame by frame the same arithmetic: the very frames of the gate have the gate's scores."""
    good = tuple(item(number, label) for number, label in enumerate((0, 1, 0, 1, 0, 1, 0))) * 10
    card = publish(Request(RUNS[kind], texture.ABOUT, "tiny"), replace(material(), good=good), tmp_path).card
    scores = {frame.name: frame.onnx_score for frame in card.parity.frames}
    assert card.recipe.reference is not None
    assert card.recipe.reference.features == {
        "score": distribution([scores[each.name] for each in good], RESOLUTION["score"])
    }


def test_too_few_frames_are_no_reference(recipe: Recipe) -> None:
    """Rather none than one that chance has drawn."""
    assert measured_reference(Unsure(), recipe, GOOD[: MIN_FRAMES - 1]) is None
    assert measured_reference(Unsure(), recipe, GOOD[:MIN_FRAMES]) is not None


def test_of_many_frames_some_are_measured(recipe: Recipe) -> None:
    """Evenly over all of them."""
    reference = measured_reference(Unsure(), recipe, tuple(item(number, 0) for number in range(FRAMES + 20)))
    assert reference is not None
    assert reference.frames == FRAMES


def test_the_card_tells_the_reference(folder: Path, recipe: Recipe) -> None:
    """People read which values are usual, and of how many frames; a card without one says nothing of drift."""
    assert recipe.reference is not None
    text = (folder / "tiny/1/MODEL_CARD.md").read_text(encoding="utf-8")
    assert f"{len(GOOD)} good frames are the reference" in text
    edges = ", ".join(f"{edge:.4g}" for edge in recipe.reference.features["focus"].edges)
    assert f"| focus | {edges} | " in text
    assert "| dark_share | -0.02, -0.01, 0.01, 0.02 | 0, 100, 0 |" in text
    card = Card.model_validate_json((folder / "tiny/1/card.json").read_bytes())
    without = card.model_copy(update={"recipe": recipe.model_copy(update={"reference": None})})
    assert "drift" not in markdown(without)


def test_held_out_frames_are_the_reference_where_there_are_enough() -> None:
    """Good ones alone; a network is surer of what it learned from, so those are taken only in want of others."""
    learned = tuple(item(number, number % 2) for number in range(300))
    held_out = tuple(item(1000 + number, number % 2) for number in range(2 * ENOUGH))
    chosen = good_frames(Subsets(learned, held_out[:100], held_out[100:]))
    assert [each.name for each in chosen] == [each.name for each in held_out if not each.defective]
    chosen = good_frames(Subsets(learned, (), held_out[:4]))
    assert {each.name for each in chosen} == {each.name for each in (*learned, *held_out[:4]) if not each.defective}
