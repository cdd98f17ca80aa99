"""The command line and the environment that tritonserver is started with."""

import os
from collections.abc import Mapping
from pathlib import Path

from flawgate_triton.graph import THREADS_VARIABLE
from flawgate_triton.installation import Installation
from flawgate_triton.options import Options

EXIT_TIMEOUT_S = 10
"""Seconds that Triton gives inferences in flight when it is told to stop."""


def triton_command(
    options: Options, binary: Path, model_repository: Path, backend_directory: Path, region_prefix: str
) -> list[str]:
    """Program and arguments.

    Args:
        options: what the user asked for.
        binary: the tritonserver program.
        model_repository: a path to the user's repository that holds no space.
        backend_directory: as `build_backend_directory` fills it.
        region_prefix: begins the name of every shared memory region, so that ours can be told from others'.
    """
    settings = {
        "model-repository": model_repository,
        "backend-directory": backend_directory,
        # Holds for the backends built on the Python backend as well.
        "backend-config": f"python,shm-region-prefix-name={region_prefix}",
        "http-address": options.host,
        "http-port": options.http_port,
        "grpc-address": options.host,
        "grpc-port": options.grpc_port,
        "metrics-address": options.host,
        "metrics-port": options.metrics_port,
        # Every backend runs on the CPU here: without these Triton warns about the GPU tools that it does not find.
        "allow-gpu-metrics": "false",
        "pinned-memory-pool-byte-size": 0,
        # One broken model must not take the others' recipes away.
        "exit-on-error": "false",
        "strict-readiness": "false",
        "exit-timeout-secs": EXIT_TIMEOUT_S,
        "model-control-mode": options.model_control,
        "log-verbose": options.log_verbose,
    }
    if options.model_config_name is not None:
        settings["model-config-name"] = options.model_config_name
    arguments = [f"--{name}={value}" for name, value in settings.items()]
    # config.pbtxt is the contract: nothing is guessed, and each model starts one worker process less.
    arguments.append("--disable-auto-complete-config")
    arguments += [f"--trace-config={setting}" for setting in _trace_settings(options.trace_url)]
    return [str(binary), *arguments, *(f"--load-model={name}" for name in options.load_models)]


def _trace_settings(url: str | None) -> list[str]:
    """Spans of those requests alone that bring a `traceparent`: rate 0 adds none of Triton's own choosing."""
    if url is None:
        return []
    return ["mode=opentelemetry", "level=TIMESTAMPS", "rate=0", "count=-1", f"opentelemetry,url={url}"]


def triton_environment(
    installation: Installation, threads: int | None, inherited: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """The environment in which binary and stubs find their libraries, and the stubs this Python environment.

    The embedded interpreter takes the first `python3` on PATH as its own; the variables that would lead it
    elsewhere are left out.
    """
    environment = {k: v for k, v in inherited.items() if k not in {"VIRTUAL_ENV", "PYTHONHOME", "PYTHONPATH"}}
    _prepend(environment, "PATH", installation.python_folder)
    _prepend(environment, "LD_LIBRARY_PATH", *installation.library_folders)
    # The backends run on the CPU: where there is a GPU, each stub would take some of its memory for nothing.
    environment["CUDA_VISIBLE_DEVICES"] = ""
    # From 1.29 on, ONNX Runtime's Linux builds report models and usage to Microsoft unless told not to.
    environment["ORT_DISABLE_TELEMETRY"] = "1"
    if threads is not None:
        environment[THREADS_VARIABLE] = str(threads)
    return environment


def _prepend(environment: dict[str, str], name: str, *folders: Path) -> None:
    kept = (environment[name],) if environment.get(name) else ()
    environment[name] = os.pathsep.join((*map(str, folders), *kept))
