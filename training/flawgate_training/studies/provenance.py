"""Where figures come from: which code, which machine, when."""

import os
import platform
import shutil
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from flawgate_training.evaluation.figures import Figures
from flawgate_training.export.commit import current_commit

_MEBIBYTE = 1 << 20
_CPUINFO = Path("/proc/cpuinfo")


class Machine(Figures):
    """What it ran on."""

    cpu: str
    cores: int
    memory_mb: int | None
    torch: str


class Made(Figures):
    """When figures were first gathered, by which code and where.

    `reproduce` gathers a run as soon as it is judged, so for what it trains this is the training's own.
    """

    commit: str | None
    clean: bool | None
    """Whether the code was that of the commit; figures and pages under docs/ do not count. None: not known."""
    at: datetime
    machine: Machine


def made_now() -> Made:
    """Of this process."""
    commit = current_commit()
    return Made(
        commit=commit,
        clean=None if commit is None else is_clean(Path(__file__).parent),
        at=datetime.now(UTC).replace(microsecond=0),
        machine=Machine(cpu=_cpu(), cores=_cores(), memory_mb=_memory_mb(), torch=version("torch")),
    )


def is_clean(folder: Path) -> bool | None:
    """Whether the checkout that a folder stands in holds no change outside docs/; None where git cannot tell."""
    git = shutil.which("git")
    if git is None:
        return None
    command = [git, "-C", str(folder), "status", "--porcelain", "--", ":/", ":(top,exclude)docs"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - fixed arguments
    return not done.stdout.strip() if done.returncode == 0 else None


def _cpu() -> str:
    """The processor as Linux names it, else as Python does."""
    lines = _CPUINFO.read_text(encoding="utf-8").splitlines() if _CPUINFO.exists() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def _cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _memory_mb() -> int | None:
    if "SC_PHYS_PAGES" not in os.sysconf_names:
        return None
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // _MEBIBYTE
