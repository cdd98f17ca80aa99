import os
import re
import socket
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import Any

import pytest
from support.findings import statuses
from support.tiny_repository import write_spot

from flawgate_cli.doctor.checks import clocks, installation, models, ports, triton
from flawgate_cli.doctor.holders import Holder, listening
from flawgate_cli.doctor.scope import Scope
from flawgate_contracts.checkup.findings import Status
from flawgate_contracts.repository.layout import ModelRepository

SERVICES_FOLDER = Path(__file__).parents[2] / "services"
SERVICES = {"triton": "triton", "gateway": "gateway", "preprocessing": "preprocessing", "decision": "decision"}


def running(scope: Scope, **others: Holder) -> Scope:
    """The same with all doors open, but for those that others hold."""
    own = {door: Holder(f"{door}'s", SERVICES[door.partition("_")[0]]) for door in scope.doors}
    return replace(scope, holders={scope.doors[door]: holder for door, holder in {**own, **others}.items()})


def test_free_ports_are_well_where_nothing_runs(scope: Scope) -> None:
    """And held ones where the cluster runs."""
    assert statuses(ports.look(scope)) == [("ok", "")]
    assert statuses(ports.look(running(scope))) == [("ok", "")]


def test_who_holds_a_port_is_named(scope: Scope) -> None:
    """A stranger in a service's place is an error, whether the cluster runs or not."""
    stranger = Holder("nginx (process 7, user www)")
    for each in (running(scope, decision=stranger), replace(scope, holders={scope.doors["decision"]: stranger})):
        (finding,) = ports.look(each)
        assert (finding.status, finding.subject) == ("error", "decision")
        assert f"Port {scope.doors['decision']}, of decision, is held by nginx (process 7, user www)" in finding.says


def test_services_that_were_started_elsewhere_are_told(scope: Scope, tmp_path: Path) -> None:
    """Their relative paths would be looked for in the wrong folder."""
    there, here = (Holder("its", "gateway", folder=folder) for folder in (tmp_path, Path.cwd()))
    assert ports.folder(running(scope, gateway=here)).status == "ok"
    finding = ports.folder(running(scope, gateway=there))
    assert (finding.status, str(tmp_path) in finding.says) == ("warning", True)


def test_a_door_that_is_closed_while_the_cluster_runs_is_an_error(scope: Scope) -> None:
    """A service has ended, and the others go on."""
    open_doors = running(scope).holders
    closed = {port: each for port, each in open_doors.items() if port != scope.doors["gateway_grpc"]}
    assert statuses(ports.look(replace(scope, holders=closed))) == [("error", "gateway_grpc")]


def test_a_listening_process_is_found() -> None:
    """With its number, so that it can be stopped."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        holder = listening([port])[port]
    assert f"(process {os.getpid()}, " in holder.says
    assert holder.service == ""
    assert listening([port]) == {}


def test_a_whole_repository_is_well(scope: Scope) -> None:
    """One sentence a recipe."""
    assert statuses(models.files(scope)) == [("ok", "spot")]


def test_a_damaged_model_in_force_is_an_error(scope: Scope) -> None:
    """One that lies beside it is a warning; the file is named in both."""
    folder = scope.layout.model_repository
    write_spot(folder, version="2")
    (folder / "spot_cls" / "2" / "model.onnx").write_bytes(b"cut")
    assert statuses(models.files(scope)) == [("warning", "spot 2")]
    (folder / "spot_seg" / "1" / "model.onnx").unlink()
    found = list(models.files(scope))
    assert statuses(found) == [("error", "spot 1"), ("warning", "spot 2")]
    assert ["spot_seg/1/model.onnx" in found[0].says, "spot_cls/2/model.onnx" in found[1].says] == [True, True]


def test_a_repository_without_a_version_in_force_is_an_error(scope: Scope) -> None:
    """Triton would load what it likes."""
    ModelRepository(scope.layout.model_repository).config("spot").unlink()
    assert statuses(models.files(scope)) == [("error", "spot")]


def test_an_interrupted_promotion_is_told(scope: Scope) -> None:
    """The models load something else than the ensemble names."""
    config = scope.layout.model_repository / "spot_seg" / "config.pbtxt"
    config.write_text(config.read_text("utf-8").replace("versions: 1", "versions: 1 versions: 2"), "utf-8")
    assert statuses(models.files(scope)) == [("warning", "spot")]


def test_an_ensemble_that_somebody_changed_is_told(scope: Scope) -> None:
    """It holds what golden frames must get, and no digest."""
    config = ModelRepository(scope.layout.model_repository).config("spot")
    config.write_text(f"{config.read_text('utf-8')}# by hand\n", "utf-8")
    assert statuses(models.files(scope)) == [("warning", "spot")]


def test_a_version_in_force_without_its_ensemble_is_an_error(scope: Scope) -> None:
    """It could not be put in force again."""
    (scope.layout.model_repository / "spot" / "1" / "ensemble.pbtxt").unlink()
    assert statuses(models.files(scope)) == [("error", "spot")]


def test_a_repository_that_is_not_there(scope: Scope) -> None:
    """Or is empty, is an error."""
    nowhere = replace(scope, layout=replace(scope.layout, model_repository=Path("nowhere")))
    assert statuses(models.files(nowhere)) == [("error", "")]


@pytest.mark.parametrize(
    ("wanted", "status"), [(">=3.11,<3.13", "ok"), (">=3.13", "error"), ("<3.12", "error"), ("<3.12.4,>=3", "error")]
)
def test_python_is_held_against_what_the_packages_want(wanted: str, status: Status) -> None:
    """Both bounds."""
    assert installation.python((3, 12), wanted).status == status


class FakeDistribution(Distribution):
    """A package that says what it is told to."""

    def __init__(self, name: str, version: str, *requires: str) -> None:
        lines = [f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {each}" for each in requires)]
        self._text = "\n".join(["Metadata-Version: 2.1", *lines, ""])

    def read_text(self, filename: str) -> str | None:
        """Its metadata."""
        return self._text if filename == "METADATA" else None

    def locate_file(self, path: Any) -> Any:
        """Nowhere."""
        return Path(path)


@pytest.mark.parametrize(
    ("installed", "expected"),
    [
        ([FakeDistribution("flawgate-a", "1.0", "rich>=13"), FakeDistribution("flawgate-b", "1.0")], [("ok", "")]),
        ([FakeDistribution("flawgate-a", "1.0"), FakeDistribution("flawgate-b", "1.1")], [("error", "")]),
        ([FakeDistribution("flawgate-a", "1.0", "no-such-package>=2")], [("error", "no-such-package")]),
        ([FakeDistribution("flawgate-a", "1.0", 'no-such-package; extra == "x"')], [("ok", "")]),
    ],
)
def test_packages_must_go_together(installed: list[Distribution], expected: list[tuple[Status, str]]) -> None:
    """One version, and all that they need always; extras may be absent."""
    assert statuses(installation.packages(installed)) == expected


def test_every_variable_that_is_read_is_known() -> None:
    """Or the doctor would warn of a setting that works."""
    sources = [path for path in SERVICES_FOLDER.glob("*/flawgate_*/**/*.py") if "alarms" not in path.parts]
    read = {name for path in sources for name in re.findall(r'"(FLAWGATE_[A-Z_]*[A-Z])"', path.read_text("utf-8"))}
    assert read == {*installation.VARIABLES, *installation.TEST_DATA}


def test_this_installation_is_whole() -> None:
    """As the tests run in it."""
    assert [finding.status for check in installation.checks() for finding in check.look()] == ["ok"] * 3
    assert distribution("flawgate-cli").version


@pytest.mark.parametrize(
    ("apart_s", "status", "said"),
    [
        (0.0, "ok", "the same time"),
        (10.0, "warning", "ahead of"),
        (-10.0, "warning", "behind"),
        (300.0, "error", "ahead"),
    ],
)
def test_clocks_are_compared(apart_s: float, status: Status, said: str) -> None:
    """Seconds are late, a minute is wrong."""
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    finding = clocks.compared(now + timedelta(seconds=apart_s + 0.5), now)
    assert (finding.status, said in finding.says) == (status, True)


@pytest.mark.parametrize(("answer", "status"), [("echo yes", "ok"), ("echo no", "warning"), ("exit 1", "skipped")])
def test_the_system_is_asked_for_ntp(tmp_path: Path, answer: str, status: Status) -> None:
    """A system that does not say is no fault: a container takes its host's clock."""
    program = tmp_path / "timedatectl"
    program.write_text(f"#!/bin/sh\n{answer}\n", "utf-8")
    program.chmod(0o755)
    assert clocks.ntp(str(program)).status == status


def test_tritons_environment_is_tried(scope: Scope) -> None:
    """An interpreter without the package is an error, and so is none; without Triton there is nothing to try."""
    looks = {
        "there": replace(scope.layout, triton_python=Path(sys.executable)),
        "nowhere": replace(scope.layout, triton_python=Path("nowhere/python")),
    }
    first = {name: triton.checks(replace(scope, layout=layout))[0] for name, layout in looks.items()}
    assert {name: statuses(check.look()) for name, check in first.items()} == {
        "there": [("error", "")],
        "nowhere": [("error", "")],
    }
    without = replace(scope, layout=replace(scope.layout, model_server="onnxruntime"))
    assert [statuses(check.look()) for check in triton.checks(without)] == [[("skipped", "")]]


def test_the_clock_of_this_machine_runs_steadily(scope: Scope) -> None:
    """As it should while tests run."""
    began = time.monotonic()
    assert statuses(clocks.checks(scope)[0].look()) == [("ok", "")]
    assert time.monotonic() - began < 20
