"""Serves a model repository with Triton: `python -m flawgate_triton --model-repository DIR`."""

import secrets
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from flawgate_triton.backend_directory import build_backend_directory, path_without_space
from flawgate_triton.command import triton_command, triton_environment
from flawgate_triton.endpoint import Endpoint
from flawgate_triton.errors import CrashedAtStartError, LaunchError
from flawgate_triton.guard import guard
from flawgate_triton.installation import Installation, find_installation
from flawgate_triton.options import Options, parse
from flawgate_triton.preflight import check_ports, check_repository
from flawgate_triton.server import Server
from flawgate_triton.shared_memory import check_shared_memory, remove_regions


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs until a signal asks to stop. Returns: the exit code, 0 after an orderly stop."""
    options = parse(arguments)
    try:
        serve(options)
    except LaunchError as error:
        _say(str(error))
        return error.exit_code
    return 0


def serve(options: Options) -> None:
    """Checks, starts Triton, announces it, and stops it on SIGTERM, SIGINT or SIGHUP.

    Raises:
        LaunchError: Triton cannot be started, or ended by itself.
    """
    installation = find_installation()
    check_repository(options.model_repository)
    check_ports(options.host, options.ports)
    check_shared_memory()
    try:
        _serve_once(options, installation)
    except CrashedAtStartError as error:
        # The Python backend sometimes aborts while models load, with boost's `lock_exception`
        # (triton-inference-server/server, issue 8882). Whoever crashes twice does so for another reason.
        _say(f"{error} It is started once more.")
        _serve_once(options, installation)


def _serve_once(options: Options, installation: Installation) -> None:
    with tempfile.TemporaryDirectory(prefix="flawgate_triton_", ignore_cleanup_errors=True) as folder:
        server = Server(_guarded_triton(options, installation, Path(folder)))
        try:
            endpoint = Endpoint(options.host, options.http_port)
            if server.wait_until_ready(endpoint, options.ready_timeout_s):
                _announce(options, endpoint)
                server.wait_until_told_to_stop()
        finally:
            server.stop()


def _guarded_triton(options: Options, installation: Installation, folder: Path) -> Callable[[int], int]:
    """The guard's work: Triton on the empty `folder`, which is removed with the shared memory when it ends."""
    region_prefix = f"flawgate_triton_{secrets.token_hex(8)}_"
    backends = build_backend_directory(folder / "backends", installation)
    repository = path_without_space(options.model_repository, folder / "model_repository")
    command = triton_command(options, installation.binary, repository, backends, region_prefix)
    environment = triton_environment(installation, options.threads)

    def clean_up() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        remove_regions(region_prefix)

    return lambda lifeline: guard(command, environment, lifeline, clean_up)


def _announce(options: Options, endpoint: Endpoint) -> None:
    for sentence in endpoint.load_failures(options.wanted_models):
        _say(sentence)
    ports = {"http": options.http_port, "grpc": options.grpc_port, "metrics": options.metrics_port}
    where = ", ".join(f"{name} {options.host}:{port}" for name, port in ports.items())
    print(f"flawgate_triton: ready on {where}", flush=True)  # noqa: T201 - what the caller waits for


def _say(sentence: str) -> None:
    print(f"flawgate_triton: {sentence}", file=sys.stderr, flush=True)  # noqa: T201 - the command line's own voice


if __name__ == "__main__":
    sys.exit(main())
