"""A GPU's machine with fakes of NVIDIA's programs, and a repository as `flawgate export` writes it."""

import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
from numpy.typing import NDArray

from flawgate_contracts.golden import Golden, GoldenFrame
from flawgate_contracts.recipe import Recipe
from flawgate_imaging import tiles
from flawgate_imaging.findings import findings
from flawgate_imaging.geometry import Geometry
from flawgate_imaging.judgement import Manner, judge
from flawgate_imaging.policy import evaluate
from flawgate_plans import tasks
from flawgate_training.export import triton
from flawgate_training.export.tensors import TensorSpec
from support.tiny_kinds import SPOT, Tiny

TOLERANCE = 0.02

FAKES = Path(__file__).parent


@dataclass
class Machine:
    """A machine with a GPU.

    Attributes:
        folder: of its programs.
        root: of its model repository.
    """

    folder: Path
    root: Path

    def is_a(self, name: str, capability: str, driver: str = "580.82.07") -> None:
        """Put in another GPU."""
        (self.folder / "gpu.txt").write_text(f"{name}, {capability}, {driver}\n", "utf-8")

    def trtexec_is(self, mode: str = "right", version: Sequence[int] = (11, 1, 0, 106)) -> None:
        """Make trtexec fail in a way, or be of another TensorRT."""
        (self.folder / "behaviour.json").write_text(json.dumps({"mode": mode, "version": version}), "utf-8")

    def calls(self) -> list[list[str]]:
        """The arguments of each call of trtexec but those for help."""
        lines = (self.folder / "calls.jsonl").read_text("utf-8").splitlines()
        return [call for call in map(json.loads, lines) if call != ["--help"]]

    def tools(self, **changes: Any) -> tasks.Tools:
        """What it builds with."""
        found = {"trtexec": self.folder / "trtexec", "nvidia_smi": str(self.folder / "nvidia-smi")}
        return tasks.Tools(**{"timeout_s": 60.0, **found, **changes})

    def add(self, tiny: Tiny) -> Recipe:
        """Write version 1 of a recipe as export does, with golden frames."""
        recipe = tiny.write(self.root)
        write_tensorrt_configs(self.root, recipe)
        write_golden(self.root, tiny, recipe)
        return recipe

    def files(self) -> dict[str, bytes]:
        """Everything in the repository but locks and timings, by path."""
        paths = [path for path in self.root.rglob("*") if path.is_file() and not path.name.startswith(".flawgate")]
        return {str(path.relative_to(self.root)): path.read_bytes() for path in paths}


def new_machine(folder: Path) -> Machine:
    """With an RTX 2080 Ti, TensorRT 11.1.0.106, and the recipe `spot`."""
    found = Machine(folder / "programs", folder / "models")
    found.folder.mkdir()
    for program, fake in (("trtexec", "fake_trtexec.py"), ("nvidia-smi", "fake_nvidia_smi.py")):
        path = found.folder / program
        path.write_text(f"#!{sys.executable}\n{(FAKES / fake).read_text('utf-8')}", "utf-8")
        path.chmod(0o755)
    found.is_a("NVIDIA GeForce RTX 2080 Ti", "7.5")
    found.trtexec_is()
    found.add(SPOT)
    return found


def write_tensorrt_configs(root: Path, recipe: Recipe) -> None:
    """`configs/tensorrt.pbtxt` of its models."""
    for position, model in enumerate(recipe.models):
        graph = onnx.load(root / model.name / model.version / "model.onnx").graph
        text = triton.tensorrt_config(recipe, position, _specs(graph.input), _specs(graph.output), [1])
        (root / model.name / "configs" / "tensorrt.pbtxt").write_text(text, "utf-8")


def _specs(values: Any) -> list[TensorSpec]:
    return [
        TensorSpec(value.name, "UINT8" if value.name == "frame" else "FP32", dims)
        for value in values
        for dims in [tuple(axis.dim_value for axis in value.type.tensor_type.shape.dim[1:])]
    ]


def write_golden(root: Path, tiny: Tiny, recipe: Recipe, *, pictures: bool = True) -> None:
    """A dark frame, a bright one and noise, judged as the recipe must; a fourth has no picture here."""
    folder = root / recipe.name / recipe.version
    (folder / "golden").mkdir(exist_ok=True)
    generator = np.random.default_rng(5)
    shape = (recipe.input.channels, recipe.input.height, recipe.input.width)
    tensors = [np.full(shape, 8, np.uint8), np.full(shape, 8, np.uint8), generator.integers(0, 90, shape, np.uint8)]
    tensors[1][0, 17:27, 10:20] = 250
    frames = [_golden_frame(tiny, recipe, str(number), tensor) for number, tensor in enumerate(tensors)]
    for number, tensor in enumerate(tensors):
        picture = tensor[0] if len(tensor) == 1 else cv2.cvtColor(tensor.transpose(1, 2, 0), cv2.COLOR_RGB2BGR)
        cv2.imwrite(str(folder / "golden" / f"{number}.png"), picture)
    frames.append(frames[0].model_copy(update={"picture": None, "name": "private"}))
    if not pictures:
        frames = [frame.model_copy(update={"picture": None}) for frame in frames]
    golden = Golden(tolerance=TOLERANCE, frames=tuple(frames))
    (folder / "golden.json").write_text(golden.model_dump_json(), "utf-8")


def _golden_frame(tiny: Tiny, recipe: Recipe, name: str, tensor: NDArray[np.uint8]) -> GoldenFrame:
    shown = tensor[np.newaxis]
    if recipe.tiling is not None:
        shown = tiles.cut(tensor[0], recipe.tiling)[:, np.newaxis]
    manner = Manner(recipe.kind, len(recipe.classes), recipe.tiling, recipe.top_share, recipe.good_class)
    height, width = recipe.input.height, recipe.input.width
    judgement = judge(manner, shown, tiny.answers(shown), height=height, width=width)
    areas = findings(recipe, judgement, Geometry.identity(width, height)).areas
    return GoldenFrame(
        name=name,
        sha256=hashlib.sha256(tensor.tobytes()).hexdigest(),
        picture=f"golden/{name}.png",
        evaluation=str(evaluate(judgement.score, areas, recipe.policy).evaluation),
        score=judgement.score,
    )
