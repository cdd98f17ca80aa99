"""From a camera's frames to a training: inspected, reviewed, exported by the command, learned from."""

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from support.gateway_cluster import GatewayCluster, running_gateway
from support.tiny_repository import HEIGHT, WIDTH
from typer.testing import CliRunner

from flawgate_cli.app import create_app
from flawgate_imaging.encoding import encode_png

FRAMES = 16
OWN = ("--like", "garment_baseline_cnn_binary", "--recipe", "spot")
TINY = (
    "steps=[{op: grey}, {op: resize, height: 32, width: 32}]",
    "stages.classification.epochs=1",
    "stages.classification.batch_size=4",
)


@pytest.fixture(scope="module")
def cluster() -> Iterator[GatewayCluster]:
    """A gateway that keeps all pictures."""
    with running_gateway(keep_ok_one_in=1) as running:
        yield running


def inspected(client: httpx.Client, number: int) -> str:
    """The id of an inspection of a frame of its own; every second one is bright."""
    pixels = np.random.default_rng(number).integers(0, 60, (HEIGHT, WIDTH)).astype(np.uint8)
    pixels[:8, :8] += 180 * (number % 2)
    fields = {"recipe": "spot", "part": f"SN-{number // 2 * 2}" if number < 4 else f"SN-{number}"}
    answer = client.post("/v1/inspections", data=fields, files={"file": encode_png(pixels)})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["inspection_id"])


def test_reviewed_frames_are_learned_from(cluster: GatewayCluster, client: httpx.Client, tmp_path: Path) -> None:
    """`flawgate reviews export`, `flawgate dataset` and `flawgate train` go together without a step between."""
    for number in range(FRAMES):
        said = {"evaluation": "NOT_OK" if number % 2 else "OK"}
        client.post(f"/v1/inspections/{inspected(client, number)}/reviews", json=said).raise_for_status()
    data, run = tmp_path / "reviewed", tmp_path / "run"
    app, command = create_app(), CliRunner(env={**os.environ, "CUDA_VISIBLE_DEVICES": ""})
    told = command.invoke(
        app, ["reviews", "export", "--recipe", "spot", "--out", str(data), "--url", cluster.url], catch_exceptions=False
    )
    assert told.output == f"8 defective, 8 good in {data}\n"
    settings = [option for setting in TINY for option in ("--set", setting)]
    checked = command.invoke(app, ["dataset", *OWN, "--data", str(data)], catch_exceptions=False)
    assert (checked.exit_code, "good" in checked.output) == (0, True)
    command.invoke(app, ["train", *OWN, *settings, "--data", str(data), "--out", str(run)], catch_exceptions=False)
    assert (run / "evaluation.json").is_file()


def test_a_recipe_without_reviews_is_told_so(cluster: GatewayCluster, tmp_path: Path) -> None:
    """Such as one whose name is misspelt: the data set is empty, and the command says why."""
    asked = ["reviews", "export", "--recipe", "spott", "--out", str(tmp_path / "none"), "--url", cluster.url]
    told = CliRunner().invoke(create_app(), asked, catch_exceptions=False)
    assert (told.exit_code, "there is no review of recipe spott" in told.output) == (0, True), told.output
