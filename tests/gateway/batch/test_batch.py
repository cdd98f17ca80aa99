import json
import re
from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from support.bad_inputs import FIELDS, REFUSED, TAKEN
from support.gateway_cluster import GatewayCluster, running_gateway
from support.pictures import spot_pixels, spot_png

PATH = "/v1/inspections:batch"
ONE = "/v1/inspections"
GOOD = spot_png(255)


def send(
    gateway: httpx.Client, frames: Sequence[bytes], items: Any = None, key: str | None = None, **common: str
) -> httpx.Response:
    """A batch; `items` are sent as JSON, unless they are text already."""
    text = items if isinstance(items, str) else json.dumps(items)
    fields = common if items is None else {**common, "items": text}
    headers = {} if key is None else {"idempotency-key": key}
    files = [("file", (f"{index}.png", frame)) for index, frame in enumerate(frames)]
    return gateway.post(PATH, data=fields, files=files, headers=headers)


def results(answer: httpx.Response) -> list[Any]:
    """The results of a batch that could be read."""
    assert answer.status_code == 200, answer.text
    told: list[Any] = answer.json()["results"]
    return told


def inspections(gateway: httpx.Client) -> int:
    """How many records there are."""
    return len(gateway.get(ONE, params={"page_size": 1000}).json()["inspections"])


def test_each_frame_has_its_result_in_order(gateway: httpx.Client) -> None:
    """Recipe for all, part for each: every answer is what the frame alone would have got, and is on record."""
    greys = {"SN-1": 255, "SN-2": 0, "SN-3": 220}
    frames = [spot_png(grey) for grey in greys.values()]
    told = results(send(gateway, frames, [{"part": part} for part in greys], recipe="spot", station="S4"))
    answers = [result["inspection"] for result in told]
    assert [(a["part"], a["station"], a["evaluation"]) for a in answers] == [
        ("SN-1", "S4", "NOT_OK"),
        ("SN-2", "S4", "OK"),
        ("SN-3", "S4", "NOT_DECIDABLE"),
    ]
    assert [gateway.get(answer["links"]["self"]).json() for answer in answers] == answers


@pytest.mark.parametrize("kind", REFUSED)
def test_a_bad_picture_spoils_no_other(gateway: httpx.Client, kind: str) -> None:
    """Its result is the problem that it would be alone; the frames beside it are inspected."""
    data, status, code, detail = REFUSED[kind]
    told = results(send(gateway, [GOOD, data, GOOD], recipe="spot"))
    assert [set(result) for result in told] == [{"inspection", "replayed"}, {"problem"}, {"inspection", "replayed"}]
    problem = told[1]["problem"]
    assert (problem["status"], problem["code"], problem["instance"]) == (status, code, f"{PATH}#/results/1")
    assert detail in problem["detail"]
    assert "evaluation" not in problem


@pytest.mark.parametrize("kind", TAKEN)
def test_an_odd_picture_is_converted_by_the_stated_rule(gateway: httpx.Client, kind: str) -> None:
    """With the score that it has alone."""
    data, score = TAKEN[kind]
    (result,) = results(send(gateway, [data], recipe="spot"))
    assert result["inspection"]["score"] == pytest.approx(score, abs=1e-6)


def test_raw_pixels_go_with_files(gateway: httpx.Client) -> None:
    """An item says how its pixels lie, numbers as numbers; one whose bytes do not fit is a problem of its own."""
    raw = spot_pixels(200).tobytes()
    layout = {"width": 24, "height": 32, "channels": 1}
    told = results(send(gateway, [raw, spot_png(200), raw[:-1]], [layout, {}, layout], recipe="spot"))
    assert told[0]["inspection"]["score"] == told[1]["inspection"]["score"] == pytest.approx(200 / 255, abs=1e-6)
    assert told[2]["problem"]["code"] == "INVALID_FRAME"


def test_recipes_may_differ_and_an_unknown_one_is_its_items_problem(gateway: httpx.Client) -> None:
    """What an item says goes before what is said for all; null says nothing."""
    told = results(send(gateway, [GOOD, GOOD], [{"recipe": None}, {"recipe": "nowhere"}], recipe="spot"))
    assert told[0]["inspection"]["recipe"] == "spot"
    assert (told[1]["problem"]["status"], told[1]["problem"]["code"]) == (404, "UNKNOWN_RECIPE")


@pytest.mark.parametrize("kind", [kind for kind, (_, _, code, _) in FIELDS.items() if code != "UNKNOWN_RECIPE"])
def test_a_bad_field_refuses_the_batch(gateway: httpx.Client, kind: str) -> None:
    """Nothing of it is inspected, and the pointer says in which item."""
    fields, status, code, detail = FIELDS[kind]
    before = inspections(gateway)
    if isinstance(fields, dict):
        items: Any = [{"recipe": "spot"}, fields]
    else:
        said_twice = ", ".join(f'"{name}": "{value}"' for name, value in fields)
        items = f'[{{"recipe": "spot"}}, {{{said_twice}}}]'
    answer = send(gateway, [GOOD, GOOD], items)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code), problem
    # Elsewhere the field is named without the item that it stands in.
    named = re.sub(r"`items\.\d+\.", "`", problem["detail"])
    assert detail in named
    assert inspections(gateway) == before
    if "items" in problem["metadata"]["field"]:
        assert problem["errors"][0]["pointer"].startswith("#/items/1/")


def test_a_bad_common_field_refuses_the_batch_though_every_item_says_otherwise(gateway: httpx.Client) -> None:
    """A typing error is seen on the first day, not with the first item that does not override it."""
    answer = send(gateway, [GOOD], [{"recipe": "spot", "part": "7"}], part="x" * 200)
    assert (answer.status_code, answer.json()["metadata"]) == (422, {"field": "part"})


MALFORMED: dict[str, tuple[Any, str]] = {
    "no JSON": ("[{}, ", "is no JSON"),
    "deep": ("[" * 100_000, "is no JSON"),
    "no list": ({"part": "1"}, "no list of objects"),
    "a list of text": (["1", "2"], "no list of objects"),
    "too few": ([{}], "length of `items` is 1, but 2 files came"),
    "too many": ([{}, {}, {}], "length of `items` is 3, but 2 files came"),
    "a part that is a list": ([{}, {"part": ["1"]}], "`items.1.part`"),
    "a part that is true": ([{}, {"part": True}], "`items.1.part`"),
    "an item within an item": ([{}, {"items": "[]"}], "There is no field `items.1.items`"),
}


@pytest.mark.parametrize("kind", MALFORMED)
def test_items_that_do_not_fit_refuse_the_batch(gateway: httpx.Client, kind: str) -> None:
    """422, a sentence that says what to do, and nothing is inspected."""
    items, detail = MALFORMED[kind]
    before = inspections(gateway)
    answer = send(gateway, [GOOD, GOOD], items, recipe="spot")
    assert (answer.status_code, answer.json()["code"]) == (422, "INVALID_PARAMETER"), answer.text
    assert detail in answer.json()["detail"]
    assert inspections(gateway) == before


FORMS: dict[str, tuple[dict[str, Any], int, str, str]] = {
    "no file": ({"files": {"recipe": (None, "spot")}}, 422, "INVALID_PARAMETER", "no picture"),
    "another field": (
        {"data": {"recipe": "spot"}, "files": [("file", GOOD), ("image", GOOD)]},
        422,
        "INVALID_PARAMETER",
        "not in `image`",
    ),
    "a bare picture": (
        {"params": {"recipe": "spot"}, "content": GOOD, "headers": {"content-type": "image/png"}},
        415,
        "UNSUPPORTED_MEDIA_TYPE",
        "send one of multipart/form-data",
    ),
    "no form": (
        {"content": GOOD, "headers": {"content-type": "multipart/form-data; boundary=x"}},
        400,
        "INVALID_REQUEST",
        "up to 64 files in the field `file`",
    ),
    "65 files": (
        {"data": {"recipe": "spot"}, "files": [("file", GOOD)] * 65},
        422,
        "INVALID_PARAMETER",
        "more than 64",
    ),
    "66 files": ({"data": {"recipe": "spot"}, "files": [("file", GOOD)] * 66}, 400, "INVALID_REQUEST", "up to 64"),
}


@pytest.mark.parametrize("kind", FORMS)
def test_a_bad_form_refuses_the_batch(gateway: httpx.Client, kind: str) -> None:
    """As a whole, before any of it is inspected."""
    request, status, code, detail = FORMS[kind]
    before = inspections(gateway)
    answer = gateway.post(PATH, **request)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert detail in answer.json()["detail"]
    assert inspections(gateway) == before


def test_a_repeated_batch_does_only_what_is_not_done(cluster: GatewayCluster, gateway: httpx.Client) -> None:
    """Frames that failed for want of a service are worked on, the others are told again word for word."""
    frames, items = [spot_png(255), spot_png(0), GOOD], [{}, {}, {"deadline_ms": 1}]
    first = results(send(gateway, frames, items, key="shift-7", recipe="spot"))
    assert first[2]["problem"]["retryable"] is True
    inferences = cluster.model_server.inferences
    again = results(send(gateway, frames, [{}, {}, {}], key="shift-7", recipe="spot"))
    assert [result["inspection"] for result in again[:2]] == [result["inspection"] for result in first[:2]]
    assert [result["replayed"] for result in again] == [True, True, False]
    assert cluster.model_server.inferences == inferences + 1


def test_another_frame_under_the_same_key_is_that_items_problem(gateway: httpx.Client) -> None:
    """Nobody gets the answer to another part; the frames that are the same are replayed."""
    results(send(gateway, [GOOD, GOOD], key="reused", recipe="spot"))
    told = results(send(gateway, [GOOD, spot_png(1)], key="reused", recipe="spot"))
    assert told[0]["replayed"] is True
    assert told[1]["problem"]["code"] == "IDEMPOTENCY_KEY_REUSED"


def test_a_key_that_leaves_no_room_for_the_index_is_refused(gateway: httpx.Client) -> None:
    """255 characters are all that a key may have, the index included."""
    answer = send(gateway, [GOOD], key="k" * 254, recipe="spot")
    assert (answer.status_code, answer.json()["metadata"]["field"]) == (422, "Idempotency-Key")


def test_only_so_many_frames_of_a_batch_are_worked_on_at_once() -> None:
    """A long batch leaves room for others: with a concurrency of 2, six frames take three times as long as one."""
    with running_gateway(batch_concurrency=2) as cluster, cluster.client() as client:
        results(send(client, [GOOD], recipe="spot"))
        cluster.model_server.delay_s = 0.2
        answer = send(client, [spot_png(grey) for grey in range(6)], recipe="spot")
        assert {"inspection", "replayed"} == set().union(*results(answer))
        assert answer.elapsed.total_seconds() > 0.55


def test_a_deadline_counts_from_a_frames_turn() -> None:
    """The last of a long batch has as much time as the first."""
    with running_gateway(batch_concurrency=1) as cluster, cluster.client() as client:
        results(send(client, [GOOD], recipe="spot"))
        cluster.model_server.delay_s = 0.15
        told = results(send(client, [spot_png(grey) for grey in range(4)], recipe="spot", deadline_ms="400"))
    assert ["inspection" in result for result in told] == [True] * 4
    assert len({result["inspection"]["received_at"] for result in told}) == 1


def test_a_service_that_is_gone_is_every_frames_problem() -> None:
    """200, and not one evaluation: each frame says that a retry may help."""
    with running_gateway() as cluster, cluster.client() as client:
        cluster.stop_preprocessing()
        told = results(send(client, [GOOD, GOOD], recipe="spot"))
    assert [(r["problem"]["code"], r["problem"]["retryable"]) for r in told] == [("DEPENDENCY_UNAVAILABLE", True)] * 2


def test_the_whole_batch_has_the_bound_of_a_body() -> None:
    """413 for all of it."""
    with running_gateway(max_body_bytes=10_000) as cluster, cluster.client() as client:
        answer = send(client, [bytes(6_000), bytes(6_000)], recipe="spot")
    assert (answer.status_code, answer.json()["code"]) == (413, "BODY_TOO_LARGE")
