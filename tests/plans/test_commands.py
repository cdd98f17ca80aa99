import json
import subprocess
import sys

import pytest
from support.gpu_machine import Machine

from flawgate_contracts.errors import InvalidParameter
from flawgate_plans import pins
from flawgate_plans.pins import Version


def flawgate(machine: Machine, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run `flawgate build-plans` on that machine, where both programs are on the PATH."""
    command = [sys.executable, "-m", "flawgate_cli", "build-plans", "--model-repository", str(machine.root), *arguments]
    environment = {"PATH": str(machine.folder), "PYTHONPATH": ":".join(sys.path), "COLUMNS": "120"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_builds_and_shows(machine: Machine) -> None:
    """The programs are found on the PATH; a table says what was built and what Triton takes."""
    ran = flawgate(machine, "spot")
    assert (ran.stderr, ran.returncode) == ("", 0)
    assert [ran.stdout.splitlines()[3].split()[i] for i in (0, 1, 2, 3, 4, -1)] == [
        "spot",
        "1",
        "built",
        "3",
        "1",
        "plans",
    ]
    assert (machine.root / "spot_cls" / "1" / "sm75.plan").is_file()


def test_a_refusal_shows_the_frames(machine: Machine) -> None:
    """Exit status 1, what must be done, and a table of the frames, the worst first."""
    machine.trtexec_is("wrong")
    ran = flawgate(machine, "--json")
    assert ran.returncode == 1
    assert [outcome["state"] for outcome in json.loads(ran.stdout)] == ["refused"]
    assert "do not judge the golden frames as they must, and were deleted" in ran.stderr
    assert [line.split()[-1] for line in ran.stderr.splitlines()[-3:-2]] == ["refused"]


def test_check_says_and_exits_with_1(built: Machine) -> None:
    """Also as JSON; silence and 0 where all is well."""
    assert (flawgate(built, "--check").stdout, flawgate(built, "--check").returncode) == ("", 0)
    (built.root / "spot_seg" / "1" / "sm75.plan").write_bytes(b"cut")
    ran = flawgate(built, "--check")
    assert ran.returncode == 1
    assert "sm75.plan is damaged" in ran.stdout
    ran = flawgate(built, "--check", "--json")
    assert (ran.returncode, len(json.loads(ran.stdout))) == (1, 1)


def test_pins_are_shown(machine: Machine) -> None:
    """The pin and the fallback, for people and for programs."""
    shown = json.loads(flawgate(machine, "--pins", "--json").stdout)
    image = "nvcr.io/nvidia/tritonserver:26.07-py3"
    assert [
        {"tensorrt": "11.1.0.106", "image": image, "least_driver": 580},
        {"tensorrt": "10.16.1.11", "image": None, "least_driver": None},
    ] == shown
    table = flawgate(machine, "--pins").stdout
    assert all(word in table for word in ("11.1.0.106", image, "580 or newer", "10.16.1.11"))


def test_every_pin_is_known_and_nothing_else() -> None:
    """A version next to a pin is no pin."""
    assert [pins.pin_of(pin.tensorrt) for pin in pins.PINS] == [pins.PINNED, pins.FALLBACK]
    with pytest.raises(InvalidParameter, match=r"This is TensorRT 11\.1\.0\.107"):
        pins.pin_of(Version(11, 1, 0, 107))
