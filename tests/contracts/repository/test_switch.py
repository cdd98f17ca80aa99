import shutil
from pathlib import Path

import pytest
from support.killed import Task, kill_before_each_step
from support.tiny_repository import write_spot

from flawgate_contracts.errors import BrokenRecipe
from flawgate_contracts.repository import switch
from flawgate_contracts.repository.layout import ENSEMBLE, ModelRepository, loaded_versions


@pytest.fixture
def repository(tmp_path: Path) -> ModelRepository:
    """Recipe `spot` in versions 1, which is in force, and 2."""
    write_spot(tmp_path / "repository")
    write_spot(tmp_path / "repository", version="2", gain=0.5)
    return ModelRepository(tmp_path / "repository")


def test_a_switch_puts_a_version_in_force(repository: ModelRepository) -> None:
    """The ensemble is that of the version, and every configuration of its models names it alone."""
    switch.switch(repository, repository.recipe("spot", 2))
    assert repository.active("spot") == 2
    assert repository.config("spot").read_bytes() == (repository.folder("spot", 2) / ENSEMBLE).read_bytes()
    assert _loaded(repository) == {(2,)}


def test_old_and_new_stand_side_by_side_meanwhile(repository: ModelRepository) -> None:
    """At no step is the version that the ensemble names not among those that the models load."""
    seen: list[tuple[int | None, set[tuple[int, ...]]]] = []
    switch.switch(
        repository,
        repository.recipe("spot", 2),
        lambda step: seen.append((repository.active("spot"), _loaded(repository))),
    )
    assert seen[0] == (1, {(1,)})
    assert (1, {(1, 2)}) in seen
    assert all(active in versions for active, loaded in seen for versions in loaded)


def test_killed_before_any_step_a_switch_is_repaired(repository: ModelRepository, tmp_path: Path) -> None:
    """Triton could load what stands there, and the next command finishes or undoes it."""
    roots = [tmp_path / f"killed-{step}" for step in range(12)]
    for root in roots:
        shutil.copytree(repository.root, root)
    killed = kill_before_each_step("switch", [Task(root=root, recipe="spot", version=2) for root in roots])
    assert killed == 9
    assert ModelRepository(roots[killed]).active("spot") == 2
    for there in map(ModelRepository, roots[: killed + 1]):
        active, recipe = there.active("spot"), there.recipe("spot", 1)
        assert all(active in versions for versions in _loaded(there))
        was_half_done = _loaded(there) != {(active,)}
        assert was_half_done == switch.half_done(there, recipe) == switch.repair(there, recipe)
        assert _loaded(there) == {(active,)}
        assert not switch.repair(there, recipe)


def test_a_version_without_an_ensemble_is_refused(repository: ModelRepository) -> None:
    """The sentence names the file; the version in force stays."""
    (repository.folder("spot", 2) / ENSEMBLE).unlink()
    with pytest.raises(BrokenRecipe, match=r"spot/2/ensemble\.pbtxt cannot be read \(No such file or directory\)"):
        switch.put_in_force(repository, "spot", 2)
    assert repository.active("spot") == 1


def _loaded(repository: ModelRepository) -> set[tuple[int, ...]]:
    """What the configurations of the models name."""
    return {loaded_versions(path) for model in ("spot_seg", "spot_cls") for path in repository.configs(model)}
