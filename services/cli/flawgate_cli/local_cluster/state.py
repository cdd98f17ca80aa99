"""Where a detached cluster is remembered: one small file with its process number."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import psutil

FILE_NAME = "cluster.json"


@dataclass(frozen=True, slots=True)
class Running:
    """A detached cluster."""

    pid: int
    started: float
    """When the process was started, in seconds since 1970: the same number again may be another process."""
    url: str

    @classmethod
    def of(cls, pid: int, url: str) -> Self:
        """A cluster whose process runs now."""
        return cls(pid, psutil.Process(pid).create_time(), url)

    def process(self) -> psutil.Process:
        """The process.

        Raises:
            psutil.NoSuchProcess: it has ended.
        """
        process = psutil.Process(self.pid)
        if process.create_time() != self.started:
            raise psutil.NoSuchProcess(self.pid)
        return process


def write_running(state_dir: Path, running: Running) -> None:
    """Remember a cluster."""
    (state_dir / FILE_NAME).write_text(json.dumps(asdict(running)), "utf-8")


def read_running(state_dir: Path) -> Running | None:
    """The cluster that is remembered, if it still runs; None too where the file is none of ours."""
    try:
        running = Running(**json.loads((state_dir / FILE_NAME).read_text("utf-8")))
        running.process()
    except (FileNotFoundError, ValueError, TypeError, psutil.NoSuchProcess):
        return None
    return running


def remove_running(state_dir: Path) -> None:
    """Forget the cluster."""
    (state_dir / FILE_NAME).unlink(missing_ok=True)
