"""Which GPU is in the machine, as nvidia-smi says."""

import re
import subprocess
from dataclasses import dataclass

from flawgate_contracts.errors import InvalidParameter

_ASK_TIMEOUT_S = 60
_ANSWER = re.compile(r"(?P<name>[^,\n]+), *(?P<capability>\d+\.\d+), *(?P<driver>\d+(\.\d+)*)")


@dataclass(frozen=True)
class Gpu:
    """One GPU.

    Attributes:
        index: as nvidia-smi counts, in the order of the PCI bus.
        name: e.g. `NVIDIA GeForce RTX 2080 Ti`.
        capability: CUDA compute capability, e.g. `7.5`.
        driver: e.g. `580.82.07`.
    """

    index: int
    name: str
    capability: str
    driver: str


def look(index: int = 0, nvidia_smi: str = "nvidia-smi") -> Gpu:
    """Ask for a GPU.

    Args:
        index: which.
        nvidia_smi: the program.

    Raises:
        InvalidParameter: there is no such GPU, or no driver.
    """
    asked = [nvidia_smi, f"--id={index}", "--query-gpu=name,compute_cap,driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(asked, capture_output=True, text=True, timeout=_ASK_TIMEOUT_S, check=True)  # noqa: S603  # no shell
    except FileNotFoundError as err:
        raise _missing(index, f"there is no {nvidia_smi}") from err
    except subprocess.SubprocessError as err:
        raise _missing(index, f"{nvidia_smi} does not know it") from err
    said = _ANSWER.fullmatch(done.stdout.strip())
    if said is None:
        raise _missing(index, f"{nvidia_smi} answered {done.stdout.strip()[:200]!r}")
    return Gpu(index, said["name"], said["capability"], said["driver"])


def _missing(index: int, why: str) -> InvalidParameter:
    return InvalidParameter(
        f"GPU {index} is not to be found: {why}. Run this on the machine with the GPU; a container needs `--gpus`.",
        {"field": "device"},
    )
