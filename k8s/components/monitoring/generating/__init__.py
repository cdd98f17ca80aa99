"""The component's files that are made from monitoring/: kustomize reads nothing outside of its own folder."""

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[4]
COMPONENT = Path(__file__).parents[1]
FOLDERS = ("rules", "dashboards")

HEADER = "# Written by `python -m k8s.components.monitoring.generating` from monitoring/rules; change it there.\n"


def write(target: Path = COMPONENT) -> None:
    """Write the files into folders of `target`, and remove those whose source has gone."""
    files = generated()
    present = [path.relative_to(target) for folder in FOLDERS for path in target.glob(f"{folder}/*")]
    for stale in set(present) - set(files):
        (target / stale).unlink()
    for path, text in files.items():
        (target / path).parent.mkdir(exist_ok=True)
        (target / path).write_text(text, "utf-8")


def generated() -> dict[Path, str]:
    """What is to stand in which file, by its path within the component."""
    rules = {Path("rules", path.name): _prometheus_rule(path) for path in ROOT.glob("monitoring/rules/*.yml")}
    boards = ROOT.glob("monitoring/grafana/dashboards/*.json")
    return rules | {Path("dashboards", path.name): path.read_text("utf-8") for path in boards}


def _prometheus_rule(path: Path) -> str:
    document: dict[str, Any] = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": f"flawgate-{path.stem}"},
        "spec": yaml.safe_load(path.read_text("utf-8")),
    }
    return HEADER + yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)
