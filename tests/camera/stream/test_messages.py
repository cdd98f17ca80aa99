from dataclasses import replace
from datetime import timedelta

import pytest
from support.captured import MOMENT, frame, gap

from flawgate.inspection.v1 import inspection_pb2 as pb2
from flawgate_camera.frames import DropCause, Layout, Trigger
from flawgate_camera.stream import messages


def test_a_frame_carries_all_that_is_known_of_it() -> None:
    """Number, bytes, time, trigger, part, deadline and the agent's own judgement."""
    judged = pb2.Inspection(inspection_id="1", recipe="texture")
    given = replace(
        frame(7),
        layout=None,
        trigger=Trigger(id="t", part="p", lot="l", work_order="w"),
        decided=judged.SerializeToString(),
    )
    said = messages.of_frame(given, deadline_ms=80).frame
    assert (said.sequence, said.encoded, said.deadline_ms) == (7, given.data, 80)
    assert (said.trigger_id, said.part, said.lot, said.work_order) == ("t", "p", "l", "w")
    assert said.acquired_at.ToDatetime(tzinfo=MOMENT.tzinfo) == MOMENT
    assert said.decided == judged


def test_what_is_not_known_is_absent() -> None:
    """No field says an empty text where nothing is known."""
    said = messages.of_frame(replace(frame(7), trigger=Trigger()), deadline_ms=None).frame
    assert {field.name for field, _ in said.ListFields()} == {"sequence", "raw", "acquired_at"}


def test_raw_pixels_carry_their_layout() -> None:
    """Width, height and channels go along with pixels that have no file around them."""
    said = messages.of_frame(replace(frame(7, size=24), layout=Layout(4, 2, 3)), None).frame
    assert (said.raw.width, said.raw.height, said.raw.channels, len(said.raw.data)) == (4, 2, 3, 24)


@pytest.mark.parametrize("cause", list(DropCause))
def test_a_gap_comes_back_as_it_was_sent(cause: DropCause) -> None:
    """Every cause has its name in the proto."""
    given = replace(gap(3, 9, cause), until=MOMENT + timedelta(seconds=5))
    assert messages.to_gap(messages.of_gap(given).gap) == given


def test_an_unknown_cause_of_a_newer_gateway_is_a_failure() -> None:
    """What this version has no name for is FAILED."""
    assert messages.to_refusal(pb2.StreamError(reason="X", cause=99)).cause is DropCause.FAILED  # type: ignore[arg-type]  # a later version's
