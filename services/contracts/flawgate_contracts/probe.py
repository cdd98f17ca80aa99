"""`python -m flawgate_contracts.probe TARGET [SERVICE]`: ask a service for its health, as container health checks do.

TARGET is `host:port` of a gRPC server, whose health of SERVICE (of the whole server without one) is asked for, or a URL
that answers 200 while all is well; `$NAME` in it is the environment's, for images have no shell. Exit status 0:
healthy; 1: not, with the sentence why.

With `--settings DECISION` the service's own settings decide: where `DECISION_TLS_CERTIFICATE_FILE` is set, it is asked
by TLS, also at a URL that begins with `http:`; where `DECISION_TLS_CLIENT_CA_FILE` is, too, its own certificate is
shown to it. Where that is of none of those roots, `--certificate-file` and `--key-file` name another. Neither proxies
nor who signed the server's certificate count: it asks whether the process beside it is well, not who it is.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.request import HTTPSHandler, ProxyHandler, build_opener

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from flawgate_contracts.errors import Unavailable
from flawgate_contracts.tls.beside import Beside

TIMEOUT_S = 5.0


def probe(target: str, service: str = "", timeout_s: float = TIMEOUT_S, tls: Beside | None = None) -> None:
    """Return where the target is healthy.

    Args:
        target: `host:port` of a gRPC server, or a URL.
        service: full name of a gRPC service; empty for the whole server.
        timeout_s: longest time for the answer, in seconds.
        tls: how it is called by TLS; None where it has none.

    Raises:
        Unavailable: it is not, or does not answer.
    """
    if target.startswith(("http://", "https://")):
        _probe_http(target, timeout_s, tls)
    else:
        _probe_grpc(target, service, timeout_s, tls)


def _probe_http(url: str, timeout_s: float, tls: Beside | None) -> None:
    asked = url.replace("http:", "https:", 1) if tls else url
    try:
        by_tls = HTTPSHandler(context=(tls or Beside()).https())
        build_opener(ProxyHandler({}), by_tls).open(asked, timeout=timeout_s).close()
    except (OSError, HTTPException) as err:
        raise Unavailable(f"{asked} is not healthy: {err}; see its log.") from err


def _probe_grpc(target: str, service: str, timeout_s: float, tls: Beside | None) -> None:
    with _channel(target, timeout_s, tls) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        try:
            answer = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=timeout_s)
        except grpc.RpcError as err:
            raise Unavailable(f"{target} does not tell of its health: {err.code().name}; see its log.") from err
    if answer.status != health_pb2.HealthCheckResponse.SERVING:
        status = health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status)
        raise Unavailable(f"{target} says {status}; see its log.")


def _channel(target: str, timeout_s: float, tls: Beside | None) -> grpc.Channel:
    options: list[tuple[str, Any]] = [("grpc.enable_http_proxy", 0)]
    if tls is None:
        return grpc.insecure_channel(target, options)
    host, _, port = target.rpartition(":")
    try:
        credentials, name = tls.grpc_credentials(host, int(port), timeout_s)
    except (OSError, ValueError) as err:
        raise Unavailable(f"{target} does not tell of its health by TLS: {err}; see its log.") from err
    return grpc.secure_channel(target, credentials, [*options, ("grpc.ssl_target_name_override", name)])


def main(arguments: Sequence[str] | None = None) -> int:
    """Probe what the command line names. Returns: the exit status."""
    options = _options(arguments)
    tls = Beside.of_settings(options.settings)
    if tls is not None and options.certificate_file is not None:
        tls = Beside((options.certificate_file, options.key_file))
    try:
        probe(os.path.expandvars(options.target), options.service, options.timeout, tls)
    except Unavailable as error:
        sys.stderr.write(f"probe: {error.message}\n")
        return 1
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m flawgate_contracts.probe", description="Ask a service for its health."
    )
    parser.add_argument("target", metavar="TARGET", help="host:port of a gRPC server, or a URL")
    parser.add_argument("service", nargs="?", default="", help="gRPC service; the whole server without one")
    parser.add_argument("--timeout", type=float, default=TIMEOUT_S, metavar="S", help="seconds (default: %(default)s)")
    parser.add_argument("--settings", default="", metavar="PREFIX", help="of its settings, e.g. DECISION: is it TLS?")
    parser.add_argument("--certificate-file", type=Path, metavar="PEM", help="shown in place of the service's own")
    parser.add_argument("--key-file", type=Path, metavar="PEM", help="private key of that certificate")
    options = parser.parse_args(arguments)
    if (options.certificate_file is None) != (options.key_file is None):
        parser.error("a certificate and its key go together: give --certificate-file and --key-file, or neither")
    return options


if __name__ == "__main__":
    sys.exit(main())
