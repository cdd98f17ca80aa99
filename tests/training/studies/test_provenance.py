import shutil
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest

from flawgate_training.studies.provenance import is_clean, made_now

GIT = shutil.which("git")


@pytest.mark.skipif(GIT is None, reason="git is not installed")
def test_figures_and_pages_do_not_make_the_code_another(tmp_path: Path) -> None:
    """A checkout is clean until something outside docs/ changes; outside of any checkout nobody can tell."""
    assert is_clean(tmp_path) is None
    subprocess.run([str(GIT), "init", "--quiet", str(tmp_path)], check=True)
    assert is_clean(tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "results.md").write_text("new", encoding="utf-8")
    assert is_clean(tmp_path)
    (tmp_path / "code.py").write_text("new", encoding="utf-8")
    assert not is_clean(tmp_path)


def test_the_machine_is_told() -> None:
    """Processor, cores that may be used, memory and the version of torch."""
    machine = made_now().machine
    assert machine.cpu
    assert machine.cores >= 1
    assert machine.memory_mb is None or machine.memory_mb > 0
    assert version("torch") == machine.torch
