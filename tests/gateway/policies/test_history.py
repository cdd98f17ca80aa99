import pytest

from flawgate_gateway.policies.history import Done, in_force


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([], [None]),
        ([("drafted", 1), ("drafted", 2)], [None]),
        ([("activated", 1)], [None, 1]),
        ([("activated", 1), ("replaced", 1), ("activated", 2)], [None, 1, 2]),
        ([("activated", 1), ("replaced", 1), ("activated", 2), ("withdrawn", 2), ("restored", 1)], [None, 1]),
        ([("activated", 1), ("withdrawn", 1), ("restored", None)], [None]),
        ([("activated", 1), ("retired", 1)], [None, 1, None]),
        ([("activated", 1), ("retired", 1), ("restored", 1)], [None, 1]),
        ([("activated", 1), ("retired", 2)], [None, 1]),
        ([("activated", 1), ("withdrawn", 1), ("restored", None), ("activated", 2)], [None, 2]),
    ],
)
def test_what_was_in_force_is_read_from_the_changes(changes: list[Done], expected: list[int | None]) -> None:
    """A rollback takes the last change back; retiring a draft changes nothing; every recipe begins with its own."""
    assert expected == in_force(Done(*change) for change in changes)
