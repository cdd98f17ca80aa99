import json
from http import HTTPStatus
from pathlib import Path

import pytest
from scaling.page import take_over
from scaling.sending import Answer

STAGES_S = {"preprocess": 0.01, "decode": 0.004, "steps": 0.001, "decide": 0.08, "infer": 0.07, "policy": 0.001}


def test_stages_add_up_to_the_latency() -> None:
    """Calls hold others, and the door is what is left."""
    answer = Answer.of(0.1, HTTPStatus.CREATED, json.dumps({"stage_seconds": STAGES_S}).encode())
    assert answer.walls_s == pytest.approx({"door": 0.01, "preprocess": 0.01, "decide": 0.01, "infer": 0.07})


@pytest.mark.parametrize(
    ("status", "document"),
    [
        (HTTPStatus.TOO_MANY_REQUESTS, {"code": "OVERLOADED"}),
        (HTTPStatus.CREATED, {"stage_seconds": {}}),
        (HTTPStatus.CREATED, {"stage_seconds": {"preprocess": 0.01, "decode": 0.004, "steps": 0.001}}),
    ],
    ids=["refused", "unreachable deadline", "picture no good"],
)
def test_a_frame_that_no_model_has_seen_teaches_nothing(status: int, document: dict[str, object]) -> None:
    """It counts as not answered."""
    assert Answer.of(0.1, status, json.dumps(document).encode()).walls_s is None


def test_a_run_without_postgresql_is_not_taken_over(tmp_path: Path) -> None:
    """The page would have no rows and bytes."""
    run = tmp_path / "scaling.json"
    run.write_text('{"database": null}', "utf-8")
    with pytest.raises(ValueError, match="install it"):
        take_over(run)
