from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.tiny_repository import write_spot

from flawgate_contracts.errors import InvalidParameter, RepositoryBusy, UnknownRecipe
from flawgate_contracts.repository import history, switch
from flawgate_contracts.repository.history import History, Promotion
from flawgate_contracts.repository.layout import ModelRepository
from flawgate_contracts.repository.staging import STAGING
from flawgate_decision.promotion.pruning import clear, prune


@pytest.fixture
def repository(tmp_path: Path) -> ModelRepository:
    """Versions 1 to 6 of `spot`; 4 is in force, before it was 1."""
    for version in range(1, 7):
        write_spot(tmp_path, version=str(version), gain=1 / version)
    repository = ModelRepository(tmp_path)
    switch.switch(repository, repository.recipe("spot", 4))
    noted = Promotion(version=4, before=1, what="promote", at=datetime(2026, 1, 1, tzinfo=UTC), user="tester")
    history.write(repository, "spot", History(promotions=(noted,)))
    return repository


@pytest.mark.parametrize(
    ("keep", "even_rollback", "left"),
    [
        (2, False, (1, 4, 5, 6)),
        (3, False, (1, 3, 4, 5, 6)),
        (0, False, (1, 4)),
        (9, False, (1, 2, 3, 4, 5, 6)),
        (0, True, (4,)),
        (1, True, (4, 6)),
    ],
)
def test_old_versions_go_but_never_those_in_need(
    repository: ModelRepository, keep: int, *, even_rollback: bool, left: tuple[int, ...]
) -> None:
    """The active version stays in any case, that of a rollback unless told otherwise; models go with their recipe."""
    removed = prune(repository, "spot", keep=keep, even_rollback=even_rollback)
    assert left == repository.versions("spot")
    assert set(removed) == {1, 2, 3, 4, 5, 6} - set(left)
    for name in ("spot", "spot_seg", "spot_cls"):
        assert {str(version) for version in left} == {path.name for path in repository.root.glob(f"{name}/[0-9]*")}
    assert repository.active("spot") == 4


def test_what_killed_processes_left_goes_even_where_there_is_no_recipe(tmp_path: Path) -> None:
    """A first export that was killed leaves a folder in the root."""
    (tmp_path / STAGING / "tree").mkdir(parents=True)
    clear(ModelRepository(tmp_path))
    assert not (tmp_path / STAGING).exists()


def test_nothing_goes_where_nothing_says_what_is_in_force(repository: ModelRepository) -> None:
    """It might be the one that is served."""
    repository.config("spot").unlink()
    with pytest.raises(InvalidParameter, match="does not say which version is in force; nothing is removed"):
        prune(repository, "spot")
    assert len(repository.versions("spot")) == 6


def test_a_recipe_that_is_not_there_is_told(repository: ModelRepository) -> None:
    """With the names of those that are."""
    with pytest.raises(UnknownRecipe, match="known are: spot"):
        prune(repository, "spit")


def test_nothing_goes_while_another_process_changes_the_repository(holding: Path) -> None:
    """An export might be under way."""
    with pytest.raises(RepositoryBusy):
        prune(ModelRepository(holding), "spot")
