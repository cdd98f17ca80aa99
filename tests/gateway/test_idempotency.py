from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx
import pytest
from support.gateway_cluster import GatewayCluster
from support.pictures import spot_png

PATH = "/v1/inspections"


def send(gateway: httpx.Client, key: str, *, grey: int = 255, **fields: str) -> httpx.Response:
    """Inspect a frame under a key."""
    return gateway.post(
        PATH, data={"recipe": "spot", **fields}, files={"file": spot_png(grey)}, headers={"Idempotency-Key": key}
    )


def test_a_repeated_request_gets_the_same_answer(gateway: httpx.Client) -> None:
    """Status, body and location are those of the first, whether the key is quoted or not; a header says so."""
    key = str(uuid4())
    first, second = send(gateway, f'"{key}"', part="SN-1"), send(gateway, key, part="SN-1")
    assert (first.status_code, first.headers.get("idempotency-replayed")) == (201, None)
    assert (second.status_code, second.headers.get("idempotency-replayed")) == (201, "true")
    assert first.content == second.content
    assert first.headers["location"] == second.headers["location"]


def test_a_key_with_another_picture_is_refused(gateway: httpx.Client) -> None:
    """422 with a code of its own: the caller's program forgot to make a new key."""
    key = str(uuid4())
    assert send(gateway, key).status_code == 201
    answer = send(gateway, key, grey=0)
    assert (
        answer.status_code,
        answer.json()["code"],
        answer.json()["retryable"],
    ) == (422, "IDEMPOTENCY_KEY_REUSED", False)


def test_a_key_in_flight_is_a_conflict(cluster: GatewayCluster, gateway: httpx.Client) -> None:
    """409, to be asked again; then the answer of the first."""
    assert send(gateway, str(uuid4())).status_code == 201
    cluster.model_server.delay_s = 1.0
    key = str(uuid4())
    with ThreadPoolExecutor(2) as executor:
        answers = [each.result() for each in [executor.submit(send, gateway, key) for _ in range(2)]]
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    (refused,) = (answer for answer in answers if answer.status_code == 409)
    assert (refused.json()["code"], refused.json()["retryable"]) == ("REQUEST_IN_PROGRESS", True)
    assert "retry-after" in refused.headers
    assert send(gateway, key).headers["idempotency-replayed"] == "true"


def test_a_refused_picture_is_refused_again(gateway: httpx.Client) -> None:
    """The stored refusal has the same code and sentence."""
    key = {"Idempotency-Key": str(uuid4())}
    answers = [
        gateway.post(PATH, data={"recipe": "spot"}, files={"file": b"no picture"}, headers=key).json() for _ in range(2)
    ]
    assert [answer["status"] for answer in answers] == [400, 400]
    assert answers[0]["detail"] == answers[1]["detail"]


@pytest.mark.parametrize("key", ["", '""', '"half', "x" * 256, "schlüssel", "tab\there"])
def test_a_key_that_is_none_is_refused(gateway: httpx.Client, key: str) -> None:
    """Nothing is inspected under a key that another gateway might read differently."""
    answer = gateway.post(
        PATH,
        data={"recipe": "spot"},
        files={"file": spot_png(255)},
        headers=[(b"Idempotency-Key", key.encode("latin-1"))],
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "INVALID_PARAMETER")
    assert "Idempotency-Key" in answer.json()["metadata"]["field"]


def test_two_keys_in_one_request_are_refused(gateway: httpx.Client) -> None:
    """It is not for us to choose."""
    headers = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    answer = gateway.post(PATH, data={"recipe": "spot"}, files={"file": spot_png(255)}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "INVALID_PARAMETER")
