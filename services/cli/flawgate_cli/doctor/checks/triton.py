"""Triton: is it installed, does it live, is it ready, are its models."""

import subprocess
from collections.abc import Iterator, Sequence

import httpx

from flawgate_cli.doctor.scope import ASK_S, DOWN, Scope
from flawgate_cli.local_cluster.layout import LOOPBACK
from flawgate_contracts.checkup.findings import Check, Finding, error, ok, skipped

START_S = 30.0
"""For an interpreter to start and import, on a busy machine, in seconds."""
PROBE = """
from flawgate_triton.errors import LaunchError
from flawgate_triton.installation import find_installation, package_version
try:
    find_installation()
    print("nvidia-pytriton", package_version("nvidia-pytriton"), "with numpy", package_version("numpy"))
except LaunchError as err:
    raise SystemExit(str(err))
"""
INSTALL = (
    "Run `make setup` in the clone, name its interpreter with --triton-python, or take `--model-server onnxruntime`."
)
WITHOUT = "Models run within decision (onnxruntime), without Triton."


def checks(scope: Scope) -> Sequence[Check]:
    """Of the Triton of this machine."""
    if not scope.with_triton:
        return (Check("triton", "server", lambda: [skipped(WITHOUT)]),)
    return (
        Check("triton", "environment", lambda: [_environment(scope)], START_S),
        Check("triton", "server", lambda: _server(scope)),
    )


def _environment(scope: Scope) -> Finding:
    python = scope.layout.triton_python
    if not python.exists():
        return error(f"Triton's environment is not installed: {python} is missing.", INSTALL)
    try:
        done = subprocess.run(  # noqa: S603  # the interpreter that the command names
            [str(python), "-c", PROBE], capture_output=True, text=True, timeout=START_S - 1, check=False
        )
    except OSError as err:
        return error(f"{python} cannot be started: {err.strerror}.", INSTALL)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
        return error(f"Triton cannot run here: {last}", INSTALL)
    return ok(f"{done.stdout.strip()}.")


def _server(scope: Scope) -> Iterator[Finding]:
    if not scope.running:
        yield skipped(DOWN)
        return
    url = f"http://{LOOPBACK}:{scope.layout.ports.triton_http}"
    with httpx.Client(base_url=url, timeout=ASK_S, trust_env=False) as client:
        try:
            live, ready = (client.get(f"/v2/health/{what}").is_success for what in ("live", "ready"))
            # KServe's list of models, which Triton knows: each with its state and the reason.
            models = client.post("/v2/repository/index", json={}).json()
        except (httpx.HTTPError, ValueError):
            yield error(f"Triton does not answer at {url}.", "Its lines in the cluster's log say why; start it again.")
            return
    faults = [_model(model) for model in models if model.get("state") not in ("READY", None)]
    yield from faults
    if not live or not ready:
        what = "lives, but is not ready" if live else "says that it does not live"
        yield error(f"Triton at {url} {what}.", "Its lines in the cluster's log say which model does not load.")
    elif not faults:
        loaded = sum(model.get("state") == "READY" for model in models)
        yield ok(f"Triton at {url} is live and ready, with {loaded} versions of models.")


def _model(model: dict[str, str]) -> Finding:
    name, reason = f"{model.get('name')} version {model.get('version', '?')}", model.get("reason") or "no reason given"
    says = f"Triton says that {name} is {model.get('state')}: {reason}."
    return error(says, "See models; export it again, or put another version in force.", subject=str(model.get("name")))
