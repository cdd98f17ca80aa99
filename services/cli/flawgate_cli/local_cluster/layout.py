"""Which processes a cluster on this machine has, and how each is started."""

import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Literal, Self

from flawgate_contracts.errors import InvalidParameter, Unavailable
from flawgate_contracts.settings import is_loopback

ModelServer = Literal["triton", "onnxruntime"]

LOOPBACK = "127.0.0.1"
MAX_PORT = 65_535


@dataclass(frozen=True, slots=True)
class Ports:
    """Where each door of the cluster is. TCP port numbers."""

    gateway: int = 8080
    gateway_grpc: int = 8081
    preprocessing: int = 8082
    decision: int = 8083
    gateway_metrics: int = 9080
    preprocessing_metrics: int = 9082
    decision_metrics: int = 9083
    triton_http: int = 8000
    triton_grpc: int = 8001
    triton_metrics: int = 8002

    def shifted(self, offset: int) -> "Ports":
        """All ports higher by `offset`.

        Raises:
            InvalidParameter: one of them would be no port any more.
        """
        shifted = [getattr(self, door.name) + offset for door in fields(self)]
        if min(shifted) < 1 or max(shifted) > MAX_PORT:
            raise InvalidParameter(f"An offset of {offset} leads to ports outside 1 to {MAX_PORT}; take a smaller one.")
        return Ports(*shifted)

    @classmethod
    def free(cls) -> Self:
        """Ports that nobody listens on just now."""
        sockets = [socket.create_server((LOOPBACK, 0)) for _ in fields(cls)]
        try:
            return cls(*(int(listener.getsockname()[1]) for listener in sockets))
        finally:
            for listener in sockets:
                listener.close()


@dataclass(frozen=True, slots=True)
class Layout:
    """One cluster on this machine."""

    model_repository: Path
    ports: Ports = Ports()
    host: str = LOOPBACK
    """Address of the gateway; all else stays on loopback."""
    model_server: ModelServer = "triton"
    triton_python: Path = Path("services/triton/.venv/bin/python")
    """Interpreter of the environment that holds Triton."""
    threads: int | None = None
    """Threads of one inference; None for all cores."""
    log_level: str = "info"
    data_dir: Path = Path("out/gateway")
    """Folder of the gateway's records and pictures."""
    secure: bool = False
    """Whether the gateway asks for API keys."""
    triton_trace_url: str | None = None
    """OTLP/HTTP address to which Triton sends its spans; None: it sends none."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """What each service finds in its environment beside its own settings, such as OpenTelemetry's variables."""

    @property
    def url(self) -> str:
        """Where the gateway is asked, from this machine."""
        host = LOOPBACK if self.host in ("0.0.0.0", "::") else self.host  # noqa: S104  # compared, not bound
        return f"http://{f'[{host}]' if ':' in host else host}:{self.ports.gateway}"


@dataclass(frozen=True, slots=True)
class ProcessSpec:
    """One process: a name for its log lines, its command, and settings that are added to the environment."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]


def check_ports(layout: Layout) -> None:
    """See that nobody listens where the cluster will: another gateway's answers would be taken for this one's.

    Raises:
        Unavailable: somebody does, or the address is not this machine's.
    """
    for door in fields(layout.ports):
        if layout.model_server != "triton" and door.name.startswith("triton"):
            continue
        host = layout.host if door.name.startswith("gateway") else LOOPBACK
        port = getattr(layout.ports, door.name)
        try:
            socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
        except OSError as err:
            # Python adds the address in words of its own.
            why = (err.strerror or str(err)).partition(" (while")[0]
            raise Unavailable(
                f"The cluster cannot listen on {host}:{port} ({door.name}): {why}; stop what listens there, "
                "or move all ports with --port-offset."
            ) from err


def check_access(layout: Layout) -> None:
    """See that nobody but this machine reaches a gateway that asks for no keys.

    Raises:
        InvalidParameter: others would.
    """
    if not layout.secure and not is_loopback(layout.host):
        raise InvalidParameter(
            f"Other machines reach {layout.host}, so the gateway must ask for API keys there: add --secure."
        )


def process_specs(layout: Layout) -> list[ProcessSpec]:
    """The processes of a cluster, in the order of their start.

    Raises:
        InvalidParameter: the model repository is not there, or Triton's environment is not; or whoever reaches the
            gateway could do everything.
    """
    check_access(layout)
    if not layout.model_repository.is_dir():
        raise InvalidParameter(
            f"There is no model repository at {layout.model_repository}; name one with --model-repository."
        )
    triton = [_triton(layout)] if layout.model_server == "triton" else []
    return [*triton, _preprocessing(layout), _decision(layout), _gateway(layout)]


def _triton(layout: Layout) -> ProcessSpec:
    if not layout.triton_python.exists():
        raise InvalidParameter(
            f"Triton's environment is not installed ({layout.triton_python} is missing): run `make setup` in the clone "
            "and `flawgate` from there, name its interpreter with --triton-python, or take `--model-server "
            "onnxruntime`, which needs no Triton."
        )
    ports = layout.ports
    command = [
        *(str(layout.triton_python), "-m", "flawgate_triton"),
        *("--model-repository", str(layout.model_repository)),
        *("--http-port", str(ports.triton_http)),
        *("--grpc-port", str(ports.triton_grpc)),
        *("--metrics-port", str(ports.triton_metrics)),
        # Versions are put in force by `flawgate models promote`, which tells Triton what to load.
        *("--model-control", "explicit"),
        *("--load-model", "*"),
        *("--model-config-name", "cpu"),
        *(("--threads", str(layout.threads)) if layout.threads else ()),
        *(("--trace-url", layout.triton_trace_url) if layout.triton_trace_url else ()),
    ]
    return ProcessSpec("triton", command, {})


def _preprocessing(layout: Layout) -> ProcessSpec:
    return _service(
        "preprocessing",
        layout,
        PORT=layout.ports.preprocessing,
        METRICS_PORT=layout.ports.preprocessing_metrics,
    )


def _decision(layout: Layout) -> ProcessSpec:
    return _service(
        "decision",
        layout,
        PORT=layout.ports.decision,
        METRICS_PORT=layout.ports.decision_metrics,
        MODEL_SERVER=layout.model_server,
        MODEL_REPOSITORY=layout.model_repository,
        TRITON_TARGET=f"{LOOPBACK}:{layout.ports.triton_grpc}",
        THREADS=layout.threads or 0,
    )


def _gateway(layout: Layout) -> ProcessSpec:
    return _service(
        "gateway",
        layout,
        HOST=layout.host,
        PORT=layout.ports.gateway,
        DATA_DIR=layout.data_dir,
        ACCESS="keys" if layout.secure else "off-for-development",
        GRPC_PORT=layout.ports.gateway_grpc,
        REFLECTION=not layout.secure,
        METRICS_PORT=layout.ports.gateway_metrics,
        PREPROCESSING_TARGET=f"{LOOPBACK}:{layout.ports.preprocessing}",
        DECISION_TARGET=f"{LOOPBACK}:{layout.ports.decision}",
        TRITON_HTTP_URL=f"http://{LOOPBACK}:{layout.ports.triton_http}" if layout.model_server == "triton" else "",
    )


KEEP_BUFFERS = {"MALLOC_MMAP_THRESHOLD_": str(64 * 1024 * 1024), "MALLOC_TRIM_THRESHOLD_": str(256 * 1024 * 1024)}
"""glibc keeps buffers of frames and tensors instead of fetching them from the system for each one anew."""


def _service(name: str, layout: Layout, **settings: object) -> ProcessSpec:
    named = {f"{name}_{key}".upper(): str(value) for key, value in settings.items()}
    environment = {
        f"{name.upper()}_LOG_LEVEL": layout.log_level,
        **named,
        **KEEP_BUFFERS,
        **layout.environment,
    }
    return ProcessSpec(name, [sys.executable, "-m", f"flawgate_{name}"], environment)
