import json
from collections.abc import Callable
from pathlib import Path

import pytest
from support.gpu_machine import Machine

from flawgate_plans import tasks


def change_record(folder: Path, field: str, value: object) -> None:
    """Change one field of the record of sm75.plan."""
    path = folder / "plans.json"
    records = json.loads(path.read_text("utf-8"))
    records["plans"]["sm75.plan"][field] = value
    path.write_text(json.dumps(records), "utf-8")


def test_sound_plans_give_no_finding(built: Machine) -> None:
    """Neither on the GPU's machine nor on one without GPU and TensorRT."""
    assert tasks.check_all(built.root, built.tools()) == ()
    assert tasks.check_all(built.root, built.tools(trtexec=Path("nowhere"), nvidia_smi="no-such-program")) == ()


@pytest.mark.parametrize(
    ("spoil", "finding"),
    [
        (
            lambda folder: change_record(folder, "onnx_sha256", "0" * 64),
            "sm75.plan was built from another ONNX file than the recipe names; build the plans of spot version 1",
        ),
        (
            lambda folder: change_record(folder, "compute_capability", "8.6"),
            "sm75.plan was built for compute capability 8.6 (NVIDIA GeForce RTX 2080 Ti), but its name stands for 7.5",
        ),
        (
            lambda folder: change_record(folder, "tensorrt", "10.16.1.11"),
            "sm75.plan was built by TensorRT 10.16.1.11, and this is 11.1.0.106",
        ),
        (lambda folder: (folder / "sm75.plan").write_bytes(b"cut"), "sm75.plan is damaged: its SHA-256"),
        (lambda folder: (folder / "sm75.plan").unlink(), "sm75.plan is recorded but missing"),
        (lambda folder: (folder / "sm75.plan").rename(folder / "sm86.plan"), "sm86.plan is not recorded in plans.json"),
        (lambda folder: (folder / "plans.json").unlink(), "sm75.plan is not recorded in plans.json"),
        (lambda folder: (folder / "model.plan").write_bytes(b"x"), "model.plan is a plan that Triton never takes"),
        (lambda folder: (folder / "plans.json").write_text("{"), "plans.json cannot be read"),
        (lambda folder: (folder / ".sm75.plan.building").write_bytes(b""), ".sm75.plan.building is half built"),
    ],
)
def test_each_fault_is_found(built: Machine, spoil: Callable[[Path], object], finding: str) -> None:
    """A plan for another GPU, of another file, damaged, missing, unrecorded or useless is named."""
    spoil(built.root / "spot_seg" / "1")
    found = tasks.check_all(built.root, built.tools())
    assert any(finding in sentence for sentence in found)
    assert all("spot_cls" not in sentence for sentence in found)


def test_a_gpu_without_plans_is_told(built: Machine) -> None:
    """Triton could not load the models that it is told to take plans for."""
    built.is_a("NVIDIA GeForce RTX 4090", "8.9")
    found = tasks.check_all(built.root, built.tools())
    assert ["has no plan for this NVIDIA GeForce RTX 4090" in sentence for sentence in found] == [True, True]


def test_configurations_that_are_none(built: Machine) -> None:
    """A tensorrt.pbtxt that is damaged or missing is named where plans stand beside it."""
    path = built.root / "spot_seg" / "configs" / "tensorrt.pbtxt"
    path.write_text("max_batch_size: {", "utf-8")
    tools = built.tools(nvidia_smi="no-such-program")
    assert [finding[finding.index("tensorrt.pbtxt") :][:34] for finding in tasks.check_all(built.root, tools)] == [
        "tensorrt.pbtxt is no configuration"
    ]
    path.write_text("max_batch_size: 4", "utf-8")
    assert ["names no inputs" in finding for finding in tasks.check_all(built.root, tools)] == [True]
    path.unlink()
    assert ["is missing; export" in finding for finding in tasks.check_all(built.root, tools)] == [True]
