"""From an experiment's `Machine` to what this machine has."""

from dataclasses import dataclass
from typing import Any

import torch
from lightning.pytorch.strategies import DDPStrategy

from flawgate_contracts.errors import InvalidExperiment
from flawgate_training.experiment.training import Machine, Precision


@dataclass(frozen=True)
class Settled:
    """Where training runs.

    Attributes:
        gpu: on CUDA devices; else on the CPU.
        devices: how many, or how many processes.
        precision: what the network computes with.
    """

    gpu: bool
    devices: int
    precision: Precision = "32"

    @property
    def device(self) -> torch.device:
        """The first of them."""
        return torch.device("cuda" if self.gpu else "cpu")

    def trainer_arguments(self) -> dict[str, Any]:
        """Those of `lightning.Trainer`.

        On the CPU, a run repeats to the last bit. On a GPU some operations have no deterministic form, so none is
        asked for. With several devices, processes are spawned: what stands around the training happens once.
        """
        several = DDPStrategy(start_method="spawn", find_unused_parameters=True) if self.devices > 1 else "auto"
        return {
            "accelerator": "gpu" if self.gpu else "cpu",
            "devices": self.devices,
            "precision": "32-true" if self.precision == "32" else self.precision,
            "strategy": several,
            "deterministic": not self.gpu,
        }


def settle(machine: Machine) -> Settled:
    """See what an experiment asks for, and whether it is here.

    Raises:
        InvalidExperiment: it asks for GPUs that are not here, for float16 on a CPU, or for bfloat16 on a GPU without.
    """
    found = torch.cuda.device_count() if torch.cuda.is_available() else 0
    gpu = machine.accelerator == "gpu" or (machine.accelerator == "auto" and found > 0)
    if gpu and machine.devices > found:
        raise InvalidExperiment(
            f"The experiment asks for {machine.devices} GPU(s), and torch finds {found}; set machine.devices to "
            "as many as there are, or machine.accelerator to cpu.",
            {"field": "machine.devices"},
        )
    if machine.precision == "16-mixed" and not gpu:
        raise InvalidExperiment(
            "16-mixed is for GPUs, and training would run on the CPU; set machine.precision to 32.",
            {"field": "machine.precision"},
        )
    if machine.precision == "bf16-mixed" and gpu and not torch.cuda.is_bf16_supported(including_emulation=False):
        raise InvalidExperiment(
            "This GPU has no bfloat16, which came with Ampere; set machine.precision to 16-mixed.",
            {"field": "machine.precision"},
        )
    precision = _quick(gpu=gpu) if machine.precision == "auto" else machine.precision
    return Settled(gpu, machine.devices, precision)


def _quick(*, gpu: bool) -> Precision:
    if gpu:
        return "bf16-mixed" if torch.cuda.is_bf16_supported(including_emulation=False) else "32"
    return "bf16-mixed" if torch.cpu.get_capabilities().get("amx_bf16") else "32"
