"""Changes of model repositories by processes that are killed, each before another step, as by a power cut.

`python -m support.killed` reads a `Work` as JSON from stdin and prints how many of its tasks were killed.
"""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Literal

from pydantic import BaseModel

from flawgate_contracts.repository import staging, switch
from flawgate_contracts.repository.layout import ModelRepository
from flawgate_decision.promotion.promoting import Terms, promote
from flawgate_inference.onnx_server import OnnxModelServer

TESTS = Path(__file__).parents[1]
TIMEOUT_S = 200


class Task(BaseModel):
    """One change of one repository.

    Attributes:
        root: of the repository; its lock is asked for by `promote` alone.
        recipe: name.
        version: to publish, remove, switch to or promote.
        prepared: what `publish` is to publish, laid out as in a repository.
    """

    root: Path
    recipe: str
    version: int
    prepared: Path | None = None


class Work(BaseModel):
    """The same change of several repositories alike; the first is killed before its first step, and so on."""

    action: Literal["publish", "remove", "switch", "promote"]
    tasks: tuple[Task, ...]


def kill_before_each_step(action: Literal["publish", "remove", "switch", "promote"], tasks: Sequence[Task]) -> int:
    """Let other processes change repositories, and be killed.

    Args:
        action: what they do.
        tasks: one more than there are steps, at least.

    Returns:
        How many were killed; the one after these came to its end, the rest are as they were.
    """
    done = subprocess.run(
        [sys.executable, "-m", "support.killed"],
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        input=Work(action=action, tasks=tuple(tasks)).model_dump_json(),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=TIMEOUT_S,
    )
    killed = int(done.stdout.splitlines()[-1])
    assert killed < len(tasks), "there are more steps than tasks"
    return killed


class Fate:
    """Ends the process before a step."""

    def __init__(self, step: int) -> None:
        self._left = step

    def __call__(self, step: str) -> None:
        """Before a step."""
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self._left -= 1


def _main(work: Work) -> int:
    for step, task in enumerate(work.tasks):
        child = os.fork()
        if child == 0:
            _carry_out(work.action, task, Fate(step))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        if code not in (0, -signal.SIGKILL):
            sys.exit(f"{work.action} ended with {code} in {task.root}")
        if code == 0:
            return step
    return len(work.tasks)


def _carry_out(action: str, task: Task, fate: Fate) -> None:
    repository = ModelRepository(task.root)
    match action:
        case "publish":
            assert task.prepared is not None
            fill = partial(shutil.copytree, task.prepared, dirs_exist_ok=True)
            staging.publish(task.root, task.recipe, task.version, fill, fate)
        case "remove":
            models = [model.name for model in repository.recipe(task.recipe, task.version).models]
            staging.remove(task.root, task.recipe, task.version, models, fate)
        case "switch":
            switch.switch(repository, repository.recipe(task.recipe, task.version), fate)
        case "promote":
            asyncio.run(_promote(repository, task, fate))


async def _promote(repository: ModelRepository, task: Task, fate: Fate) -> None:
    server = OnnxModelServer(task.root, threads=1)
    terms = Terms(unchecked="there is none", on_step=fate)
    await promote(repository, task.recipe, task.version, server, terms)


if __name__ == "__main__":
    print(_main(Work.model_validate_json(sys.stdin.read())))  # noqa: T201 - what the caller reads
