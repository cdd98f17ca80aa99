import re
import subprocess
import sys
from pathlib import Path

import yaml
from support.manifests import K8S, NAME_LABEL, ROOT, SERVICES, of_kind

RULES = ROOT / "monitoring/rules"


def written(folder: Path) -> dict[str, str]:
    """The generated files of the component in a folder."""
    found = [path for name in ("rules", "dashboards") for path in (folder / name).iterdir()]
    return {str(path.relative_to(folder)): path.read_text("utf-8") for path in found}


def test_generated_files_are_as_monitoring_says(tmp_path: Path) -> None:
    """`python -m k8s.components.monitoring.generating` would change nothing."""
    command = [sys.executable, "-m", "k8s.components.monitoring.generating", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True)
    assert written(tmp_path) == written(K8S / "components/monitoring")


def test_rules_are_those_of_prometheus() -> None:
    """The operator's rules hold what `monitoring/rules` holds, all of it."""
    found = {name: rule["spec"] for name, rule in of_kind("plant", "PrometheusRule").items()}
    assert found == {f"flawgate-{path.stem}": yaml.safe_load(path.read_text("utf-8")) for path in RULES.glob("*.yml")}
    assert len(found) == 2


def test_boards_are_labelled_for_grafana() -> None:
    """Each board of monitoring/grafana is a ConfigMap with the label that Grafana's sidecar looks for."""
    boards = {path.name: path.read_text("utf-8") for path in (ROOT / "monitoring/grafana/dashboards").glob("*.json")}
    maps = [each for name, each in of_kind("plant", "ConfigMap").items() if name.startswith("grafana-")]
    assert boards == {file: text for each in maps for file, text in each["data"].items()}
    assert {each["metadata"]["labels"]["grafana_dashboard"] for each in maps} == {"1"}


def test_every_service_is_scraped_under_the_job_of_its_rules() -> None:
    """The monitor finds each Service and its port, and calls the series by the `job` that alerts ask for."""
    (monitor,) = of_kind("plant", "ServiceMonitor").values()
    services = of_kind("plant", "Service")
    (wanted,) = monitor["spec"]["selector"]["matchLabels"].items()
    (endpoint,) = monitor["spec"]["endpoints"]
    jobs = [each["metadata"]["labels"][monitor["spec"]["jobLabel"]] for each in services.values()]
    assert monitor["spec"]["jobLabel"] == NAME_LABEL
    assert sorted(jobs) == sorted(SERVICES)
    for service in services.values():
        assert wanted in service["metadata"]["labels"].items()
        assert endpoint["port"] in {each["name"] for each in service["spec"]["ports"]}
    asked = set(re.findall(r'up\{job="(\w+)"\}', (RULES / "alerts.yml").read_text("utf-8")))
    assert {"gateway", "preprocessing", "decision", "triton"} <= asked
    assert asked - {"camera", "prometheus"} <= set(jobs)
