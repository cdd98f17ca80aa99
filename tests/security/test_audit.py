import json
import runpy
import sys
import time
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = runpy.run_path(str(ROOT / "scripts/audit.py"))
FAKE = ROOT / "tests/support/fake_pip_audit.py"

CONTROL = {"idna==3.6": [{"id": "PYSEC-2024-60", "aliases": ["CVE-2024-3651"], "fix_versions": ["3.7"]}]}
HOLE = {"id": "PYSEC-2026-1", "aliases": ["CVE-2026-1"], "fix_versions": ["2.1"]}

LOCK = """
[[package]]
name = "soft"
version = "2.0"
source = { registry = "https://index.example/simple" }

[[package]]
name = "torch"
version = "3.0+cpu"
source = { registry = "https://index.example/cpu" }

[[package]]
name = "ours"
version = "0.1.0"
source = { editable = "." }
"""

TWICE = """
[[package]]
name = "soft"
version = "1.0"
source = { registry = "https://index.example/simple" }
"""


class Repository:
    """A folder with two locks, what was accepted, and advisories."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "services/triton").mkdir(parents=True)
        (folder / "uv.lock").write_text(LOCK, "utf-8")
        (folder / "services/triton/uv.lock").write_text(TWICE, "utf-8")
        self.accept("")

    def accept(self, text: str) -> None:
        """What osv-scanner.toml says."""
        (self.folder / "osv-scanner.toml").write_text(text, "utf-8")

    def audit(self, advisories: dict[str, Any] | None, *arguments: str) -> int:
        """The exit status of an audit; without advisories nobody answers."""
        file = self.folder / "advisories.json"
        if advisories is not None:
            file.write_text(json.dumps(advisories), "utf-8")
        status: int = SCRIPT["main"](arguments, self.folder, (sys.executable, str(FAKE), str(file)))
        return status


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Without anything accepted."""
    return Repository(tmp_path)


def accepted(until: str, name: str = "CVE-2026-1") -> str:
    """An entry of osv-scanner.toml."""
    return f'[[IgnoredVulns]]\nid = "{name}"\nignoreUntil = {until}\nreason = "Never called."\n'


def test_locks_without_holes_pass(repository: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    """All packages of both locks are looked at, in all their versions, but not our own."""
    assert repository.audit(CONTROL) == 0
    assert capsys.readouterr().out == "audit: 3 packages, 0 with known vulnerabilities\n"


@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_a_hole_fails_and_says_what_to_do(
    repository: Repository, version: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A vulnerability in either lock fails, with the command that mends it."""
    assert repository.audit({**CONTROL, f"soft=={version}": [HOLE]}) == 1
    assert capsys.readouterr().err == (
        f"soft {version} has CVE-2026-1, PYSEC-2026-1: run `uv lock --upgrade-package soft` (mended in 2.1).\n"
    )


def test_a_hole_that_nothing_mends_fails(repository: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    """Where no version mends it, somebody has to do without the package or accept it; local versions count, too."""
    assert repository.audit({**CONTROL, "torch==3.0": [{**HOLE, "fix_versions": []}]}) == 1
    assert "do without it, or accept it in osv-scanner.toml" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["CVE-2026-1", "PYSEC-2026-1"])
def test_what_was_accepted_passes(repository: Repository, name: str) -> None:
    """Under each of its names, until its day."""
    repository.accept(accepted("9999-01-01", name))
    assert repository.audit({**CONTROL, "soft==2.0": [HOLE]}) == 0


@pytest.mark.parametrize("advisories", [None, {**CONTROL, "soft==2.0": [HOLE]}])
def test_a_day_that_is_past_fails(
    repository: Repository, advisories: dict[str, Any] | None, capsys: pytest.CaptureFixture[str]
) -> None:
    """With or without a network."""
    repository.accept(accepted("2026-01-01"))
    assert repository.audit(advisories) == 1
    assert "was accepted until 2026-01-01 (Never called.): look at it again" in capsys.readouterr().err


def test_what_is_found_no_more_is_taken_out(repository: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    """An entry outlives its vulnerability by no audit."""
    repository.accept(accepted("9999-01-01"))
    assert repository.audit(CONTROL) == 1
    assert "CVE-2026-1 is accepted in osv-scanner.toml, and found no more" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("advisories", "why"),
    [
        (None, "no advisories can be had (ConnectionError: the name cannot be resolved)"),
        ({}, "the index that is asked keeps no advisories (it does not know CVE-2024-3651 of idna)"),
        ({"idna==3.6": None}, "the index that is asked keeps no advisories (it does not know CVE-2024-3651 of idna)"),
    ],
)
def test_it_is_skipped_where_nobody_knows(
    repository: Repository, advisories: dict[str, Any] | None, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """No network, and a mirror that answers but keeps no advisories, are no clean bill: one line says so."""
    assert repository.audit(advisories) == 0
    assert capsys.readouterr().out == f"audit skipped: {why}\n"
    assert repository.audit(advisories, "--required") == 1


def test_it_does_not_wait_for_long(repository: Repository, capsys: pytest.CaptureFixture[str]) -> None:
    """Who does not answer within the limit is not waited for."""
    began = time.monotonic()
    sleeps = (sys.executable, "-c", "import time; time.sleep(30)")
    assert SCRIPT["main"](["--limit=0.3"], repository.folder, sleeps) == 0
    assert "audit skipped: no answer within" in capsys.readouterr().out
    assert time.monotonic() - began < 10


def test_packages_that_the_advisories_do_not_know_are_named(
    repository: Repository, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody takes them for audited."""
    assert repository.audit({**CONTROL, "torch==3.0": None}) == 0
    assert capsys.readouterr().out == (
        "audit: 2 packages, 0 with known vulnerabilities\naudit: unknown to the advisories: torch\n"
    )


def test_our_own_files_are_read() -> None:
    """The locks of this repository name packages, and what is accepted has a day and a reason."""
    packages = set().union(*(SCRIPT["locked"]((ROOT / lock).read_text("utf-8")) for lock in SCRIPT["LOCKS"]))
    assert {"grpcio", "nvidia-pytriton", "torch"} <= {name for name, _ in packages}
    assert len(packages) > 250
    for each in SCRIPT["read_accepted"]((ROOT / "osv-scanner.toml").read_text("utf-8")):
        assert each.reason
