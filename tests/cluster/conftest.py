"""Clusters that the tests of this folder share."""

from collections.abc import Iterator

import pytest
from support.cluster import ROOT, ClusterUnderTest, run_cluster
from support.tiny_repository import spot_recipe, write_ensemble, write_spot


@pytest.fixture(scope="session")
def shipped_cluster() -> Iterator[ClusterUnderTest]:
    """A cluster over the recipes in git."""
    yield from run_cluster(ROOT / "model_repository")


@pytest.fixture(scope="module")
def spot_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterUnderTest]:
    """A cluster over the tiny recipe."""
    repository = tmp_path_factory.mktemp("repository")
    write_spot(repository)
    yield from run_cluster(repository)


@pytest.fixture(scope="module")
def damaged_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterUnderTest]:
    """A cluster over one good recipe and three that are damaged, each in its own way."""
    repository = tmp_path_factory.mktemp("damaged")
    for name in ("spot", "broken_file", "missing_model", "broken_recipe"):
        write_spot(repository, name=name)
    (repository / "broken_file_seg/1/model.onnx").write_bytes(b"not a model")
    (repository / "missing_model_cls/1/model.onnx").unlink()
    (repository / "missing_model_cls/config.pbtxt").unlink()
    (repository / "missing_model_cls/1").rmdir()
    (repository / "missing_model_cls").rmdir()
    write_ensemble(repository, "broken_recipe", spot_recipe(name="broken_recipe").model_dump_json()[:-40])
    yield from run_cluster(repository)
