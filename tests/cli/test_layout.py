import socket
import sys
from pathlib import Path

import pytest
from support.ports import cluster_ports

from flawgate_cli.app import main
from flawgate_cli.local_cluster.layout import Layout, Ports, check_ports, process_specs
from flawgate_contracts.errors import InvalidParameter, Unavailable


def layout_of(tmp_path: Path, **options: object) -> Layout:
    """A cluster without Triton, unless told otherwise."""
    return Layout(tmp_path, **{"model_server": "onnxruntime", **options})  # type: ignore[arg-type]  # options by name


def test_the_ports_are_the_documented_ones(tmp_path: Path) -> None:
    """Each service listens where the next one looks for it."""
    triton_python = tmp_path / "python"
    triton_python.touch()
    triton, preprocessing, decision, gateway = process_specs(
        layout_of(tmp_path, model_server="triton", triton_python=triton_python, threads=3)
    )
    assert triton.command[:3] == [str(triton_python), "-m", "flawgate_triton"]
    options = dict(zip(triton.command[3::2], triton.command[4::2], strict=True))
    assert options == {
        "--model-repository": str(tmp_path),
        "--http-port": "8000",
        "--grpc-port": "8001",
        "--metrics-port": "8002",
        "--model-control": "explicit",
        "--load-model": "*",
        "--model-config-name": "cpu",
        "--threads": "3",
    }
    assert preprocessing.environment["PREPROCESSING_PORT"] == "8082"
    assert decision.environment["DECISION_TRITON_TARGET"] == "127.0.0.1:8001"
    assert gateway.environment["GATEWAY_PORT"] == "8080"
    assert gateway.environment["GATEWAY_GRPC_PORT"] == "8081"
    assert gateway.environment["GATEWAY_TRITON_HTTP_URL"] == "http://127.0.0.1:8000"
    assert gateway.environment["GATEWAY_PREPROCESSING_TARGET"] == "127.0.0.1:8082"
    assert gateway.environment["GATEWAY_DECISION_TARGET"] == "127.0.0.1:8083"
    assert gateway.command == [sys.executable, "-m", "flawgate_gateway"]


def test_access_is_off_on_loopback_alone(tmp_path: Path) -> None:
    """And off only without `--secure`, whatever stands in the environment; each cluster has its own records."""
    *_, gateway = process_specs(layout_of(tmp_path, data_dir=tmp_path / "data"))
    assert gateway.environment["GATEWAY_ACCESS"] == "off-for-development"
    assert gateway.environment["GATEWAY_DATA_DIR"] == str(tmp_path / "data")
    for host in ("127.0.0.1", "0.0.0.0", "10.1.2.3"):  # noqa: S104  # nothing is bound
        *_, gateway = process_specs(layout_of(tmp_path, host=host, secure=True))
        assert gateway.environment["GATEWAY_ACCESS"] == "keys"


def test_without_triton_decision_runs_the_models(tmp_path: Path) -> None:
    """Three processes; decision is told the folder, and the gateway that there is no Triton to pass on to."""
    specs = process_specs(layout_of(tmp_path))
    assert [spec.name for spec in specs] == ["preprocessing", "decision", "gateway"]
    assert specs[1].environment["DECISION_MODEL_SERVER"] == "onnxruntime"
    assert specs[1].environment["DECISION_MODEL_REPOSITORY"] == str(tmp_path)
    assert specs[2].environment["GATEWAY_TRITON_HTTP_URL"] == ""


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8080"),
        ("0.0.0.0", "http://127.0.0.1:8080"),  # noqa: S104  # nothing is bound
        ("::", "http://127.0.0.1:8080"),
        ("::1", "http://[::1]:8080"),
        ("10.1.2.3", "http://10.1.2.3:8080"),
    ],
)
def test_the_url_is_one_that_can_be_asked(tmp_path: Path, host: str, url: str) -> None:
    """All addresses of the machine are no address to go to."""
    assert layout_of(tmp_path, host=host).url == url


def test_several_clusters_fit_by_an_offset() -> None:
    """All ports move; an offset that leads out of range is refused."""
    assert Ports().shifted(100) == Ports(8180, 8181, 8182, 8183, 9180, 9182, 9183, 8100, 8101, 8102)
    for offset in (60_000, -8_000):
        with pytest.raises(InvalidParameter, match="outside 1 to 65535"):
            Ports().shifted(offset)


def test_free_ports_are_all_different(tmp_path: Path) -> None:
    """And free."""
    ports = Ports.free()
    assert len({getattr(ports, name) for name in ports.__slots__}) == 10
    check_ports(layout_of(tmp_path, ports=ports))


def test_a_taken_port_is_named_before_anything_is_started(tmp_path: Path) -> None:
    """Another gateway there would answer in this one's place."""
    ports = cluster_ports()
    named = rf"127\.0\.0\.1:{ports.decision} \(decision\).*--port-offset"
    with socket.create_server(("127.0.0.1", ports.decision)), pytest.raises(Unavailable, match=named):
        check_ports(layout_of(tmp_path, ports=ports))
    with socket.create_server(("127.0.0.1", ports.triton_http)):
        check_ports(layout_of(tmp_path, ports=ports))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("--model-repository", "nowhere"),
            "There is no model repository at nowhere; name one with --model-repository.",
        ),
        (("--model-repository", ".", "--triton-python", "nowhere/python"), "Triton's environment is not installed"),
        (("--model-repository", ".", "--port-offset", "70000"), "outside 1 to 65535"),
        (("--model-server", "tensorflow"), "'tensorflow' is not one of"),
        (("--host", "0.0.0.0"), "add --secure"),  # noqa: S104  # nothing is bound
        (("--host", "10.1.2.3"), "add --secure"),
    ],
)
def test_a_cluster_that_cannot_be_is_one_sentence(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    """Exit status 2, before anything is started."""
    with pytest.raises(SystemExit) as ended:
        main(["up", *arguments])
    assert ended.value.code == 2
    told = capsys.readouterr()
    assert said in " ".join(told.err.split())
    assert "Traceback" not in told.err
