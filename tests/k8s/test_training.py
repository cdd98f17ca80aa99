import os
import re
import subprocess
from pathlib import Path

import pytest
from support.commands import parsed
from support.manifests import TRAININGS, Manifest, container, of_kind, pod, settings

from flawgate_cli.app import EXIT_USAGE
from flawgate_training.experiment.data import FileData
from flawgate_training.learning import checks
from flawgate_training.tasks.chosen import Choice, Chosen, choose

EVERY_JOB = pytest.mark.parametrize("overlay", TRAININGS)

NOTING = """#!/bin/sh
printf '%s\\n' "$@" > "$TOLD"
test "$WEIGHTS" = none || { mkdir -p "$RUN"; touch "$RUN/weights.pt"; }
exit "$STATUS"
"""
"""A `flawgate` that notes its arguments, leaves weights or none, and ends with a status."""


def job(overlay: str) -> Manifest:
    """The specification of the one Job."""
    found: Manifest = of_kind(overlay, "Job")["training"]["spec"]
    return found


def command(overlay: str, runs: Path, **changes: str) -> list[str]:
    """Command and arguments as the kubelet fills them in, for the third pod of several; runs lie in a folder here."""
    described = container(overlay, "training")
    known = {**settings(overlay, "training"), "FOLD": "2", **changes}
    filled = [
        re.sub(r"\$\((\w+)\)", lambda found: known[found[1]], each)
        for each in [*described["command"], *described["args"]]
    ]
    return [each.replace("/data/runs", str(runs)) for each in filled]


def run_of(overlay: str, runs: Path) -> Path:
    """Where the run of the Job lies."""
    fold = "_folds/fold2" if overlay == "training-folds" else ""
    return runs / f"commutator-seed0{fold}"


def ended(overlay: str, folder: Path, *, status: int, weights: str) -> tuple[int, list[str]]:
    """The exit status of the container whose `flawgate` ends so, and the arguments that this was given."""
    (folder / "bin").mkdir()
    (folder / "bin/flawgate").write_text(NOTING, "utf-8")
    (folder / "bin/flawgate").chmod(0o755)
    environment = {
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        "TOLD": str(folder / "told"),
        "RUN": str(run_of(overlay, folder)),
        "STATUS": str(status),
        "WEIGHTS": weights,
    }
    done = subprocess.run(command(overlay, folder), env=environment, check=False)
    return done.returncode, (folder / "told").read_text("utf-8").splitlines()


def chosen(overlay: str, folder: Path) -> tuple[Chosen, Path]:
    """The experiment that the Job trains, and the folder of its run, as `flawgate train` understands its arguments."""
    _, (name, *given) = ended(overlay, folder, status=0, weights="whole")
    assert name == "train"
    asked = parsed([name, *given])
    choice = Choice(asked["experiment"], None, None, asked["settings"], asked["data"], asked["fold"], asked["gpus"])
    return choose(choice), Path(asked["out"])


@EVERY_JOB
def test_a_job_trains_what_its_settings_say(overlay: str, tmp_path: Path) -> None:
    """The real command takes its arguments, finds the experiment, and what it asks for can be carried out."""
    found, out = chosen(overlay, tmp_path)
    assert (found.experiment.name, found.experiment.seed) == ("commutator", 0)
    assert str(found.data) == "/data/sets/KolektorSDD"
    assert out == run_of(overlay, tmp_path)
    checks.check(found.experiment, validated=False)


@EVERY_JOB
def test_a_job_has_the_gpus_that_it_trains_on(overlay: str, tmp_path: Path) -> None:
    """As many as its settings say, and none of them idle; never the CPU instead."""
    machine = chosen(overlay, tmp_path)[0].experiment.machine
    limits = container(overlay, "training")["resources"]["limits"]
    assert machine.accelerator == "gpu"
    assert machine.devices == limits["nvidia.com/gpu"] == (2 if overlay == "training-multi-gpu" else 1)


def test_each_fold_is_trained_once(tmp_path: Path) -> None:
    """There is a pod for each fold of the experiment, which holds that one out."""
    data = chosen("training-folds", tmp_path)[0].experiment.data
    assert isinstance(data, FileData)
    assert (job("training-folds")["completions"], job("training-folds")["completionMode"]) == (3, "Indexed")
    assert (data.split.folds, data.split.fold) == (3, 2)
    (variable,) = [each for each in container("training-folds", "training")["env"] if each["name"] == "FOLD"]
    where = variable["valueFrom"]["fieldRef"]["fieldPath"]
    assert where == "metadata.labels['batch.kubernetes.io/job-completion-index']"


@EVERY_JOB
@pytest.mark.parametrize(
    ("status", "weights", "expected"),
    [(0, "whole", 0), (0, "none", 1), (EXIT_USAGE, "none", EXIT_USAGE), (1, "none", 1)],
)
def test_a_job_succeeds_with_weights_alone(
    overlay: str, status: int, weights: str, expected: int, tmp_path: Path
) -> None:
    """A training that was asked to stop ends with 0; that is no success, or it would never be gone on with."""
    assert ended(overlay, tmp_path, status=status, weights=weights)[0] == expected


@EVERY_JOB
def test_a_job_goes_on_after_a_pod_was_lost(overlay: str) -> None:
    """A preempted pod costs no try, a mistake is not tried again, and two pods never work in one folder."""
    spec = job(overlay)
    disrupted, mistaken = spec["podFailurePolicy"]["rules"]
    assert disrupted == {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    assert (mistaken["action"], mistaken["onExitCodes"]["values"]) == ("FailJob", [EXIT_USAGE])
    assert spec["podReplacementPolicy"] == "Failed"
    assert spec["template"]["spec"]["restartPolicy"] == "Never"
    tries = spec["backoffLimitPerIndex" if overlay == "training-folds" else "backoffLimit"]
    assert tries >= 3


@EVERY_JOB
def test_a_job_ends_and_goes(overlay: str) -> None:
    """None runs for ever, and none is left behind; what it wrote is on a claim."""
    spec = job(overlay)
    mounts = {each["mountPath"]: each for each in container(overlay, "training")["volumeMounts"]}
    assert spec["activeDeadlineSeconds"] > 0
    assert spec["ttlSecondsAfterFinished"] > 0
    assert mounts["/data/sets"]["readOnly"] is True
    assert not mounts["/data/runs"].get("readOnly", False)
    claims = {volume["name"] for volume in spec["template"]["spec"]["volumes"] if "persistentVolumeClaim" in volume}
    assert claims == {"sets", "runs"}


@EVERY_JOB
def test_a_training_gives_way_to_what_inspects(overlay: str) -> None:
    """A Triton that needs the GPU gets it; a training takes none from anybody."""
    (priority,) = of_kind(overlay, "PriorityClass").values()
    assert job(overlay)["template"]["spec"]["priorityClassName"] == priority["metadata"]["name"]
    assert (priority["value"] < 0, priority["preemptionPolicy"]) == (True, "Never")
    assert "priorityClassName" not in pod("plant/triton")["spec"]  # 0, which is more
