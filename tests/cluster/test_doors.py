"""The doors beside REST, over the real services and the real Triton."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from support.api_keys import KeyMaker
from support.cluster import ClusterUnderTest
from support.gateway_cluster import running_gateway
from support.grpc_door import DoorCaller, door_caller
from support.pictures import spot_pixels, spot_png
from support.raw_http import connection, head

from flawgate.inspection.v1 import inspection_pb2 as pb
from flawgate.inspection.v1 import types_pb2
from flawgate_gateway.access.caller import Scope

pytestmark = pytest.mark.cluster

FRAME = spot_pixels(200)[np.newaxis, np.newaxis]
"""(1, 1, 32, 24), uint8."""
INFER = "/v2/models/spot_seg/infer"


@pytest.fixture(scope="module")
def door(spot_cluster: ClusterUnderTest) -> Iterator[DoorCaller]:
    """A caller of the gRPC door."""
    with door_caller(f"127.0.0.1:{spot_cluster.layout.ports.gateway_grpc}") as caller:
        yield caller


def test_a_frame_goes_in_by_one_door_and_is_found_by_the_other(
    spot_cluster: ClusterUnderTest, door: DoorCaller
) -> None:
    """Inspected over gRPC with a key of its own, repeated, found by its part, read over REST."""
    identity = pb.Identity(part="SN-77", station="S4")
    first = door.inspect(spot_png(200), identity=identity, idempotency_key="walk")
    assert first.evaluation == types_pb2.EVALUATION_OK
    assert first.score == pytest.approx(200 / 255, abs=1e-5)
    assert door.inspect(spot_png(200), identity=identity, idempotency_key="walk") == first
    listed = door.list(filter=pb.InspectionFilter(identity=pb.Identity(part="SN-77")))
    assert list(listed.inspections) == [first]
    (found,) = spot_cluster.http.get("/v1/inspections", params={"part": "SN-77"}).json()["inspections"]
    assert (found["inspection_id"], found["score"]) == (first.inspection_id, first.score)


def test_a_batch_is_judged_frame_by_frame(spot_cluster: ClusterUnderTest) -> None:
    """One bad picture among good ones."""
    files = [("file", spot_png(255)), ("file", b"no picture"), ("file", spot_png(0))]
    answer = spot_cluster.http.post("/v1/inspections:batch", data={"recipe": "spot"}, files=files)
    told = answer.json()["results"]
    assert [result.get("inspection", {}).get("evaluation") for result in told] == ["NOT_OK", None, "OK"]
    assert told[1]["problem"]["code"] == "INVALID_FRAME"


def test_binary_tensors_reach_the_model(spot_cluster: ClusterUnderTest) -> None:
    """By plain HTTP, in one piece and in chunks: the mask that this model is known to make."""
    tensor = {"name": "frame", "shape": [1, 1, 32, 24], "datatype": "UINT8", "parameters": {"binary_data_size": 768}}
    outputs = [{"name": "mask", "parameters": {"binary_data": True}}]
    head = json.dumps({"id": "f-1", "inputs": [tensor], "outputs": outputs}).encode()
    headers = {"inference-header-content-length": str(len(head)), "content-type": "application/octet-stream"}
    body = head + FRAME.tobytes()
    for content in (body, iter([body[:100], body[100:]])):
        answer = spot_cluster.http.post(INFER, content=content, headers=headers)
        assert answer.status_code == 200, answer.text
        length = int(answer.headers["inference-header-content-length"])
        told = json.loads(answer.content[:length])
        mask = np.frombuffer(answer.content[length:], np.float32).reshape(told["outputs"][0]["shape"])
        assert (told["id"], mask.shape) == ("f-1", (1, 1, 4, 3))
        assert mask.max() == mask[0, 0, 1, 0] == pytest.approx(200 / 255)


def test_json_tensors_reach_the_model(spot_cluster: ClusterUnderTest) -> None:
    """As the protocol's own text form has them."""
    tensor = {"name": "frame", "shape": [1, 1, 32, 24], "datatype": "UINT8", "data": FRAME.ravel().tolist()}
    answer = spot_cluster.http.post(INFER, json={"inputs": [tensor]}).json()
    outputs = {output["name"]: output for output in answer["outputs"]}
    assert max(outputs["mask"]["data"]) == pytest.approx(200 / 255)


def test_health_and_metadata_are_tritons(spot_cluster: ClusterUnderTest) -> None:
    """Every path of the protocol, with the model's true inputs and outputs."""
    http = spot_cluster.http
    for path in (
        "/v2/health/live",
        "/v2/health/ready",
        "/v2/models/spot_seg/ready",
        "/v2/models/spot_seg/versions/1/ready",
    ):
        assert http.get(path).status_code == 200
    assert http.get("/v2/models/nobody/ready").status_code == 400
    model = http.get("/v2/models/spot_seg").json()
    assert [(tensor["name"], tensor["datatype"]) for tensor in model["inputs"]] == [("frame", "UINT8")]
    assert "binary_tensor_data" in http.get("/v2").json()["extensions"]
    wrong = http.post(INFER, json={"inputs": []})
    assert (wrong.status_code, set(wrong.json())) == (400, {"error"})


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v2/repository/index"),
        ("GET", "/v2/systemsharedmemory/status"),
        ("GET", "/v2/trace/setting"),
        ("GET", "/v2/logging"),
        ("GET", "/v2/models/stats"),
        ("GET", "/v2/models/spot_seg/config"),
    ],
)
def test_what_controls_triton_is_out_of_reach(spot_cluster: ClusterUnderTest, method: str, path: str) -> None:
    """Triton itself answers there; through the gateway nobody gets to it."""
    direct = httpx.request(method, f"http://127.0.0.1:{spot_cluster.layout.ports.triton_http}{path}", trust_env=False)
    answer = spot_cluster.http.request(method, path)
    assert (answer.status_code in {400, 404}, set(answer.json())) == (True, {"error"})
    assert direct.status_code == 200


def test_nobody_unloads_a_model_from_outside(spot_cluster: ClusterUnderTest) -> None:
    """404, and the model is still there."""
    assert spot_cluster.http.post("/v2/repository/models/spot_seg/unload").status_code == 404
    assert spot_cluster.http.get("/v2/models/spot_seg/ready").status_code == 200


KILLING = {
    "a shape beyond all memory": b'{"inputs": [{"name": "frame", "datatype": "UINT8", '
    b'"shape": [1000000000, 1000000000], "data": [1]}]}',
    "deep arrays": b"[" * 1_000_000,
    "a million pieces": b"1\r\n0\r\n" * 1_000_000,
}
"""Requests of which each ends a Triton 2.51 that gets them as they are."""


@pytest.mark.parametrize("kind", KILLING)
def test_nobody_ends_triton_from_outside(spot_cluster: ClusterUnderTest, kind: str) -> None:
    """Whatever a holder of a key sends, the models are there for the next one."""
    body = KILLING[kind]
    if kind == "a million pieces":
        with connection(str(spot_cluster.http.base_url)) as opened:
            opened.sendall(head(INFER, "Transfer-Encoding: chunked", "Inference-Header-Content-Length: 0"))
            opened.sendall(body + b"0\r\n\r\n")
            opened.recv(100)
    else:
        assert spot_cluster.http.post(INFER, content=body).status_code == 400
    assert spot_cluster.http.get("/v2/models/spot_seg/ready").status_code == 200


def test_a_stock_tritonclient_works_with_a_key(spot_cluster: ClusterUnderTest, tmp_path: Path) -> None:
    """NVIDIA's own HTTP client, told the gateway's address and a header, infers with binary tensors."""
    pytest.importorskip("geventhttpclient", reason="tritonclient's HTTP part is not installed: tritonclient[http]")
    import tritonclient.http as tritonhttp  # noqa: PLC0415  # where it is installed
    from tritonclient.utils import InferenceServerException  # noqa: PLC0415

    keys = KeyMaker(f"sqlite:///{tmp_path / 'records.db'}")
    url = f"http://127.0.0.1:{spot_cluster.layout.ports.triton_http}"
    with running_gateway(access="keys", database_url=keys.url, triton_http_url=url) as gateway:
        headers = keys.headers(Scope.INSPECT)
        client: Any = tritonhttp.InferenceServerClient(gateway.url.removeprefix("http://"))
        assert client.is_server_live(headers=headers)
        assert client.is_server_ready(headers=headers)
        assert client.is_model_ready("spot_seg", "1", headers=headers)
        assert client.get_server_metadata(headers=headers)["name"] == "triton"
        assert client.get_model_metadata("spot_seg", headers=headers)["inputs"][0]["name"] == "frame"
        tensor = tritonhttp.InferInput("frame", FRAME.shape, "UINT8")
        tensor.set_data_from_numpy(FRAME)
        wanted = [tritonhttp.InferRequestedOutput("mask", binary_data=True)]
        for compression in (None, "gzip"):
            answer = client.infer(
                "spot_seg", [tensor], outputs=wanted, headers=headers, response_compression_algorithm=compression
            )
            assert answer.as_numpy("mask").max() == pytest.approx(200 / 255)
        with pytest.raises(InferenceServerException, match="401"):
            client.infer("spot_seg", [tensor])
        with pytest.raises(InferenceServerException):
            client.unload_model("spot_seg", headers=headers)
        client.close()
