"""Every architecture of the five papers, answered by the real Triton."""

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from scratch_triton import PYTHON, ScratchTriton
from support.exported import Exported
from support.ports import cluster_ports

from flawgate_contracts.golden import Golden, GoldenFrame
from flawgate_contracts.kinds import EXPLANATION
from flawgate_contracts.recipe import ModelReference, Provenance, Recipe
from flawgate_contracts.repository.digests import sha256
from flawgate_contracts.steps import Colour, Grey, Resize
from flawgate_training.export import triton
from flawgate_training.export.backends import cpu_backend

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(not PYTHON.exists(), reason="services/triton is not installed: run `make setup`"),
]

TOLERANCE = 1e-3

GOLDEN = Golden(tolerance=TOLERANCE, frames=(GoldenFrame(name="a frame", sha256="0" * 64, evaluation="OK", score=0.1),))


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model repository, empty at first."""
    return tmp_path_factory.mktemp("served")


@pytest.fixture(scope="module")
def server(repository: Path) -> Iterator[ScratchTriton]:
    """Triton on it."""
    with ScratchTriton(repository, cluster_ports()) as running:
        yield running


def put(repository: Path, exported: Exported) -> Recipe:
    """Write a use as a recipe, configured as an export would."""
    use = exported.use
    name = f"{use}".replace("-", "_")
    recipe = Recipe(
        name=name,
        version="1",
        title=str(use),
        kind=use.task,
        input=use.shown,
        steps=(Grey() if use.shown.channels == 1 else Colour(), Resize(height=use.shown.height, width=use.shown.width)),
        classes=("defect",),
        explained=EXPLANATION in exported.written[-1].call.outputs,
        models=tuple(
            ModelReference(name=f"{name}_{each.call.part}", version="1", sha256=sha256(each.path))
            for each in exported.written
        ),
        provenance=Provenance(
            architecture=use.architecture, dataset="none", licence="Apache-2.0", created_at=datetime.now(UTC)
        ),
    )
    for position, each in enumerate(exported.written):
        folder = repository / recipe.models[position].name
        (folder / "1").mkdir(parents=True)
        shutil.copyfile(each.path, folder / "1" / "model.onnx")
        backend = cpu_backend(use.architecture)
        text = triton.cpu_config(recipe, position, each.inputs, each.outputs, [1], backend=backend)
        (folder / "config.pbtxt").write_text(text, encoding="utf-8")
    tensors = {tensor.name: tensor for each in exported.written for tensor in (*each.inputs, *each.outputs)}
    (repository / name / "1").mkdir(parents=True)
    (repository / name / "config.pbtxt").write_text(triton.ensemble_config(recipe, tensors, GOLDEN), encoding="utf-8")
    return recipe


def test_triton_answers_as_torch(repository: Path, server: ScratchTriton, exported: Exported) -> None:
    """Through its ensemble, each network gives torch's answers, for one frame and for three at once."""
    recipe = put(repository, exported)
    frames = exported.use.frames(3, seed=5)
    expected = exported.trained.answers(frames)
    names = recipe.answers
    alone, together = server.serving(
        recipe.name,
        lambda: (server.answers(recipe.name, frames[:1], names), server.answers(recipe.name, frames, names)),
    )
    here = exported.models.answers(frames)
    for name in names:
        # An explanation has the resolution of the graph; test_explanation.py holds ONNX Runtime's against torch's.
        wanted = here[name] if name == EXPLANATION else expected[name]
        np.testing.assert_allclose(alone[name], wanted[:1], atol=TOLERANCE)
        np.testing.assert_allclose(together[name], wanted, atol=TOLERANCE)
