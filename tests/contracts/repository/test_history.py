from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import pytest
from support.tiny_repository import write_spot

from flawgate_contracts.errors import InvalidParameter
from flawgate_contracts.repository import history
from flawgate_contracts.repository.history import History, Promotion
from flawgate_contracts.repository.layout import ModelRepository


@pytest.mark.parametrize(
    ("changes", "before"),
    [
        ([], None),
        ([("promote", 2, 1)], 1),
        ([("promote", 2, 1), ("promote", 3, 2)], 2),
        ([("promote", 2, 1), ("promote", 3, 2), ("rollback", 2, 3)], 1),
        ([("promote", 2, 1), ("promote", 3, 2), ("rollback", 2, 3), ("rollback", 1, 2)], None),
        ([("promote", 2, 1), ("rollback", 1, 2), ("promote", 3, 1)], 1),
        ([("promote", 2, 1), ("promote", 3, 2), ("promote", 9, 3)], 2),
        ([("promote", 2, 1), ("rollback", 1, 2), ("promote", 2, 1), ("rollback", 9, 2)], 1),
    ],
)
def test_a_rollback_goes_back_step_by_step(
    changes: list[tuple[Literal["promote", "rollback"], int, int]], before: int | None
) -> None:
    """Each goes to the version before, never forth again. Version 9 was noted, but never came to be."""
    promotions = tuple(_promotion(what, version, former) for what, version, former in changes)
    active = next((version for _, version, _ in reversed(changes) if version != 9), 1)
    assert before == History(promotions=promotions).version_before(active)


def test_changes_are_kept_beside_the_recipe(tmp_path: Path) -> None:
    """They are read again in their order; without any there is an empty history."""
    write_spot(tmp_path)
    repository = ModelRepository(tmp_path)
    changes = (_promotion("promote", 2, 1), _promotion("rollback", 1, 2))
    assert history.read(repository, "spot") == History()
    history.write(repository, "spot", History(promotions=changes))
    assert changes == history.read(repository, "spot").promotions


def test_the_oldest_changes_are_forgotten(tmp_path: Path) -> None:
    """A file beside the recipe never grows without bound."""
    write_spot(tmp_path)
    changes = tuple(_promotion("promote", number + 1, number) for number in range(1, history.MAX_ENTRIES + 5))
    history.write(ModelRepository(tmp_path), "spot", History(promotions=changes))
    assert changes[4:] == history.read(ModelRepository(tmp_path), "spot").promotions


def test_a_broken_history_is_told(tmp_path: Path) -> None:
    """The sentence says what to do without it."""
    write_spot(tmp_path)
    (tmp_path / "spot" / history.FILE).write_text("[]")
    with pytest.raises(InvalidParameter, match=r"history\.json cannot be read; remove it, and promote"):
        history.read(ModelRepository(tmp_path), "spot")


def _promotion(what: Literal["promote", "rollback"], version: int, before: int) -> Promotion:
    return Promotion(version=version, before=before, what=what, at=datetime(2026, 1, 1, tzinfo=UTC), user="tester")
