from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from support.fakes import spot_answers
from support.pictures import spot_pixels
from support.tiny_repository import HEIGHT, WIDTH, write_spot

from flawgate_contracts.errors import DeadlineExceeded, ModelFailure, RecipeUnavailable
from flawgate_contracts.recipe import RECIPE_PARAMETER, Recipe
from flawgate_contracts.repository import switch
from flawgate_contracts.repository.layout import ModelRepository
from flawgate_inference.onnx_server import OnnxModelServer

OUTPUTS = ("mask", "score")


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[OnnxModelServer]:
    """A server of the tiny repository."""
    write_spot(tmp_path)
    server = OnnxModelServer(tmp_path, threads=1)
    yield server
    await server.close()


async def test_the_ensemble_is_run_step_by_step(server: OnnxModelServer) -> None:
    """Mask and score are what can be worked out by hand, for a batch too."""
    frames = np.stack([spot_pixels(255), spot_pixels(51, row=31, column=23)])[:, np.newaxis]
    answers = await server.infer("spot", "1", {"frame": frames}, OUTPUTS, timeout_s=10)
    expected = spot_answers(frames)
    assert np.allclose(expected["mask"], answers["mask"], atol=1e-6)
    assert np.allclose(expected["score"], answers["score"], atol=1e-6)


async def test_a_recipe_is_read_from_the_ensembles_parameters(server: OnnxModelServer) -> None:
    """The same parameter that Triton tells of is read from the file."""
    models = {model.name: model for model in await server.models()}
    assert sorted(models) == ["spot", "spot_cls", "spot_seg"]
    recipe = Recipe.from_json(models["spot"].parameters[RECIPE_PARAMETER], source="spot")
    assert recipe.models[0].name == "spot_seg"


async def test_a_model_that_cannot_be_opened_is_listed_with_the_reason(tmp_path: Path) -> None:
    """The others are served, and the recipe that needs it says which model is missing."""
    write_spot(tmp_path)
    write_spot(tmp_path, name="other")
    (tmp_path / "other_seg/1/model.onnx").write_bytes(b"not a model")
    (tmp_path / "spare").mkdir()
    (tmp_path / "spare/config.pbtxt").write_text("no config at all {", "utf-8")
    server = OnnxModelServer(tmp_path)
    models = {model.name: model for model in await server.models()}
    assert {"spot", "spot_seg", "spot_cls", "other_cls"} == {name for name, model in models.items() if model.ready}
    assert "other_seg" in models["other"].detail
    assert models["other_seg"].detail
    assert models["spare"].detail
    await server.close()


async def test_a_version_that_is_not_loaded_is_refused(server: OnnxModelServer) -> None:
    """Nobody gets an answer from another version than the one asked for."""
    frames = np.zeros((1, 1, HEIGHT, WIDTH), np.uint8)
    with pytest.raises(RecipeUnavailable, match="Version 2"):
        await server.infer("spot", "2", {"frame": frames}, OUTPUTS, timeout_s=10)


async def test_a_tensor_of_another_shape_is_a_model_failure(server: OnnxModelServer) -> None:
    """ONNX Runtime's own complaint becomes an error of the tree, and the server goes on."""
    with pytest.raises(ModelFailure, match="spot_seg"):
        await server.infer("spot", "1", {"frame": np.zeros((1, 1, 5, 5), np.uint8)}, OUTPUTS, timeout_s=10)
    frames = np.zeros((1, 1, HEIGHT, WIDTH), np.uint8)
    assert (await server.infer("spot", "1", {"frame": frames}, OUTPUTS, timeout_s=10))["score"] == 0


async def test_the_time_given_is_kept(server: OnnxModelServer) -> None:
    """The caller is answered at its time-out, even if the inference runs on."""
    with pytest.raises(DeadlineExceeded):
        await server.infer("spot", "1", {"frame": np.zeros((1, 1, HEIGHT, WIDTH), np.uint8)}, OUTPUTS, timeout_s=0)


async def test_a_promoted_version_is_taken_up_without_a_restart(tmp_path: Path, server: OnnxModelServer) -> None:
    """The next look finds it; until then, and while it is opened, the version before answers."""
    write_spot(tmp_path, version="2", gain=0.5)
    repository = ModelRepository(tmp_path)
    switch.switch(repository, repository.recipe("spot", 2))
    frames = spot_pixels(255)[np.newaxis, np.newaxis]
    assert (await server.infer("spot", "1", {"frame": frames}, ("score",), timeout_s=10))["score"] == 1
    assert {model.version for model in await server.models()} == {"2"}
    assert (await server.infer("spot", "2", {"frame": frames}, ("score",), timeout_s=10))["score"] == 0.5
    with pytest.raises(RecipeUnavailable, match="Version 1"):
        await server.infer("spot", "1", {"frame": frames}, ("score",), timeout_s=10)


async def test_versions_stand_side_by_side(tmp_path: Path, server: OnnxModelServer) -> None:
    """Both of a model answer, each for itself; what was open is not opened again."""
    write_spot(tmp_path, version="2", gain=0.5)
    repository = ModelRepository(tmp_path)
    switch.load_only(repository, repository.recipe("spot", 2), [1, 2])
    await server.load("spot_cls")
    features = np.full((1, 1, 4, 3), 0.5, np.float32)
    answers = [
        (await server.infer("spot_cls", version, {"features": features}, ("score",), timeout_s=10))["score"][0, 0]
        for version in ("1", "2")
    ]
    assert answers == [0.5, 0.25]
    assert (await server.models())[0].version == "1"


async def test_a_version_that_cannot_be_opened_leaves_the_others(tmp_path: Path, server: OnnxModelServer) -> None:
    """The order to load it fails with the reason, and the recipe goes on."""
    write_spot(tmp_path, version="2")
    (tmp_path / "spot_seg/2/model.onnx").write_bytes(b"no model")
    repository = ModelRepository(tmp_path)
    switch.load_only(repository, repository.recipe("spot", 2), [1, 2])
    with pytest.raises(ModelFailure, match=r"ONNX Runtime cannot load model spot_seg: .*2/model"):
        await server.load("spot_seg")
    frames = np.zeros((1, 1, HEIGHT, WIDTH), np.uint8)
    assert (await server.infer("spot", "1", {"frame": frames}, OUTPUTS, timeout_s=10))["score"] == 0


async def test_a_version_whose_folder_is_missing_is_told(tmp_path: Path) -> None:
    """As by Triton, a configuration that names a version which is not there serves nothing."""
    write_spot(tmp_path)
    repository = ModelRepository(tmp_path)
    switch.load_only(repository, repository.recipe("spot", 1), [7])
    server = OnnxModelServer(tmp_path)
    models = {model.name: model for model in await server.models()}
    assert (models["spot_seg"].ready, models["spot_seg"].detail) == (False, "it has no version folder 7")
    assert models["spot"].detail == "it needs spot_seg, spot_cls, which is not loaded"
    await server.close()


async def test_only_the_models_named_are_opened(tmp_path: Path) -> None:
    """What nobody asks for costs no memory, and a change of it opens nothing anew."""
    write_spot(tmp_path)
    write_spot(tmp_path, name="other")
    server = OnnxModelServer(tmp_path, threads=1, names=("other", "other_seg", "other_cls"))
    assert [model.name for model in await server.models()] == ["other", "other_cls", "other_seg"]
    before = server._models
    switch.load_only(ModelRepository(tmp_path), ModelRepository(tmp_path).recipe("spot", 1), [7])
    await server.models()
    assert server._models is before
    await server.close()


async def test_what_only_triton_needs_is_passed_over(tmp_path: Path) -> None:
    """Fields of a config.pbtxt that mean nothing here are no fault, whatever their kind."""
    write_spot(tmp_path)
    config = tmp_path / "spot_seg/config.pbtxt"
    more = """
        instance_group [ { kind: KIND_GPU count: 2 gpus: [ 0, 1 ] } ]
        dynamic_batching { preferred_batch_size: [ 2, 4 ] max_queue_delay_microseconds: 100 }
        optimization < cuda { graphs: true } >  # a comment
        cc_model_filenames { key: "7.5" value: "model_sm75.plan" }
    """
    config.write_text(config.read_text("utf-8") + more, "utf-8")
    server = OnnxModelServer(tmp_path, threads=1)
    assert [model.name for model in await server.models() if model.ready] == ["spot", "spot_cls", "spot_seg"]
    await server.close()
