"""Clusters that the tests of this folder share."""

import shutil
from collections.abc import Iterator

import pytest
from support.cluster import ROOT, ClusterUnderTest, run_cluster
from support.tiny_kinds import TINIES
from support.tiny_repository import spot_recipe, write_ensemble, write_spot


@pytest.fixture(scope="session")
def shipped_cluster() -> Iterator[ClusterUnderTest]:
    """A cluster over the recipes in git."""
    yield from run_cluster(ROOT / "model_repository")


@pytest.fixture(scope="module")
def spot_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterUnderTest]:
    """A cluster over the tiny recipes, one or more of every kind."""
    repository = tmp_path_factory.mktemp("repository")
    for tiny in TINIES.values():
        tiny.write(repository)
    yield from run_cluster(repository)


@pytest.fixture(scope="module")
def damaged_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterUnderTest]:
    """A cluster over one good recipe and three that are damaged, each in its own way."""
    repository = tmp_path_factory.mktemp("damaged")
    for name in ("spot", "broken_file", "missing_model", "broken_recipe"):
        write_spot(repository, name=name)
    (repository / "broken_file_seg/1/model.onnx").write_bytes(b"not a model")
    shutil.rmtree(repository / "missing_model_cls")
    write_ensemble(repository, "broken_recipe", spot_recipe(name="broken_recipe").model_dump_json()[:-40])
    yield from run_cluster(repository)
