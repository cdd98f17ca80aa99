import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from support.commands import parsed
from support.manifests import K8S, TOOLS, of_kind

README = (K8S / "README.md").read_text("utf-8")
SHELL = "\n".join(re.findall(r"```sh\n(.*?)```", README, re.DOTALL)).replace("\\\n", "")

CALLS = re.findall(r"(?:^|-- +)flawgate ([^#\n]+)", SHELL, re.MULTILINE)
"""The arguments of each `flawgate` that the page calls, here or in a pod."""


@pytest.mark.parametrize("folder", ["overlays", "components"])
def test_the_page_names_every_part(folder: str) -> None:
    """Each overlay and each component has a line in its table, with a link to it."""
    names = {path.parent.name for path in (K8S / folder).glob("*/kustomization.yaml")}
    assert {name for name in names if f"[{name}]({folder}/{name})" not in README} == set()


@pytest.mark.parametrize("call", CALLS)
def test_the_page_calls_commands_that_there_are(call: str) -> None:
    """Every `flawgate ...` of the page is one, with options that it has."""
    words = re.findall(r"'[^']*'|\S+", call)
    assert parsed([word.strip("'") for word in words]) != {}


def test_the_page_applies_files_that_there_are() -> None:
    """Overlays and tools by their paths."""
    named = set(re.findall(r"k8s/(?:overlays|tools)/[\w.-]+", SHELL))
    assert {path for path in named if not (K8S.parent / path).exists()} == set()
    assert {f"k8s/tools/{name}.yaml" for name in TOOLS} <= named


def test_a_training_of_ones_own_is_made_as_the_page_says(tmp_path: Path) -> None:
    """The page's overlay renders to a Job of another name, with another experiment, and the same claims."""
    program = shutil.which("kubectl")
    if program is None:
        pytest.skip("kubectl is not installed, which renders overlays")
    (example,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    beside = os.path.relpath(K8S / "overlays/training", tmp_path)
    (tmp_path / "kustomization.yaml").write_text(example.replace("../training", beside), "utf-8")
    done = subprocess.run([program, "kustomize", str(tmp_path)], capture_output=True, text=True, check=True)
    found = {each["kind"]: each for each in yaml.safe_load_all(done.stdout)}
    (container,) = found["Job"]["spec"]["template"]["spec"]["containers"]
    shipped = of_kind("training", "Job")["training"]["spec"]["template"]["spec"]
    assert found["Job"]["metadata"]["name"] == "training-leather-seed7"
    assert container["args"] == [*shipped["containers"][0]["args"], "--fp16"]
    assert container["envFrom"] == [{"configMapRef": {"name": found["ConfigMap"]["metadata"]["name"]}}]
    assert (found["ConfigMap"]["data"]["EXPERIMENT"], found["ConfigMap"]["data"]["SEED"]) == ("leather_hides", "7")
    assert found["Job"]["spec"]["template"]["spec"]["volumes"] == shipped["volumes"]
