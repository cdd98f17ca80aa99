import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest

from flawgate_cli import app

WITHOUT_TORCH = """
import sys
for name in ("torch", "torchvision", "lightning", "onnx", "onnxruntime", "tritonclient"):
    sys.modules[name] = None
from flawgate_cli.app import main
main()
"""


@pytest.mark.parametrize("arguments", [("--help",), ("demo", "--help")])
def test_help_needs_neither_torch_nor_triton(arguments: tuple[str, ...]) -> None:
    """A machine on the line has the command and nothing of training."""
    ran = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={"COLUMNS": "100", "PATH": ""},
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "Usage:" in ran.stdout


def test_the_commands_are_there() -> None:
    """Those of the architecture, each with a line of help."""
    commands = {str(info.callback.__name__): info.callback for info in app.create_app().registered_commands}  # type: ignore[union-attr]  # always set
    assert set(commands) >= {"up", "down", "inspect", "demo"}
    assert all(command.__doc__ for command in commands.values())


def test_a_package_that_is_half_installed_does_not_take_the_command_away(capsys: pytest.CaptureFixture[str]) -> None:
    """Its subcommands are missing, which is said; inspecting goes on."""
    broken = EntryPoint("broken", "no_such_package.commands:register", app.COMMANDS_GROUP)
    assert len(app.create_app([broken]).registered_commands) == len(app.create_app([]).registered_commands)
    assert "subcommands of no_such_package.commands:register are missing" in capsys.readouterr().err
