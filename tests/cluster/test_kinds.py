"""Recipes of every kind, end to end: real models in the real Triton, answered by the gateway."""

import asyncio

import pytest
from support.cluster import ClusterUnderTest
from support.fakes import FakeModelServer
from support.pictures import coloured
from support.served import spot_model
from support.tiny_kinds import TINIES

from flawgate_imaging import decoding, pipeline
from flawgate_inference.deciding import Decision, decide

pytestmark = pytest.mark.cluster

SEEDS = range(3)
"""Of frames: one of noise, and two that are black but for a coloured patch."""


def by_hand(name: str, data: bytes) -> Decision:
    """What is to be decided, from the hand-made answers of the recipe's models."""
    recipe = TINIES[name].recipe
    prepared = pipeline.apply(decoding.decode(data), recipe.steps)
    tensor = pipeline.to_tensor(prepared.pixels)
    server = FakeModelServer([spot_model(recipe)])
    return asyncio.run(decide(server, recipe, tensor, prepared.geometry, timeout_s=10))


@pytest.mark.parametrize("name", TINIES)
def test_every_kind_is_answered_as_by_hand(spot_cluster: ClusterUnderTest, name: str) -> None:
    """Evaluation, reason, score, class, probabilities and boxes; with tiles too, in several requests a frame."""
    for seed in SEEDS:
        data = coloured(seed)
        answer = spot_cluster.inspect(name, data)
        assert answer.status_code == 201, answer.text
        there, here = answer.json(), by_hand(name, data)
        assert (there["evaluation"], there["reason"]) == (str(here.verdict.evaluation), here.verdict.reason)
        assert there["class"] == here.class_name
        assert there["score"] == pytest.approx(here.score, abs=1e-5)
        assert [each["probability"] for each in there["probabilities"]] == pytest.approx(here.probabilities, abs=1e-5)
        boxes = [(box["x"], box["y"], box["width"], box["height"]) for box in (d["box"] for d in there["defects"])]
        assert boxes == [(d.box.x, d.box.y, d.box.width, d.box.height) for d in here.defects]


@pytest.mark.parametrize("name", TINIES)
def test_every_kind_has_its_pictures(spot_cluster: ClusterUnderTest, name: str) -> None:
    """An overlay of every one, and a mask in the frame's size of those that mark pixels."""
    links = spot_cluster.inspect(name, coloured(1)).json()["links"]
    assert decoding.decode(spot_cluster.http.get(links["overlay"]).content).ndim == 3
    if TINIES[name].recipe.kind == "classification":
        assert links["mask"] is None
        assert spot_cluster.http.get(f"{links['self']}/mask.png").json()["code"] == "NOT_FOUND"
    else:
        assert decoding.decode(spot_cluster.http.get(links["mask"]).content).shape == (80, 60)
