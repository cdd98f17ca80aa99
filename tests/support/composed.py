"""The cluster of docker-compose.yml in real containers, under a project, ports, secrets and volumes of its own.

What differs on a machine is told in variables: `DOCKER_HOST` and the like, as for any `docker` command, and
`FLAWGATE_E2E_COMPOSE_FILES`, files with `:` between them that are laid over docker-compose.yml, to leave a service out.
"""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.ports import free_port

ROOT = Path(__file__).parents[2]
PROJECT = "flawgate-e2e"
COMMAND_TIMEOUT_S = 1800.0
HEALTHY_TIMEOUT_S = 600.0

_AS_ROOT = ("--rm", "--network=none", "--pid=host", "--user=0:0", "--cap-add=KILL", "--entrypoint=python")


class Composed:
    """A project of Docker Compose.

    Args:
        place: folder that holds docker-compose.yml and .env.
        folder: for its secrets and models.
        project: its name.
    """

    def __init__(self, place: Path, folder: Path, project: str = PROJECT) -> None:
        self.place = place
        self.doors = {door: free_port() for door in ("REST", "GRPC", "PROMETHEUS", "GRAFANA")}
        self.environment = _environment(folder, project, self.doors)
        self.url = f"http://127.0.0.1:{self.doors['REST']}"
        self.prometheus = f"http://127.0.0.1:{self.doors['PROMETHEUS']}"

    def run(self, *command: str, environment: Mapping[str, str] | None = None, text: str | None = None) -> str:
        """Run a program in the project's folder and environment. Returns: what it printed."""
        done = subprocess.run(
            command,
            cwd=self.place,
            env={**self.environment, **(environment or {})},
            input=text,
            capture_output=True,
            text=True,
            check=False,
            timeout=COMMAND_TIMEOUT_S,
        )
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def compose(self, *arguments: str, **told: Any) -> str:
        """`docker compose ...` Returns: what it printed."""
        return self.run("docker", "compose", *arguments, **told)

    def container(self, service: str) -> str:
        """The identity of the one container of a service, also where it does not run."""
        return self.compose("ps", "--all", "--quiet", service).strip()

    def state(self, service: str) -> dict[str, Any]:
        """Its state, as Docker tells it: `Pid`, `Health`, `RestartCount`, ..."""
        (told,) = json.loads(self.run("docker", "inspect", self.container(service)))
        return {**told["State"], "RestartCount": told["RestartCount"], "Image": told["Image"], "Config": told["Config"]}

    def services(self) -> set[str]:
        """Those that run under the project's profiles."""
        return set(self.compose("config", "--services").split())

    def healths(self) -> dict[str, str]:
        """Service → `healthy`, or what it is instead."""
        return {service: self.state(service)["Health"]["Status"] for service in sorted(self.services())}

    def make_key(self, *scopes: str) -> str:
        """An API key with these scopes, made in the gateway's container."""
        asked = [word for scope in scopes for word in ("--scope", scope)]
        return self.compose("exec", "-T", "gateway", "flawgate", "keys", "create", "e2e", *asked).strip()

    def crash(self, *services: str) -> float:
        """Kill the first process of each by SIGKILL, at once, and wait until Docker has them healthy again.

        `docker kill` would not do: what somebody stopped is not started again.

        Returns:
            seconds until they were healthy.
        """
        before = {service: self.state(service) for service in services}
        began = time.monotonic()
        kill = f"import os; [os.kill(pid, 9) for pid in {[told['Pid'] for told in before.values()]}]"
        self.run("docker", "run", *_AS_ROOT, self.state("gateway")["Image"], "-c", kill)
        for service, told in before.items():
            while not self._is_back(service, told["RestartCount"]):
                assert time.monotonic() - began < HEALTHY_TIMEOUT_S, f"{service} did not come back"
                time.sleep(0.5)
        return time.monotonic() - began

    def _is_back(self, service: str, restarts: int) -> bool:
        now = self.state(service)
        return bool(now["RestartCount"] > restarts and now["Running"] and now["Health"]["Status"] == "healthy")


@contextmanager
def composed(folder: Path, place: Path = ROOT, project: str = PROJECT) -> Iterator[Composed]:
    """The cluster, running until the end of the block; then nothing is left of it but its images."""
    under_test = Composed(place, folder, project)
    try:
        under_test.run("scripts/compose_up.sh")
        yield under_test
    finally:
        under_test.compose("--profile", "*", "down", "--volumes", "--timeout", "5")


def _environment(folder: Path, project: str, doors: Mapping[str, int]) -> dict[str, str]:
    models = folder / "models"
    shutil.copytree(ROOT / "model_repository", models, ignore=shutil.ignore_patterns(".flawgate.lock"))
    over = os.environ.get("FLAWGATE_E2E_COMPOSE_FILES")
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("COMPOSE_")},
        **{f"FLAWGATE_{door}_PORT": str(port) for door, port in doors.items()},
        "COMPOSE_PROJECT_NAME": project,
        "COMPOSE_FILE": "docker-compose.yml" + (f":{over}" if over else ""),
        "FLAWGATE_SECRETS": str(folder / "secrets"),
        "FLAWGATE_MODELS": str(models),
        "FLAWGATE_USER": f"{os.getuid()}:{os.getgid()}",
        "FLAWGATE_WAIT_S": "600",
    }
