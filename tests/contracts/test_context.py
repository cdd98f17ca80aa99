import re

import pytest

from flawgate_contracts.context import bound, current_context, new_context
from flawgate_contracts.errors import DeadlineExceeded

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
BAD_TRACEPARENTS = [
    "",
    "junk",
    "00-short-b7ad6b7169203331-01",
    f"00-{'0' * 32}-b7ad6b7169203331-01",
    f"{TRACEPARENT}\n",
]


def test_the_callers_ids_are_taken_over() -> None:
    """A well-formed request id and trace go on; the span is this hop's own."""
    context = new_context({"x-request-id": "mes-42", "traceparent": TRACEPARENT})
    assert context.request_id == "mes-42"
    assert context.traceparent.startswith("00-0af7651916cd43dd8448eb211c80319c-")
    assert context.span_id != "b7ad6b7169203331"
    assert context.trace_flags == "01"


@pytest.mark.parametrize("bad", ["", "a b", "x" * 65, "ä", 'inject"ion', "line\nbreak", "end\n"])
def test_a_malformed_request_id_is_replaced(bad: str) -> None:
    """Nothing that a caller sends gets into logs and headers unchecked."""
    assert re.fullmatch(r"[0-9a-f]{32}", new_context({"x-request-id": bad}).request_id)


@pytest.mark.parametrize("bad", BAD_TRACEPARENTS)
def test_a_malformed_traceparent_is_replaced(bad: str) -> None:
    """A trace id is always 32 hexadecimal digits that are not all zero."""
    trace_id = new_context({"traceparent": bad}).trace_id
    assert re.fullmatch(r"[0-9a-f]{32}", trace_id)
    assert trace_id != "0" * 32


def test_time_left_shrinks_and_ends_in_an_error() -> None:
    """Asking for the time left after the deadline raises instead of giving a negative wait."""
    assert new_context({}).remaining_s() is None
    left = new_context({}, timeout_s=5).remaining_s()
    assert left is not None
    assert 4 < left <= 5
    with pytest.raises(DeadlineExceeded):
        new_context({}, timeout_s=0).remaining_s()


def test_the_current_context_is_the_bound_one() -> None:
    """Within the block it is current, after it no more."""
    context = new_context({"x-request-id": "one"})
    with bound(context):
        assert context == current_context()
    assert current_context().request_id != "one"
