import contextlib
import json
import time

import httpx
import pytest
from support.fake_triton import FakeTriton

from flawgate_contracts.errors import BodyTooLarge, InvalidRequest
from flawgate_gateway.oip.preamble import MAX_BYTES, MAX_DEPTH, check, json_length

INFER = "/v2/models/spot_seg/infer"


def inference(shape: str, data: str = "[1]", more: str = "") -> bytes:
    """The JSON of one input."""
    return f'{{"inputs": [{{"name": "frame", "datatype": "UINT8", "shape": {shape}{more}, "data": {data}}}]}}'.encode()


KILLING: dict[str, bytes] = {
    "a shape beyond all memory": inference("[1000000000, 1000000000]"),
    "one beyond the request": inference("[1, 1000000]"),
    "many that are together": b'{"inputs": [' + b",".join([b'{"shape": [200]}'] * 300) + b"]}",
    "the same key twice": inference("[1000000000, 1000000000]", more=', "shape": [1]'),
    "inputs twice": b'{"inputs": [{"shape": [1000000000]}], "inputs": [{"shape": [1]}]}',
    "a key in escapes": inference("[1]").replace(b'"shape"', b'"sh\\u0061pe"'),
    "a shape after a benign parameter": inference("[1000000000]", more=', "parameters": {"binary_data_size": 1}'),
    "a shape in a shape": inference("[[1000000000], [1000000000]]"),
    "many dimensions": inference(json.dumps([1] * 64 + [10**9])),
    "shared memory": inference("[1]", more=', "parameters": {"shared_memory_region": "x"}'),
    "deep arrays": inference("[1]", data="[" * 100_000 + "]" * 100_000),
    "deep objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "arrays that never end": b"[" * 1_000_000,
    "arrays behind a string that never ends": b'"' + b"[" * 1_000,
    "more shapes than anybody needs": b'{"inputs": [' + b",".join([b'{"shape": []}'] * 1_001) + b"]}",
    "arrays behind an escaped quote": b'["\\"", ' + b"[" * 1_000 + b"]" * 1_001,
}

HARMLESS: dict[str, bytes] = {
    "nothing": b"",
    "a tensor": inference("[2, 2]", "[[1, 2], [3, 4]]"),
    "white space": inference("[ 2,\n 2 ]", "[1, 2, 3, 4]"),
    "an eight-dimensional tensor": inference("[1, 1, 1, 1, 1, 1, 1, 1]", "[" * 8 + "1" + "]" * 8),
    "brackets in a string": json.dumps({"id": '[[[["\\' + "[" * 1_000}).encode(),
    "strings of quotes and backslashes": json.dumps({"id": '\\"[', "more": "[\\\\"}).encode(),
    "an empty tensor": inference("[0, 512]", "[]"),
    "letters beyond ASCII": json.dumps({"id": "Prüfling 7"}).encode(),
}


@pytest.mark.parametrize("kind", KILLING)
def test_what_would_end_triton_is_refused(kind: str) -> None:
    """By the text itself, however a reader of JSON understands it."""
    with pytest.raises(InvalidRequest):
        check(KILLING[kind], len(KILLING[kind]))


@pytest.mark.parametrize("kind", HARMLESS)
def test_all_else_passes(kind: str) -> None:
    """What is wrong in another way, Triton says in its own words."""
    check(HARMLESS[kind], len(HARMLESS[kind]))


@pytest.mark.parametrize(
    "piece", [rb"\"", b'"', b'"[', b"[]", b"[" * 32 + b"]" * 32, b'"shape"', b'"shape":[1],', rb"\\"]
)
def test_no_text_takes_long(piece: bytes) -> None:
    """Nothing else is done meanwhile, and a search from each quote for an end that is not there took hours."""
    began = time.process_time()
    with contextlib.suppress(InvalidRequest):
        check(b'"' + piece * (MAX_BYTES // len(piece)), None)
    assert time.process_time() - began < 1


def test_binary_tensors_are_bounded_by_the_body() -> None:
    """Where the length of the body is known, a shape may be as large as that."""
    text = inference("[1, 3, 2000, 2000]")
    check(text, 12_000_000 + len(text))
    with pytest.raises(InvalidRequest, match="Content-Length"):
        check(text, None)


def test_depth_is_counted_exactly() -> None:
    """As deep as may be passes, one deeper does not."""
    check(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH, None)
    with pytest.raises(InvalidRequest):
        check(b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), None)


@pytest.mark.parametrize("header", ["-1", "", "1e3", "0x10", "١٢", "9" * 30, "1,1"])
def test_a_length_that_is_none_is_refused(header: str) -> None:
    """Decimal digits alone."""
    with pytest.raises(InvalidRequest, match="number of bytes"):
        json_length(header)


def test_json_beyond_the_bound_is_refused(gateway: httpx.Client) -> None:
    """Binary tensors are the way for more; 413 by the length that is said."""
    assert (json_length(None), json_length(str(MAX_BYTES))) == (None, MAX_BYTES)
    with pytest.raises(BodyTooLarge):
        json_length(str(MAX_BYTES + 1))
    answer = gateway.post(INFER, content=b"x", headers={"inference-header-content-length": str(MAX_BYTES + 1)})
    assert answer.status_code == 413


@pytest.mark.parametrize("kind", ["a shape beyond all memory", "deep arrays"])
@pytest.mark.parametrize("apart", [False, True], ids=["in JSON", "before tensors"])
def test_the_door_refuses_it_too(gateway: httpx.Client, triton: FakeTriton, kind: str, *, apart: bool) -> None:
    """400 in the protocol's shape, and Triton sees nothing of it."""
    headers = {"inference-header-content-length": str(len(KILLING[kind]))} if apart else {}
    answer = gateway.post(INFER, content=KILLING[kind] + b"\0" * apart, headers=headers)
    assert (answer.status_code, set(answer.json())) == (400, {"error"})
    assert triton.asked == []


def test_a_body_in_tiny_pieces_goes_on_in_large_ones(gateway: httpx.Client, triton: FakeTriton) -> None:
    """Triton keeps each piece on its stack: a million of one byte end its process (CVE-2025-23310)."""
    body = bytes(200_000)
    pieces = (body[at : at + 10] for at in range(0, len(body), 10))
    gateway.post(INFER, content=pieces, headers={"inference-header-content-length": "0"})
    assert triton.asked[0].body == body
    assert triton.asked[0].pieces <= 4
