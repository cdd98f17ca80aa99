import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.gpu_machine import Machine

from flawgate_contracts.errors import RepositoryBusy
from flawgate_plans import tasks

BUILD = """
import sys
from pathlib import Path
from flawgate_plans import tasks
root, trtexec, nvidia_smi = sys.argv[1:]
tools = tasks.Tools(trtexec=Path(trtexec), nvidia_smi=nvidia_smi)
tasks.build_all(Path(root), [], None, tools, again=False)
"""

PATIENCE_S = 60


@pytest.fixture
def builder(machine: Machine) -> Iterator["subprocess.Popen[bytes]"]:
    """A process in the middle of building a plan: half of it is written."""
    machine.trtexec_is("stuck")
    programs = [str(machine.folder / name) for name in ("trtexec", "nvidia-smi")]
    process = subprocess.Popen([sys.executable, "-c", BUILD, str(machine.root), *programs])
    half = machine.root / "spot_seg" / "1" / ".sm75.plan.building"
    _wait_for(half)
    yield process
    process.kill()
    process.wait()


def _wait_for(path: Path) -> None:
    end = time.monotonic() + PATIENCE_S
    while not path.is_file():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_kill_9_leaves_nothing_that_is_served(machine: Machine, builder: "subprocess.Popen[bytes]") -> None:
    """The half-built plan has no name that Triton takes; it is found by --check and gone with the next build."""
    builder.kill()
    builder.wait()
    assert not list(machine.root.rglob("*.plan"))
    assert not list(machine.root.rglob("plans.json"))
    half = machine.root / "spot_seg" / "1" / ".sm75.plan.building"
    assert any(f"{half} is half built" in finding for finding in tasks.check_all(machine.root, machine.tools()))
    machine.trtexec_is()
    (outcome,) = tasks.build_all(machine.root, [], None, machine.tools(), again=False)
    assert (outcome.state, half.exists()) == ("built", False)
    assert tasks.check_all(machine.root, machine.tools()) == ()


def test_one_process_at_a_time(machine: Machine, builder: "subprocess.Popen[bytes]") -> None:
    """Export, promotion and plans never change a repository at once."""
    with pytest.raises(RepositoryBusy):
        tasks.build_all(machine.root, [], None, machine.tools(), again=False)
    assert builder.poll() is None
