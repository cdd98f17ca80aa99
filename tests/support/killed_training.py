"""A training of a tiny network in a process of its own, to be killed.

`python -m support.killed_training FOLDER`. Not forked: threads of a test, gRPC's for one, would break the fork.
"""

import os
import subprocess
import sys
from pathlib import Path

import torch

from flawgate_training import runs
from flawgate_training.experiment.schema import Experiment
from support.tiny_training import build, experiment, parted, samples

TESTS = Path(__file__).parents[1]
CLASSES = ("good", "bad")


def wanted() -> Experiment:
    """Three stages and the refinements of two parts, with a checkpoint at every step."""
    return parted(experiment("cascade", epochs=8, machine={"checkpoint_steps": 1}))


def started_training(folder: Path) -> "subprocess.Popen[bytes]":
    """A process that trains what `wanted` says."""
    command = [sys.executable, "-m", "support.killed_training", str(folder)]
    return subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(TESTS)})


if __name__ == "__main__":
    torch.set_num_threads(1)
    runs.train(wanted(), CLASSES, samples(), Path(sys.argv[1]), build=build)
