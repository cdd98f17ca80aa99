import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import httpx
import pytest
from support.archives import files_below
from support.gateway_cluster import GatewayCluster, running_gateway
from support.pictures import spot_pixels, spot_png

from flawgate_imaging.encoding import encode_jpeg

PATH = "/v1/inspections"
PATIENCE_S = 60
KINDS = ("frame", "mask.png", "overlay.png")


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the gateway of this file."""
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def cluster(data_dir: Path) -> Iterator[GatewayCluster]:
    """A gateway whose data folder can be looked into."""
    with running_gateway(recipe_ttl_s=0.2, data_dir=data_dir) as running:
        yield running


def inspected(gateway: httpx.Client, data: bytes, **fields: str) -> dict[str, Any]:
    """A new inspection of the recipe `spot`."""
    answer = gateway.post(PATH, data={"recipe": "spot", **fields}, files={"file": data})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def tiff() -> bytes:
    """A frame as TIFF."""
    return bytes(cv2.imencode(".tiff", spot_pixels(255))[1])


def bmp() -> bytes:
    """A frame as BMP."""
    return bytes(cv2.imencode(".bmp", spot_pixels(255))[1])


@pytest.mark.parametrize(
    ("data", "fields", "media_type"),
    [
        (spot_png(255), {}, "image/png"),
        (encode_jpeg(spot_pixels(255), 95), {}, "image/jpeg"),
        (bmp(), {}, "image/bmp"),
        (tiff(), {}, "image/tiff"),
        (bytes(24 * 32), {"width": "24", "height": "32", "channels": "1"}, "application/octet-stream"),
        (b"BM" + bytes(24 * 32 - 2), {"width": "24", "height": "32", "channels": "1"}, "application/octet-stream"),
    ],
    ids=["png", "jpeg", "bmp", "tiff", "raw", "raw that begins like a bmp"],
)
def test_the_frame_comes_back_as_it_was_sent(
    gateway: httpx.Client, data: bytes, fields: dict[str, str], media_type: str
) -> None:
    """Byte for byte, with what it is; no browser may take it for anything else."""
    answer = gateway.get(f"{PATH}/{inspected(gateway, data, **fields)['inspection_id']}/frame")
    assert (answer.status_code, answer.content) == (200, data)
    assert answer.headers["content-type"] == media_type
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("kind", KINDS)
def test_who_has_a_picture_need_not_fetch_it_again(gateway: httpx.Client, kind: str) -> None:
    """A record is never changed, so its pictures are not either."""
    path = f"{PATH}/{inspected(gateway, spot_png(255))['inspection_id']}/{kind}"
    first = gateway.get(path)
    assert first.headers["cache-control"] == "private, max-age=31536000, immutable"
    for known in (first.headers["etag"], f'"x", W/{first.headers["etag"]}', "*"):
        again = gateway.get(path, headers={"if-none-match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
    assert gateway.get(path, headers={"if-none-match": '"x"'}).status_code == 200


def test_every_picture_has_a_tag_of_its_own(gateway: httpx.Client) -> None:
    """Of two inspections of the same frame the overlays differ, in what is said of them at least."""
    ids = [inspected(gateway, spot_png(200), part=part)["inspection_id"] for part in ("a", "b")]
    tags = {gateway.get(f"{PATH}/{each}/{kind}").headers["etag"] for each in ids for kind in KINDS}
    assert len(tags) == 4


def test_pictures_outlive_the_gateway(gateway: httpx.Client, cluster: GatewayCluster, data_dir: Path) -> None:
    """Another one on the same data draws the same."""
    path = f"{PATH}/{inspected(gateway, spot_png(254))['inspection_id']}/overlay.png"
    drawn = gateway.get(path).content
    with running_gateway(data_dir=data_dir) as other, other.client() as client:
        assert client.get(path).content == drawn


@pytest.mark.parametrize("kind", KINDS)
def test_an_unknown_inspection_is_told_apart_from_pictures_that_are_not_kept(gateway: httpx.Client, kind: str) -> None:
    """The one was never made."""
    answer = gateway.get(f"{PATH}/01a1fd48-1c43-75e7-821b-7540ae758d07/{kind}")
    assert (answer.status_code, answer.json()["code"]) == (404, "UNKNOWN_INSPECTION")


def test_a_good_part_without_pictures_says_so(data_dir: Path) -> None:
    """Its links are null, its record is whole, and what is asked for all the same is a clear 404."""
    with running_gateway(keep_ok_one_in=0) as cluster, cluster.client() as client:
        good, bad = inspected(client, spot_png(0)), inspected(client, spot_png(255))
        here = f"{PATH}/{good['inspection_id']}"
        assert good["links"] == {"self": here, "frame": None, "mask": None, "overlay": None}
        assert client.get(here).json() == good
        for kind in KINDS:
            answer = client.get(f"{here}/{kind}")
            assert (answer.status_code, answer.json()["code"]) == (404, "PICTURE_NOT_KEPT")
            assert client.get(f"{PATH}/{bad['inspection_id']}/{kind}").status_code == 200
        assert cluster.value("flawgate_pictures_kept_total", evaluation="NOT_OK") == 1
        assert cluster.value("flawgate_pictures_skipped_total", cause="sampling") == 1


def test_a_damaged_picture_is_not_drawn(gateway: httpx.Client, data_dir: Path) -> None:
    """The blob is named, so that it can be put back."""
    made = inspected(gateway, spot_png(253))
    frame = gateway.get(f"{PATH}/{made['inspection_id']}").json()["frame"]["sha256"]
    next(data_dir.rglob(frame)).write_bytes(spot_png(0))
    answer = gateway.get(f"{PATH}/{made['inspection_id']}/overlay.png")
    assert (answer.status_code, answer.json()["code"]) == (503, "ARCHIVE_UNAVAILABLE")
    assert frame in answer.json()["detail"]


def test_a_part_whose_evidence_cannot_be_kept_is_not_answered(tmp_path: Path) -> None:
    """The archive is no folder: 503, no record, and it is counted."""
    (tmp_path / "file").write_bytes(b"")
    with running_gateway(archive_url=str(tmp_path / "file")) as cluster, cluster.client() as client:
        answer = client.post(PATH, data={"recipe": "spot"}, files={"file": spot_png(255)})
        assert (answer.status_code, answer.json()["code"]) == (503, "ARCHIVE_UNAVAILABLE")
        assert client.get(PATH).json()["inspections"] == []
        assert cluster.value("flawgate_pictures_failures_total", operation="put") == 1


def test_what_is_over_is_purged_while_the_gateway_runs(tmp_path: Path) -> None:
    """And the record's links say so from then on."""
    with (
        running_gateway(data_dir=tmp_path, keep_ok_days=1e-9, purge_interval_s=1) as cluster,
        cluster.client() as client,
    ):
        here = f"{PATH}/{inspected(client, spot_png(0))['inspection_id']}"
        end = time.monotonic() + PATIENCE_S
        while cluster.value("flawgate_pictures_purged_total", evaluation="OK") == 0 and time.monotonic() < end:
            time.sleep(0.05)
        assert client.get(here).json()["links"] == {"self": here, "frame": None, "mask": None, "overlay": None}
        answer = client.get(f"{here}/overlay.png")
        assert (answer.status_code, answer.json()["code"]) == (404, "PICTURE_NOT_KEPT")
        assert files_below(tmp_path / "pictures", "blobs") == []


def test_pictures_in_s3_are_drawn_the_same(bucket_url: str, gateway: httpx.Client) -> None:
    """The gateway over S3 and the one over a folder."""
    with running_gateway(archive_url=bucket_url) as cluster, cluster.client() as client:
        here, there = (inspected(each, spot_png(255))["inspection_id"] for each in (client, gateway))
        for kind in KINDS:
            drawn = client.get(f"{PATH}/{here}/{kind}")
            assert drawn.status_code == 200
            assert drawn.content == gateway.get(f"{PATH}/{there}/{kind}").content
