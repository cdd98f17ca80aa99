import asyncio
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from support.cluster import ClusterUnderTest

from flawgate_cli.demo.frames import LabelledFrame, generated_textures, kolektor_sdd
from flawgate_contracts.recipe import RECIPE_PARAMETER, Recipe
from flawgate_imaging import decoding, hides, pipeline, stitches, textures
from flawgate_imaging.encoding import encode_png
from flawgate_inference.deciding import decide
from flawgate_inference.onnx_server import OnnxModelServer

pytestmark = pytest.mark.cluster

ROOT = Path(__file__).parents[2]
KSDD = Path(os.environ.get("FLAWGATE_KSDD", ROOT.parent / "shared/data/KolektorSDD"))
SCORE_TOLERANCE = 1e-3


SHIPPED = sorted({path.parents[1].name for path in (ROOT / "model_repository").glob("*/*/recipe.json")})

FRESH_SEED = 9_000_000
"""Seeds from here on were not used in training."""


def frames_of(recipe: str, count: int = 6) -> list[LabelledFrame]:
    """Frames of the parts that a shipped recipe inspects, half of them defective, in turn."""
    if recipe == "commutator":
        if not KSDD.is_dir():
            pytest.skip(f"KolektorSDD is not at {KSDD}; set FLAWGATE_KSDD")
        return kolektor_sdd(KSDD, 2 * count)
    if recipe == "texture":
        return list(generated_textures(count))
    if recipe == "stitch":
        return list(generated_stitches(count))
    made: dict[str, Callable[..., hides.HideSample | textures.TextureSample]] = {
        "leather": hides.generate,
        "texture_anomaly": partial(textures.generate, texture="knit"),
    }
    samples = [made[recipe](FRESH_SEED + index, defective=index % 2 == 1) for index in range(count)]
    return [
        LabelledFrame(f"{recipe}_{index:02d}.png", encode_png(sample.pixels), bool(sample.mask.any()))
        for index, sample in enumerate(samples)
    ]


def generated_stitches(count: int) -> Iterator[LabelledFrame]:
    """Seams of all classes in turn, each second one as the policy wants it: straight, of blue thread."""
    others = [each for each in stitches.CLASSES if each != "BStraight"]
    for index in range(count):
        stitch_class = others[index // 2 % len(others)] if index % 2 else "BStraight"
        pixels = stitches.generate(FRESH_SEED + index, stitch_class=stitch_class).pixels
        yield LabelledFrame(f"{stitch_class}_{index:02d}.png", encode_png(pixels), stitch_class != "BStraight")


def evaluations(cluster: ClusterUnderTest, recipe: str, frames: list[LabelledFrame]) -> list[str]:
    """What the cluster says of each frame."""
    answers = [cluster.inspect(recipe, frame.data) for frame in frames]
    assert {201} == {answer.status_code for answer in answers}
    return [answer.json()["evaluation"] for answer in answers]


def wrong(frames: list[LabelledFrame], said: list[str]) -> list[str]:
    """Names of the frames whose evaluation is not their label's."""
    pairs = zip(frames, said, strict=True)
    return [frame.name for frame, evaluation in pairs if evaluation != ("NOT_OK" if frame.defective else "OK")]


def test_generated_textures_are_evaluated_as_they_are_labelled(shipped_cluster: ClusterUnderTest) -> None:
    """Frames that the network never saw, through every service: good is OK, defective is NOT_OK."""
    frames = list(generated_textures(32))
    assert len(wrong(frames, evaluations(shipped_cluster, "texture", frames))) <= 1


@pytest.mark.skipif(not KSDD.is_dir(), reason=f"KolektorSDD is not at {KSDD}; set FLAWGATE_KSDD")
def test_commutators_are_evaluated_as_they_are_labelled(shipped_cluster: ClusterUnderTest) -> None:
    """Real frames of the training set, through every service: the shipped network knows them."""
    frames = kolektor_sdd(KSDD, 24)
    assert len(wrong(frames, evaluations(shipped_cluster, "commutator", frames))) <= 1


@pytest.mark.parametrize("name", ["leather", "texture_anomaly"])
def test_generated_parts_are_evaluated_as_they_are_labelled(shipped_cluster: ClusterUnderTest, name: str) -> None:
    """A classification and an anomaly that learned generated frames judge fresh ones, through every service."""
    frames = frames_of(name, 32)
    assert len(wrong(frames, evaluations(shipped_cluster, name, frames))) <= 2


@pytest.mark.parametrize("name", SHIPPED)
def test_the_cluster_says_what_one_process_says(shipped_cluster: ClusterUnderTest, name: str) -> None:
    """Decode, steps and both graphs in this process give the score and the boxes that the cluster gives."""
    server = OnnxModelServer(ROOT / "model_repository")
    parameters = next(m.parameters for m in asyncio.run(server.models()) if m.name == name)
    recipe = Recipe.from_json(parameters[RECIPE_PARAMETER], source=name)
    for frame in frames_of(name):
        prepared = pipeline.apply(decoding.decode(frame.data), recipe.steps)
        tensor = pipeline.to_tensor(prepared.pixels)
        here = asyncio.run(decide(server, recipe, tensor, prepared.geometry, timeout_s=60))
        there = shipped_cluster.inspect(name, frame.data).json()
        assert there["evaluation"] == str(here.verdict.evaluation)
        assert there["score"] == pytest.approx(here.score, abs=SCORE_TOLERANCE)
        assert [d.box.x for d in here.defects] == [d["box"]["x"] for d in there["defects"]]
    asyncio.run(server.close())


def test_generated_stitches_are_told_apart(shipped_cluster: ClusterUnderTest) -> None:
    """A straight blue seam is OK, and every other one NOT_OK for what it is: the areas of classes decide."""
    frames = list(generated_stitches(10))
    assert wrong(frames, evaluations(shipped_cluster, "stitch", frames)) == []


def test_a_defect_is_marked_where_it_is(shipped_cluster: ClusterUnderTest) -> None:
    """The boxes lie in the original frame, and the mask has its size and the boxes' place."""
    frame = next(frame for frame in generated_textures(8) if frame.defective)
    answer = shipped_cluster.inspect("texture", frame.data).json()
    pixels = decoding.decode(frame.data)
    height, width = pixels.shape[:2]
    assert (width, height) == (answer["frame"]["width"], answer["frame"]["height"])
    mask = decoding.decode(shipped_cluster.http.get(answer["links"]["mask"]).content)
    assert (height, width) == mask.shape
    box = answer["defects"][0]["box"]
    region = mask[box["y"] : box["y"] + box["height"], box["x"] : box["x"] + box["width"]]
    assert region.size == box["width"] * box["height"]
    assert region.max() == mask.max() > 127
    overlay = decoding.decode(shipped_cluster.http.get(answer["links"]["overlay"]).content)
    assert overlay.shape[2] == 3


def test_recipes_tell_their_licence_and_models(shipped_cluster: ClusterUnderTest) -> None:
    """Whoever uses `commutator` is told that its weights are not for commercial use."""
    recipes = {r["name"]: r for r in shipped_cluster.http.get("/v1/recipes").json()["recipes"]}
    assert set(recipes) == set(SHIPPED)
    assert {"READY"} == {recipe["state"] for recipe in recipes.values()}
    assert recipes["commutator"]["provenance"]["licence"] == "CC-BY-NC-SA-4.0"
    assert recipes["texture"]["provenance"]["licence"] == "Apache-2.0"
    assert len(recipes["commutator"]["models"]) == 2
