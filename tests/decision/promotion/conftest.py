import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.tiny_repository import write_spot

HOLD = """
import sys, pathlib
from flawgate_contracts.repository.lock import changing
with changing(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holding(tmp_path: Path) -> Iterator[Path]:
    """A repository with two versions of `spot` that another process is changing just now."""
    root = tmp_path / "held"
    write_spot(root)
    write_spot(root, version="2", gain=0.5)
    command = [sys.executable, "-c", HOLD, str(root)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield root
        process.kill()
