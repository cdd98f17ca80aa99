import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from support.gateway_cluster import running_gateway
from support.pictures import spot_png


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of four megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(["mount", *options], check=False).returncode != 0:  # noqa: S607
        pytest.skip("a small disk can be mounted by root alone")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)  # noqa: S607


def send(gateway: httpx.Client, key: str) -> httpx.Response:
    """Inspect a frame under a key."""
    return gateway.post(
        "/v1/inspections", data={"recipe": "spot"}, files={"file": spot_png(255)}, headers={"Idempotency-Key": key}
    )


def fill(filler: Path) -> None:
    """Take all the space that is left."""
    file = os.open(filler, os.O_CREAT | os.O_WRONLY)
    with contextlib.suppress(OSError):
        while os.write(file, bytes(4096)):
            pass
    os.close(file)


def test_a_full_disk_is_no_evaluation(small_disk: Path) -> None:
    """507 and what to do; once there is space again the same key comes to its one record, and what was stays."""
    with running_gateway(data_dir=str(small_disk)) as cluster, cluster.client() as gateway:
        before = send(gateway, "k-0").json()["inspection_id"]
        filler = small_disk / "filler"
        fill(filler)
        answer = send(gateway, "k-1")
        assert (answer.status_code, answer.json()["code"]) == (507, "DISK_FULL")
        assert answer.json()["retryable"] is True
        filler.unlink()
        assert send(gateway, "k-1").status_code == 201
        found = gateway.get("/v1/inspections").json()["inspections"]
        assert [each["inspection_id"] for each in found][1:] == [before]
