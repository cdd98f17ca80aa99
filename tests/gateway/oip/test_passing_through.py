import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from support.fake_triton import MODEL, UNKNOWN, FakeTriton
from support.gateway_cluster import running_gateway
from support.ports import free_port

INFER = "/v2/models/spot_seg/infer"
JSON_PART = json.dumps({"inputs": [{"name": "frame", "parameters": {"binary_data_size": 768}}]}).encode()
BINARY = JSON_PART + bytes(range(256)) * 3
HEADERS = {"content-type": "application/octet-stream", "inference-header-content-length": str(len(JSON_PART))}


def assert_error(answer: httpx.Response, status: int, sentence: str) -> None:
    """The protocol's own shape, and nothing else of ours."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/json")
    assert set(answer.json()) == {"error"}
    assert sentence in answer.json()["error"]


@pytest.mark.parametrize("path", [INFER, "/v2/models/spot_seg/versions/1/infer"])
def test_binary_tensors_go_through_untouched(gateway: httpx.Client, triton: FakeTriton, path: str) -> None:
    """Byte for byte both ways, with the header that says where the tensors begin."""
    answer = gateway.post(path, content=BINARY, headers=HEADERS)
    (asked,) = triton.asked
    assert (asked.method, asked.path, asked.body) == ("POST", path, BINARY)
    assert {name: asked.headers[name] for name in HEADERS} == HEADERS
    assert (answer.status_code, answer.content) == (200, BINARY)
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS


def test_a_body_without_its_length_goes_through(gateway: httpx.Client, triton: FakeTriton) -> None:
    """In chunks, as it comes."""
    chunks = (BINARY[start : start + 100] for start in range(0, len(BINARY), 100))
    assert gateway.post(INFER, content=chunks, headers=HEADERS).content == BINARY
    assert triton.asked[0].headers["transfer-encoding"] == "chunked"


def test_only_what_the_protocol_needs_goes_along(gateway: httpx.Client, triton: FakeTriton) -> None:
    """No key, no cookie, no header that would open what Triton restricts; nothing of Triton's own comes back."""
    secrets = {
        "authorization": "Bearer fg_1_2",
        "cookie": "a=b",
        "triton-grpc-protocol-admin": "x",
        "x-forwarded-for": "1",
    }
    wanted = {"x-request-id": "mes-7", "accept-encoding": "gzip"}
    trace = f"00-{'4' * 32}-{'2' * 16}-01"
    answer = gateway.post(INFER, content=BINARY, headers={**HEADERS, **secrets, **wanted, "traceparent": trace})
    asked = triton.asked[0].headers
    assert secrets.keys() & asked.keys() == set()
    assert {name: asked[name] for name in wanted} == wanted
    assert asked["traceparent"].startswith(f"00-{'4' * 32}-")
    assert "x-secret-of-triton" not in answer.headers
    assert answer.headers["x-request-id"] == "mes-7"


def test_a_trace_that_nobody_keeps_does_not_reach_triton(gateway: httpx.Client, triton: FakeTriton) -> None:
    """Triton would send spans of whatever comes with a `traceparent`."""
    gateway.post(INFER, content=BINARY, headers={**HEADERS, "traceparent": f"00-{'4' * 32}-{'2' * 16}-00"})
    assert "traceparent" not in triton.asked[0].headers


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v2/health/live", {"live": True}),
        ("/v2/health/ready", {"ready": True}),
        ("/v2/models/spot_seg/ready", {"name": "spot_seg", "ready": True}),
        ("/v2/models/spot_seg", MODEL),
        ("/v2/models/spot_seg/versions/1", MODEL),
        ("/v2", {"name": "triton", "version": "2.51.0", "extensions": ["classification", "binary_tensor_data"]}),
    ],
)
def test_health_and_metadata_come_through(
    gateway: httpx.Client, triton: FakeTriton, path: str, expected: dict[str, Any]
) -> None:
    """With the extensions that work from here, not those whose paths are closed."""
    answer = gateway.get(path)
    assert (answer.status_code, answer.json()) == (200, expected)


@pytest.mark.parametrize("path", ["/v2/health/ready", "/v2/models/spot_seg/ready"])
def test_what_is_not_ready_is_a_400(gateway: httpx.Client, triton: FakeTriton, path: str) -> None:
    """The status is the truth; the body says it once more."""
    triton.ready = False
    answer = gateway.get(path)
    assert (answer.status_code, answer.json()["ready"]) == (400, False)


@pytest.mark.parametrize(("method", "path"), [("GET", "/v2/models/nobody"), ("POST", "/v2/models/nobody/infer")])
def test_what_triton_refuses_is_told_in_its_words(
    gateway: httpx.Client, triton: FakeTriton, method: str, path: str
) -> None:
    """Status and body are Triton's."""
    answer = gateway.request(method, path)
    assert (answer.status_code, answer.json()) == (400, UNKNOWN)


CLOSED: dict[str, tuple[str, str, int]] = {
    "model repository": ("POST", "/v2/repository/index", 404),
    "load": ("POST", "/v2/repository/models/spot_seg/load", 404),
    "unload": ("POST", "/v2/repository/models/spot_seg/unload", 404),
    "system shared memory": ("GET", "/v2/systemsharedmemory/status", 404),
    "register": ("POST", "/v2/systemsharedmemory/region/a/register", 404),
    "CUDA shared memory": ("GET", "/v2/cudasharedmemory/status", 404),
    "trace": ("POST", "/v2/trace/setting", 404),
    "trace of a model": ("GET", "/v2/models/spot_seg/trace/setting", 404),
    "logging": ("POST", "/v2/logging", 404),
    "configuration": ("GET", "/v2/models/spot_seg/config", 404),
    "statistics": ("GET", "/v2/models/spot_seg/stats", 404),
    "statistics of all": ("GET", "/v2/models/stats", 400),
    "generate": ("POST", "/v2/models/spot_seg/generate", 404),
    "no model": ("GET", "/v2/models/", 404),
    "slash at the end": ("GET", "/v2/", 404),
    "metrics": ("GET", "/v2/%2e%2e/metrics", 404),
    "dots": ("GET", "/v2/models/%2e%2e", 400),
    "dots to the repository": ("POST", "/v2/models/%2e%2e/versions/1/infer", 400),
    "slashes": ("POST", "/v2/models/..%2f..%2frepository%2findex", 404),
    "double encoding": ("GET", "/v2/models/%252e%252e%252frepository", 400),
    "query in the name": ("GET", "/v2/models/a%3fb", 400),
    "line feed": ("GET", "/v2/models/a%0d%0aX-Y:%201", 400),
    "NUL": ("GET", "/v2/models/a%00", 400),
    "long name": ("GET", f"/v2/models/{'m' * 129}", 400),
    "version 0": ("POST", "/v2/models/spot_seg/versions/0/infer", 400),
    "version in words": ("POST", "/v2/models/spot_seg/versions/latest/infer", 400),
    "another method": ("GET", "/v2/models/spot_seg/infer", 405),
    "deletion": ("DELETE", "/v2/models/spot_seg", 405),
}


@pytest.mark.parametrize("kind", CLOSED)
def test_nothing_else_reaches_triton(gateway: httpx.Client, triton: FakeTriton, kind: str) -> None:
    """Control, shared memory, traces, logs, and every way to write a path that is not named."""
    method, path, status = CLOSED[kind]
    url = httpx.URL(gateway.base_url).copy_with(raw_path=path.encode())
    assert_error(gateway.request(method, url), status, "")
    assert triton.asked == []


def test_a_query_does_not_go_along(gateway: httpx.Client, triton: FakeTriton) -> None:
    """The path is all that is asked."""
    gateway.get("/v2/models/spot_seg?a=../b")
    assert triton.asked[0].path == "/v2/models/spot_seg"


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "in chunks"])
def test_a_body_beyond_the_limit_is_refused(gateway: httpx.Client, triton: FakeTriton, *, declared: bool) -> None:
    """413 in the protocol's shape, whether the length was said or not; the next request is served."""
    body = bytes(1_000_001)
    content: Any = body if declared else (body[start : start + 100_000] for start in range(0, len(body), 100_000))
    assert_error(gateway.post(INFER, content=content), 413, "longer than the 1000000 bytes")
    assert gateway.post(INFER, content=BINARY, headers=HEADERS).content == BINARY


def test_a_compressed_body_is_refused(gateway: httpx.Client, triton: FakeTriton) -> None:
    """A few bytes could be gigabytes behind the limit."""
    assert_error(gateway.post(INFER, content=b"x", headers={"content-encoding": "gzip"}), 415, "compressed (gzip)")
    assert triton.asked == []


def test_a_slow_model_server_is_a_504(gateway: httpx.Client, triton: FakeTriton) -> None:
    """After `triton_timeout_s`; a retry may help, and the answer says when."""
    triton.delay_s = 1.5
    answer = gateway.post(INFER, content=BINARY, headers=HEADERS)
    assert_error(answer, 504, "within 1 s")
    assert answer.headers["retry-after"] == "1"


def test_only_so_many_are_passed_on_at_once(gateway: httpx.Client, triton: FakeTriton) -> None:
    """429 for the third of two, and those that were taken end well."""
    triton.delay_s = 0.5
    with ThreadPoolExecutor(2) as executor:
        taken = [executor.submit(gateway.post, INFER, content=BINARY, headers=HEADERS) for _ in range(2)]
        time.sleep(0.2)
        assert_error(gateway.get("/v2"), 429, "2 requests are with the model server")
        assert [answer.result().status_code for answer in taken] == [200, 200]


def test_callers_who_leave_take_no_place(gateway: httpx.Client, triton: FakeTriton) -> None:
    """What they asked for is given up, and their places are free at once."""
    triton.delay_s = 0.9
    for _ in range(4):
        with pytest.raises(httpx.ReadTimeout):
            gateway.post(INFER, content=BINARY, headers=HEADERS, timeout=0.1)
        time.sleep(0.05)
    triton.delay_s = 0.0
    assert gateway.post(INFER, content=BINARY, headers=HEADERS).content == BINARY


def test_an_answer_that_breaks_off_is_no_answer(gateway: httpx.Client, triton: FakeTriton) -> None:
    """The caller's HTTP notices the missing end; half a tensor is not handed on as whole."""
    triton.breaks_off = True
    with pytest.raises(httpx.RemoteProtocolError):
        gateway.post(INFER, content=BINARY, headers=HEADERS)
    triton.breaks_off = False
    assert gateway.post(INFER, content=BINARY, headers=HEADERS).content == BINARY


def test_a_model_server_that_is_down_is_told() -> None:
    """503 for an inference, and not live; with a sentence, and without an address."""
    port = free_port()
    with running_gateway(triton_http_url=f"http://127.0.0.1:{port}") as cluster, cluster.client() as client:
        answer = client.post(INFER, content=BINARY, headers=HEADERS)
        assert_error(answer, 503, "does not answer")
        assert str(port) not in answer.text
        assert_error(client.get("/v2/health/live"), 503, "does not answer")


@pytest.mark.parametrize("path", ["/v2", "/v2/health/ready", INFER, "/v2/repository/index"])
def test_where_no_triton_is_set_the_door_says_so(path: str) -> None:
    """501 with the setting's name: `flawgate up --model-server onnxruntime` has no Triton."""
    with running_gateway() as cluster, cluster.client() as client:
        assert_error(client.get(path), 501, "GATEWAY_TRITON_HTTP_URL")


def test_what_only_looks_like_it_is_no_part_of_it(gateway: httpx.Client, triton: FakeTriton) -> None:
    """`/v2x` is a path of the REST door, which has none of that name."""
    answer = gateway.get("/v2x")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
