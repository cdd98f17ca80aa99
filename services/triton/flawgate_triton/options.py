"""The command line of `python -m flawgate_triton`."""

import argparse
import ipaddress
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Options:
    """What the command line says.

    Attributes:
        model_repository: folder in Triton's layout, `<model>/config.pbtxt` and `<model>/<version>/model.onnx`.
        host: IPv4 address that all three ports are bound to.
        http_port: KServe v2 over HTTP, 1-65535.
        grpc_port: KServe v2 over gRPC, 1-65535.
        metrics_port: Prometheus metrics, 1-65535.
        threads: threads per model instance where its config.pbtxt names no count; None = one per core.
        model_control: `none` loads every model at start, `explicit` only `load_models`, the rest over the API.
        load_models: names of models to load at start, with `explicit`.
        model_config_name: `<model>/configs/<name>.pbtxt` is read in place of config.pbtxt where it exists.
        log_verbose: Triton's verbosity, 0 = off.
        trace_url: OTLP/HTTP address of a collector, which gets spans of the requests that bring a `traceparent`;
            None = no tracing.
        ready_timeout_s: seconds within which Triton must have loaded its models.
    """

    model_repository: Path
    host: str
    http_port: int
    grpc_port: int
    metrics_port: int
    threads: int | None
    model_control: str
    load_models: tuple[str, ...]
    model_config_name: str | None
    log_verbose: int
    trace_url: str | None
    ready_timeout_s: float

    @property
    def ports(self) -> dict[str, int]:
        """The ports by the option that sets them."""
        return {"--http-port": self.http_port, "--grpc-port": self.grpc_port, "--metrics-port": self.metrics_port}

    @property
    def wanted_models(self) -> tuple[str, ...] | None:
        """The models to load at start; None = all in the repository."""
        every = self.model_control == "none" or "*" in self.load_models
        return None if every else self.load_models


class _Parser(argparse.ArgumentParser):
    """Answers a wrong command line with one sentence instead of the whole usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"flawgate_triton: {message}; see --help\n")


def parse(arguments: Sequence[str] | None = None) -> Options:
    """The options in `arguments` (the process's own by default). Exits with 2 where they are wrong."""
    parser = _parser()
    values = parser.parse_args(arguments)
    if values.load_model and values.model_control != "explicit":
        parser.error("--load-model needs --model-control explicit")
    return Options(
        model_repository=values.model_repository,
        host=values.host,
        http_port=values.http_port,
        grpc_port=values.grpc_port,
        metrics_port=values.metrics_port,
        threads=values.threads,
        model_control=values.model_control,
        load_models=tuple(values.load_model),
        model_config_name=values.model_config_name,
        log_verbose=values.log_verbose,
        trace_url=values.trace_url,
        ready_timeout_s=values.ready_timeout,
    )


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m flawgate_triton", description="Serve a model repository with the Triton of nvidia-pytriton."
    )
    add = parser.add_argument
    add("--model-repository", type=Path, required=True, metavar="DIR", help="folder in Triton's layout")
    add(
        "--host",
        type=_address,
        default="127.0.0.1",
        metavar="IP",
        help="address of all three ports (default: %(default)s)",
    )
    add("--http-port", type=_port, default=8000, metavar="N", help="KServe v2 over HTTP (default: %(default)s)")
    add("--grpc-port", type=_port, default=8001, metavar="N", help="KServe v2 over gRPC (default: %(default)s)")
    add("--metrics-port", type=_port, default=8002, metavar="N", help="Prometheus metrics (default: %(default)s)")
    add("--threads", type=_positive, metavar="N", help="threads per model, unless config.pbtxt says (default: cores)")
    add("--model-control", choices=("none", "explicit"), default="none", help="which models are loaded at start")
    add("--load-model", action="append", default=[], metavar="NAME", help="model to load at start; may be repeated")
    add("--model-config-name", metavar="NAME", help="read configs/NAME.pbtxt of a model in place of config.pbtxt")
    add("--log-verbose", type=_natural, default=0, metavar="N", help="Triton's verbosity (default: %(default)s)")
    add("--trace-url", type=_url, metavar="URL", help="OTLP/HTTP collector, e.g. http://127.0.0.1:4318/v1/traces")
    add("--ready-timeout", type=_seconds, default=120.0, metavar="S", help="seconds to load all models (default: 120)")
    return parser


def _address(text: str) -> str:
    """An IPv4 address: Triton's HTTP server does not look up names, and its gRPC server reads IPv6 otherwise."""
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no IPv4 address, give one such as 127.0.0.1") from None


def _url(text: str) -> str:
    """An address of HTTP, without what Triton's own option would take for its end."""
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or "," in text:
        raise argparse.ArgumentTypeError(f"{text!r} is no URL of a collector, give http://HOST:4318/v1/traces")
    return text


def _port(text: str) -> int:
    """A port, 1-65535."""
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port, give a number from 1 to 65535")
    return int(text)


def _natural(text: str) -> int:
    """A whole number from 0 on."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0 on")
    return int(text)


def _positive(text: str) -> int:
    """A whole number from 1 on."""
    if _natural(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is too small, give a whole number from 1 on")
    return int(text)


def _seconds(text: str) -> float:
    """A finite duration above 0."""
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no duration, give seconds above 0")
    return value
