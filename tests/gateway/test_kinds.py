"""Recipes of every kind, through all services to the answer and its pictures."""

import time
from collections.abc import Iterator
from typing import Any

import cv2
import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from support.gateway_cluster import GatewayCluster, running_gateway
from support.served import spot_model
from support.tiny_kinds import TINIES
from support.tiny_repository import BLOCK, HEIGHT, WIDTH

from flawgate_imaging.encoding import encode_png
from flawgate_imaging.tints import PALETTE, RAMP

READY_S = 10.0
PATH = "/v1/inspections"


@pytest.fixture(scope="module")
def cluster() -> Iterator[GatewayCluster]:
    """Gateway, preprocessing and decision with all tiny recipes."""
    with running_gateway(recipe_ttl_s=0.2) as running:
        running.model_server.served = [spot_model(tiny.recipe) for tiny in TINIES.values()]
        yield running


@pytest.fixture(scope="module")
def client(cluster: GatewayCluster) -> Iterator[httpx.Client]:
    """A client of the gateway, once all recipes are ready."""
    with cluster.client() as client:
        ends_at = time.monotonic() + READY_S
        while (states := _states(client)) != dict.fromkeys(TINIES, "READY") and time.monotonic() < ends_at:
            time.sleep(0.05)
        assert states == dict.fromkeys(TINIES, "READY")
        yield client


def _states(client: httpx.Client) -> dict[str, str]:
    return {recipe["name"]: recipe["state"] for recipe in client.get("/v1/recipes").json()["recipes"]}


def painted(*rgb: int, rows: int = BLOCK) -> NDArray[np.uint8]:
    """A black frame of 24×32 pixels whose first block, of more rows if told so, has that colour."""
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pixels[:rows, :BLOCK] = rgb
    return pixels


def inspected(gateway: httpx.Client, recipe: str, pixels: NDArray[np.uint8]) -> dict[str, Any]:
    """The inspection of a frame."""
    answer = gateway.post(PATH, data={"recipe": recipe}, files={"file": encode_png(pixels)})
    assert answer.status_code == 201, answer.text
    said: dict[str, Any] = answer.json()
    return said


def overlay(gateway: httpx.Client, inspection: dict[str, Any]) -> set[tuple[int, ...]]:
    """The colours of an inspection's overlay, RGB."""
    answer = gateway.get(inspection["links"]["overlay"])
    assert answer.status_code == 200
    drawn = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR_RGB)
    return {tuple(pixel) for pixel in np.asarray(drawn).reshape(-1, 3).tolist()}


RED, GREEN, GREY = (255, 0, 0), (0, 255, 0), (204, 204, 204)


@pytest.mark.parametrize(
    ("recipe", "colour", "expected"),
    [
        ("spot", GREY, ("SCORE_BELOW_THRESHOLD", None, ["spot"])),
        ("blob", GREY, ("SCORE_BELOW_THRESHOLD", None, ["blob"])),
        ("tiled", GREY, ("SCORE_BELOW_THRESHOLD", None, ["blob"])),
        ("blank", GREY, ("SCORE_ABOVE_THRESHOLD", None, ["anomaly"])),
        ("marks", RED, ("AREA_ABOVE_LIMIT", "scratch", ["scratch"])),
        ("marks", GREEN, ("AREAS_WITHIN_LIMITS", "stain", ["stain"])),
        ("sorted", GREEN, ("SCORE_ABOVE_THRESHOLD", "thread", [])),
        ("bright", GREY, ("SCORE_BELOW_THRESHOLD", "defective", [])),
        ("glow", GREY, ("SCORE_BELOW_THRESHOLD", "defective", [])),
        ("shade", GREY, ("SCORE_BELOW_THRESHOLD", "bright", [])),
    ],
)
def test_every_kind_is_answered(
    client: httpx.Client, recipe: str, colour: tuple[int, ...], expected: tuple[str, str | None, list[str]]
) -> None:
    """Reason, the frame's class, and the defects' classes, all in the recipe's own words; kept as answered."""
    said = inspected(client, recipe, painted(*colour))
    assert expected == (said["reason"], said["class"], [defect["class"] for defect in said["defects"]])
    assert said == client.get(said["links"]["self"]).json()


def test_a_classification_tells_all_its_probabilities(client: httpx.Client) -> None:
    """In the recipe's order, the good class with the rest."""
    told = inspected(client, "sorted", painted(0, 204, 0))["probabilities"]
    assert [each["class"] for each in told] == ["good", "hole", "thread"]
    assert [each["probability"] for each in told] == pytest.approx([0.2, 0, 0.8], abs=1e-6)


@pytest.mark.parametrize("recipe", ["spot", "blob", "marks", "blank", "tiled"])
def test_what_marks_pixels_tells_no_probabilities_of_frames(client: httpx.Client, recipe: str) -> None:
    """The list is empty, and the mask has the frame's size."""
    said = inspected(client, recipe, painted(*RED))
    assert said["probabilities"] == []
    mask = cv2.imdecode(np.frombuffer(client.get(said["links"]["mask"]).content, np.uint8), cv2.IMREAD_UNCHANGED)
    assert np.asarray(mask).shape == (HEIGHT, WIDTH)


def test_the_mask_of_several_classes_is_black_where_all_is_good(client: httpx.Client) -> None:
    """The background's certainty is no defect."""
    said = inspected(client, "marks", painted(*RED))
    mask = cv2.imdecode(np.frombuffer(client.get(said["links"]["mask"]).content, np.uint8), cv2.IMREAD_UNCHANGED)
    pixels = np.asarray(mask)
    assert pixels[2, 2] == 255
    assert pixels[24:, 16:].max() == 0


@pytest.mark.parametrize("recipe", ["sorted", "bright", "glow", "shade"])
def test_a_classification_has_no_mask(client: httpx.Client, recipe: str) -> None:
    """Its link is null, and whoever asks all the same is told why."""
    said = inspected(client, recipe, painted(*GREY))
    assert said["links"]["mask"] is None
    answer = client.get(f"{said['links']['self']}/mask.png")
    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")
    assert f"Recipe {recipe} tells classes of frames apart" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("recipe", "colour"),
    [("marks", PALETTE[0]), ("blank", RAMP[-1]), ("blob", PALETTE[0]), ("tiled", PALETTE[0])],
)
def test_overlays_mark_what_was_found(client: httpx.Client, recipe: str, colour: tuple[int, int, int]) -> None:
    """Each kind in its way, with the colour of the class, or of the hottest residual."""
    bad, good = (inspected(client, recipe, painted(value, 0, 0, rows=16)) for value in (255, 0))
    assert colour in overlay(client, inspected(client, recipe, painted(255, 255, 255)) if recipe != "marks" else bad)
    assert PALETTE[0] not in overlay(client, good)


def test_the_overlay_of_an_explained_classification_is_warm_where_its_class_is_seen(client: httpx.Client) -> None:
    """The same frame stays grey by a recipe that does not say where it looked."""
    pixels = painted(255, 255, 255, rows=16)
    warm, grey = (overlay(client, inspected(client, recipe, pixels)) for recipe in ("glow", "bright"))
    assert [colour for colour in warm if colour[0] > colour[1] + 60]
    assert any(colour[0] - colour[1] > 60 for colour in warm - grey)


def test_a_part_of_one_class_that_is_not_defective_has_none(client: httpx.Client) -> None:
    """Null, not an empty word."""
    said = inspected(client, "bright", painted(100, 100, 100))
    assert said["class"] is None
    assert said["probabilities"] == [{"class": "defective", "probability": pytest.approx(100 / 255, abs=1e-6)}]
