"""What is decided by recipes of every kind, over models whose answers can be worked out by hand."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from support.fakes import FakeModelServer
from support.served import spot_model
from support.tiny_kinds import BLANK, BLOB, BRIGHT, GLEAM, GLOW, MARKS, SHADE, SORTED, TILED, TINIES, Tiny
from support.tiny_repository import BLOCK, HEIGHT, WIDTH

from flawgate_contracts.errors import ModelFailure
from flawgate_imaging.geometry import Geometry
from flawgate_imaging.judgement import Manner, shown
from flawgate_inference.deciding import decide, prove
from flawgate_inference.model_server import ModelServer
from flawgate_inference.onnx_server import OnnxModelServer

GEOMETRY = Geometry.identity(WIDTH, HEIGHT)
RED, GREEN = 0, 1


class Block(NamedTuple):
    """One painted block: channel, block's row and column, value 0–255."""

    channel: int
    row: int
    column: int
    value: int = 255


def painted(tiny: Tiny, *blocks: Block) -> NDArray[np.uint8]:
    """A black tensor of the recipe with those blocks."""
    size = tiny.recipe.input
    tensor = np.zeros((size.channels, size.height, size.width), np.uint8)
    for channel, row, column, value in blocks:
        tensor[channel, row * BLOCK : (row + 1) * BLOCK, column * BLOCK : (column + 1) * BLOCK] = value
    return tensor


def fake() -> FakeModelServer:
    """A model server with all tiny recipes."""
    return FakeModelServer([spot_model(tiny.recipe) for tiny in TINIES.values()])


@pytest.fixture(params=["fake", "onnxruntime"])
async def server(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ModelServer]:
    """All tiny recipes, as hand-made answers and as real models."""
    if request.param == "onnxruntime":
        for tiny in TINIES.values():
            tiny.write(tmp_path)
    running = fake() if request.param == "fake" else OnnxModelServer(tmp_path, threads=1)
    yield running
    await running.close()


class Expected(NamedTuple):
    """What is decided: reason, score, the frame's class, boxes as (class, x, y, width, height), the mask's shape."""

    reason: str
    score: float
    class_name: str | None = None
    boxes: tuple[tuple[str, int, int, int, int], ...] = ()
    mask: tuple[int, ...] | None = None


CASES: dict[str, tuple[Tiny, tuple[Block, ...], Expected]] = {
    "a blob": (
        BLOB,
        (Block(0, 1, 0),),
        Expected("SCORE_ABOVE_THRESHOLD", 1.0, None, (("blob", 0, 8, 8, 8),), (1, 4, 3)),
    ),
    "a faint blob": (BLOB, (Block(0, 1, 0, 102),), Expected("SCORE_BELOW_THRESHOLD", 0.4, None, (), (1, 4, 3))),
    "nothing": (MARKS, (), Expected("AREAS_WITHIN_LIMITS", 0.0, "background", (), (3, 4, 3))),
    "a scratch": (
        MARKS,
        (Block(RED, 0, 2),),
        Expected("AREA_ABOVE_LIMIT", 1.0, "scratch", (("scratch", 16, 0, 8, 8),), (3, 4, 3)),
    ),
    "a stain that may be": (
        MARKS,
        (Block(GREEN, 0, 0), Block(GREEN, 1, 0)),
        Expected("AREAS_WITHIN_LIMITS", 1.0, "stain", (("stain", 0, 0, 8, 16),), (3, 4, 3)),
    ),
    "stains too large together": (
        MARKS,
        (Block(GREEN, 0, 0), Block(GREEN, 3, 0), Block(GREEN, 0, 2)),
        Expected(
            "AREA_ABOVE_LIMIT",
            1.0,
            "stain",
            (("stain", 0, 0, 8, 8), ("stain", 16, 0, 8, 8), ("stain", 0, 24, 8, 8)),
            (3, 4, 3),
        ),
    ),
    "mostly a stain": (
        MARKS,
        (Block(RED, 1, 1, 77), Block(GREEN, 1, 1, 178)),
        Expected("AREAS_WITHIN_LIMITS", 1.0, "stain", (("stain", 10, 10, 4, 4),), (3, 4, 3)),
    ),
    "good": (SORTED, (), Expected("SCORE_BELOW_THRESHOLD", 0.0, "good")),
    "a thread": (SORTED, (Block(GREEN, 0, 0, 204),), Expected("SCORE_BELOW_THRESHOLD", 0.8, "thread")),
    "a hole": (SORTED, (Block(RED, 0, 0),), Expected("SCORE_ABOVE_THRESHOLD", 1.0, "hole")),
    "defective, and OK": (BRIGHT, (Block(0, 0, 0, 153),), Expected("SCORE_BELOW_THRESHOLD", 0.6, "defective")),
    "not defective": (BRIGHT, (Block(0, 0, 0, 102),), Expected("SCORE_BELOW_THRESHOLD", 0.4, None)),
    "dark": (SHADE, (Block(0, 0, 0, 51),), Expected("SCORE_BELOW_THRESHOLD", 0.8, "dark")),
    "bright": (SHADE, (Block(0, 0, 0),), Expected("SCORE_ABOVE_THRESHOLD", 1.0, "bright")),
    "as drawn": (BLANK, (), Expected("SCORE_BELOW_THRESHOLD", 0.0, None, (), (1, 32, 24))),
    "not as drawn": (
        BLANK,
        tuple(Block(0, 0, column, 204) for column in range(3)),
        Expected("SCORE_ABOVE_THRESHOLD", 0.8, None, (("anomaly", 0, 0, 24, 7),), (1, 32, 24)),
    ),
    "a blob in the first tile": (
        TILED,
        (Block(0, 0, 0),),
        Expected("SCORE_ABOVE_THRESHOLD", 1.0, None, (("blob", 0, 0, 8, 8),), (1, 32, 24)),
    ),
    "blobs in two batches of tiles": (
        TILED,
        (Block(0, 1, 0, 230), Block(0, 3, 2)),
        Expected("SCORE_ABOVE_THRESHOLD", 1.0, None, (("blob", 16, 24, 8, 8), ("blob", 0, 8, 8, 8)), (1, 32, 24)),
    ),
}


@pytest.mark.parametrize("case", CASES)
async def test_what_is_decided(server: ModelServer, case: str) -> None:
    """Verdict, score, class, defects and mask of every kind of recipe."""
    tiny, blocks, expected = CASES[case]
    decision = await decide(server, tiny.recipe, painted(tiny, *blocks), GEOMETRY, timeout_s=10)
    found = Expected(
        decision.verdict.reason,
        decision.score,
        decision.class_name,
        tuple((d.class_name, d.box.x, d.box.y, d.box.width, d.box.height) for d in decision.defects),
        None if decision.mask is None else decision.mask.shape,
    )
    assert expected == found


@pytest.mark.parametrize(
    ("tiny", "expected"),
    [(SORTED, (0.2, 0.0, 0.8)), (BRIGHT, (0.8,)), (SHADE, (0.8, 0.2)), (MARKS, ()), (BLANK, ()), (BLOB, ())],
    ids=lambda given: given.recipe.name if isinstance(given, Tiny) else "",
)
async def test_a_classification_tells_its_probabilities(
    server: ModelServer, tiny: Tiny, expected: tuple[float, ...]
) -> None:
    """In the order of the recipe's classes; other kinds have none."""
    channel = GREEN if tiny.recipe.input.channels == 3 else 0
    tensor = painted(tiny, Block(channel, 0, 0, 204))
    decision = await decide(server, tiny.recipe, tensor, GEOMETRY, timeout_s=10)
    assert decision.probabilities == pytest.approx(expected, abs=1e-6)


async def test_an_explained_classification_shows_where(server: ModelServer) -> None:
    """In the resolution of the model, × 255; a recipe that is not explained, and any other kind, shows nothing."""
    tensor = painted(GLOW, Block(0, 1, 2), Block(0, 3, 0, 102))
    decision = await decide(server, GLOW.recipe, tensor, GEOMETRY, timeout_s=10)
    assert decision.explanation is not None
    assert decision.explanation.tolist() == [[0, 0, 0], [0, 0, 255], [0, 0, 0], [102, 0, 0]]
    for tiny in (BRIGHT, BLOB):
        plain = await decide(server, tiny.recipe, painted(tiny, Block(0, 1, 2)), GEOMETRY, timeout_s=10)
        assert plain.explanation is None


async def test_of_tiles_the_worst_is_explained(server: ModelServer) -> None:
    """In the frame's size, at the worst tile's place; what other tiles show is left out."""
    tensor = painted(GLEAM, Block(0, 0, 0, 230), Block(0, 3, 2))
    decision = await decide(server, GLEAM.recipe, tensor, GEOMETRY, timeout_s=10)
    assert decision.explanation is not None
    assert decision.explanation.shape == (HEIGHT, WIDTH)
    assert (decision.score, decision.explanation[31, 23]) == (1.0, 255)
    assert not decision.explanation[:16].any()
    assert not decision.explanation[:, :16].any()


async def test_a_model_that_owes_an_explanation_is_refused() -> None:
    """An explained recipe whose model gives none, or no numbers, fails: nobody is shown a made-up place."""
    models = fake()
    probabilities = np.ones((1, 1), np.float32)
    for wrong in ({}, {"explanation": np.full((1, 4, 3), np.nan, np.float32)}, {"explanation": probabilities}):
        models.answers = {"probabilities": probabilities, **wrong}
        with pytest.raises(ModelFailure, match="explanation"):
            await decide(models, GLOW.recipe, painted(GLOW), GEOMETRY, timeout_s=1)


@pytest.mark.parametrize("name", TINIES)
async def test_the_models_say_what_the_fakes_say(tmp_path: Path, name: str) -> None:
    """The hand-made answers are those of the ONNX files, so what is tested with them is true of models."""
    tiny = TINIES[name]
    tiny.write(tmp_path)
    size = tiny.recipe.input
    pixels = np.random.default_rng(7).integers(0, 256, (size.channels, size.height, size.width), np.uint8)
    frames = shown(pixels, tiny.recipe.tiling)[:4]
    running = OnnxModelServer(tmp_path, threads=1)
    answers = await running.infer(name, "1", {"frame": frames}, tiny.recipe.answers, timeout_s=10)
    await running.close()
    for answer, values in tiny.answers(frames).items():
        np.testing.assert_allclose(answers[answer], values, atol=1e-6, err_msg=answer)


@pytest.mark.parametrize("name", TINIES)
async def test_a_recipe_is_proved_by_one_frame_or_tile(name: str) -> None:
    """Whatever its kind, one inference of its whole ensemble is enough."""
    models = fake()
    await prove(models, TINIES[name].recipe, timeout_s=1)
    assert models.batches == [1]


@pytest.mark.parametrize("name", TINIES)
def test_a_manner_is_made_from_a_recipe(name: str) -> None:
    """An anomaly has one map, whatever its class is named; else there are as many as classes."""
    recipe = TINIES[name].recipe
    manner = Manner.of(recipe)
    assert (manner.kind, manner.tiling, manner.good_class) == (recipe.kind, recipe.tiling, recipe.good_class)
    assert manner.classes == len(recipe.classes)
