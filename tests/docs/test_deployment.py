import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.commands import parsed

REPOSITORY = Path(__file__).parents[2]
PAGE = (REPOSITORY / "docs/deployment.md").read_text("utf-8")
MARK = re.compile(r"\*\*(Run here|Not run here|not run here)\b")
BLOCKS = [(found.start(), found[1]) for found in re.finditer(r"```sh\n(.*?)```", PAGE, re.DOTALL)]
SHELL = "\n".join(block for _, block in BLOCKS)
OVERLAYS = {found[1]: found[2] for found in re.finditer(r"```yaml\n# ([\w-]+)/\S+\n(.*?)```", PAGE, re.DOTALL)}


def test_each_block_says_whether_it_was_run() -> None:
    """The paragraph before it does, or the one between it and the block before."""
    ends = [0, *(begin + len(block) for begin, block in BLOCKS)]
    before = {block: PAGE[end:begin] for end, (begin, block) in zip(ends, BLOCKS, strict=False)}
    assert [block for block, text in before.items() if MARK.search(text) is None] == []


@pytest.mark.parametrize("call", re.findall(r"(?:^|-- )flawgate ([^#)\n]+)", SHELL, re.MULTILINE))
def test_it_calls_commands_that_there_are(call: str) -> None:
    """Every `flawgate ...` of the page is one, with options that it has."""
    assert parsed([word.strip("'") for word in re.findall(r"'[^']*'|\S+", call)]) != {}


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\bmake ([a-z0-9-]+)", PAGE))))
def test_it_makes_targets_that_there_are(target: str) -> None:
    """Every `make ...` of the page."""
    assert re.search(rf"^{target}:", (REPOSITORY / "Makefile").read_text("utf-8"), re.MULTILINE)


def rendered(name: str, folder: Path) -> list[dict[str, Any]]:
    """The objects of an overlay of the page, beside this clone's `k8s/`."""
    program = shutil.which("kubectl")
    if program is None:
        pytest.skip("kubectl is not installed, which renders overlays")
    (folder / "kustomization.yaml").write_text(
        OVERLAYS[name].replace("../k8s", os.path.relpath(REPOSITORY / "k8s", folder)), "utf-8"
    )
    done = subprocess.run([program, "kustomize", str(folder)], capture_output=True, text=True, check=True)
    return list(yaml.safe_load_all(done.stdout))


@pytest.mark.parametrize("name", ["flawgate-line", "flawgate-plant"])
def test_an_overlay_of_ones_own_takes_our_images_from_the_registry(name: str, tmp_path: Path) -> None:
    """All of them: none is left that no node could pull."""
    images = set(re.findall(r"'image': '([^']+)'", str(rendered(name, tmp_path))))
    assert {image for image in images if image.startswith("flawgate/")} == set()
    assert {image for image in images if image.startswith("registry.example/flawgate/gateway:")}


def test_the_plants_own_names_and_bounds_are_in_force(tmp_path: Path) -> None:
    """The routes' hosts, and how many gateways there may be."""
    objects = {(each["kind"], each["metadata"]["name"]): each for each in rendered("flawgate-plant", tmp_path)}
    hosts = {kind: each["spec"]["hostnames"] for (kind, _), each in objects.items() if kind.endswith("Route")}
    assert hosts == {"HTTPRoute": ["inspect.plant.example"], "GRPCRoute": ["grpc.plant.example"]}
    assert objects["HorizontalPodAutoscaler", "gateway"]["spec"]["maxReplicas"] == 12
