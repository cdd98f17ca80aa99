import pytest

from flawgate_contracts.errors import InvalidParameter, InvalidRequest
from flawgate_gateway.stream.numbering import Numbering


def test_frames_and_gaps_take_turns_without_a_hole() -> None:
    """A gap takes all of its numbers, and needs no credit."""
    numbering = Numbering(first=7, credit=2)
    numbering.frame(7)
    numbering.gap(8, 11)
    numbering.gap(12, 12)
    numbering.frame(13)


@pytest.mark.parametrize("wrong", [0, 1, 6, 8, 100])
def test_another_number_than_the_next_is_refused(wrong: int) -> None:
    """Of a frame and of a gap, the sentence names the one that must come."""
    with pytest.raises(InvalidParameter, match=f"Number 7 comes next, not {wrong}"):
        Numbering(first=7, credit=2).frame(wrong)
    with pytest.raises(InvalidParameter, match=f"Number 7 comes next, not {wrong}"):
        Numbering(first=7, credit=2).gap(wrong, wrong + 1)


def test_a_frame_without_a_credit_is_refused() -> None:
    """So whoever sends faster than the gateway takes is told, and does not fill its memory."""
    numbering = Numbering(first=1, credit=2)
    numbering.frame(1)
    numbering.frame(2)
    with pytest.raises(InvalidRequest, match="without a credit"):
        numbering.frame(3)


@pytest.mark.parametrize(("credit", "granted"), [(1, [1, 1, 1, 1]), (2, [1, 1, 1, 1]), (4, [0, 2, 0, 2])])
def test_credits_come_back_several_at_once(credit: int, granted: list[int]) -> None:
    """As many as frames were answered, in half as many messages where there are four."""
    numbering = Numbering(first=1, credit=credit)
    said = []
    for sequence in range(1, 5):
        numbering.frame(sequence)
        said.append(numbering.answered())
    assert said == granted
