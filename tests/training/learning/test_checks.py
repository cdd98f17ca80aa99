import re
from typing import Any

import pytest
import torch
from support.tiny_training import TILING, experiment

from flawgate_contracts.errors import InvalidExperiment
from flawgate_training.experiment.schema import Task
from flawgate_training.experiment.training import Machine
from flawgate_training.learning.checks import check
from flawgate_training.learning.machine import settle


@pytest.mark.parametrize("task", ["cascade", "segmentation", "classification", "anomaly"])
def test_what_fits_passes(task: Task) -> None:
    """Experiments whose parts fit together are not refused."""
    check(experiment(task), validated=False)


@pytest.mark.parametrize(
    ("task", "changes", "field", "sentence"),
    [
        ("classification", {"loss": {"name": "dice"}}, "loss.name", "choose bce, cross_entropy or focal"),
        ("segmentation", {"loss": {"name": "mse"}}, "loss.name", "mse is no loss of a segmentation"),
        ("anomaly", {"loss": {"name": "bce"}}, "loss.name", "choose mse or mse_ssim"),
        ("segmentation", {"loss": {"name": "cross_entropy", "balanced": True}}, "loss.balanced", "leave it out"),
        ("classification", {"bank": {}}, "bank", "only the classification of a cascade"),
        ("segmentation", {"corruption": {}}, "corruption", "only a reconstruction"),
        ("segmentation", {"patience": 3}, "patience", "set data.split.validation above 0"),
        ("cascade", {"patience": 3}, "patience", "only the last stage"),
        ("segmentation", {"augmentation": {"crop": 48}}, "augmentation.crop", "the input has only 32×32"),
        (
            "segmentation",
            {"augmentation": {"crop": 32}, "tiling": TILING.model_dump()},
            "augmentation.crop",
            "the input has only 32×16",
        ),
        ("segmentation", {"batch_size": 3, "machine": {"devices": 2}}, "batch_size", "take a multiple"),
    ],
)
def test_what_does_not_fit_is_named(task: Task, changes: dict[str, Any], field: str, sentence: str) -> None:
    """A setting that cannot be carried out, or would have no effect, is named by its place and with what to do."""
    with pytest.raises(InvalidExperiment, match=re.escape(sentence)) as caught:
        check(experiment(task, **changes), validated=False)
    assert caught.value.metadata["field"] == f"stages.{next(iter(experiment(task).stages))}.{field}"


def test_patience_with_validation_frames() -> None:
    """Early stopping is for experiments with validation frames."""
    check(experiment(patience=3), validated=True)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
class TestWithoutGpu:
    """What is refused where there is no GPU."""

    def test_the_cpu_is_found(self) -> None:
        """`auto` is the CPU, and runs repeat there."""
        settled = settle(Machine())
        assert settled.device.type == "cpu"
        assert settled.trainer_arguments()["deterministic"] is True

    def test_no_gpu(self) -> None:
        """To ask for a GPU is refused before anything is computed."""
        with pytest.raises(InvalidExperiment, match=r"torch finds 0; set machine\.devices"):
            settle(Machine(accelerator="gpu"))

    def test_no_half_precision(self) -> None:
        """Mixed precision on a CPU is refused."""
        with pytest.raises(InvalidExperiment, match=r"set machine\.precision to 32"):
            settle(Machine(precision="16-mixed"))

    def test_bfloat16(self) -> None:
        """A CPU may learn in bfloat16: some multiply matrices in it five times as fast."""
        settled = settle(Machine(precision="bf16-mixed"))
        assert settled.trainer_arguments()["precision"] == "bf16-mixed"

    def test_no_bfloat16_on_turing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where the GPU has none, the other half precision is named."""
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda *, including_emulation: including_emulation)
        with pytest.raises(InvalidExperiment, match=r"set machine\.precision to 16-mixed"):
            settle(Machine(precision="bf16-mixed"))

    @pytest.mark.parametrize(("units", "precision"), [({"amx_bf16": True}, "bf16-mixed"), ({}, "32")])
    def test_the_quick_precision(self, monkeypatch: pytest.MonkeyPatch, units: dict[str, bool], precision: str) -> None:
        """`auto` is bfloat16 on a CPU that has units for it, and float32 on another."""
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: units)
        assert settle(Machine(precision="auto")).precision == precision
