"""Alerts that mean something: the rules of `monitoring/rules`, their cases, and a page for each alert."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.alert_rules import CASES, ROOT, RULES, Rule, alerts, expected, groups, recorded
from support.boards import series
from support.metric_names import TARGET_LABELS, exposed
from support.ports import free_port
from support.prometheus import MONITORING, running_prometheus

RUNBOOKS = ROOT / "docs/runbooks"
RUNBOOK_URL = "https://github.com/flawgate/flawgate/blob/main/docs/runbooks"
FIRST_EVALUATIONS_S = 30.0

ALERTS = alerts()
RECORDED = {rule.name for rule in recorded()}
EXPOSED = exposed()
EXPECTED = expected()

each_alert = pytest.mark.parametrize("rule", ALERTS, ids=str)
each_rule = pytest.mark.parametrize("rule", [*recorded(), *ALERTS], ids=str)


def program(name: str, package: str) -> str:
    """A program; skips the test where it is not installed."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed: apt-get install {package}")
    return found


def run(*command: str | Path) -> tuple[int, str]:
    """Exit status of a program, and what it said where that is not 0."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, "" if done.returncode == 0 else done.stdout + done.stderr


def test_rules_and_configuration_are_well_formed() -> None:
    """Promtool finds no fault in the rules, nor in the configuration that names them."""
    promtool = program("promtool", "prometheus")
    assert run(promtool, "check", "rules", *RULES.glob("*.yml")) == (0, "")
    assert run(promtool, "check", "config", MONITORING / "prometheus.yml") == (0, "")


def test_the_example_for_alertmanager_is_well_formed() -> None:
    """Amtool finds no fault in it."""
    assert run(program("amtool", "prometheus-alertmanager"), "check-config", MONITORING / "alertmanager.yml") == (0, "")


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_cases_come_out_as_they_say(path: Path) -> None:
    """On made-up series, alerts fire where they must and nowhere else."""
    assert run(program("promtool", "prometheus"), "test", "rules", path) == (0, "")


@each_alert
def test_every_alert_has_a_case_that_fires_and_one_that_must_not(rule: Rule) -> None:
    """Each alert, in each of its severities, is seen to fire, and seen to keep quiet; the watchdog never does."""
    seen = {True} if rule.name == "Watchdog" else {True, False}
    assert {bool(case.firing) for case in EXPECTED if case.is_of(rule)} == seen


@each_alert
def test_every_alert_says_how_bad_what_and_what_to_do(rule: Rule) -> None:
    """Severity, summary, description, and the address of its own page."""
    assert rule.labels["severity"] in ("page", "ticket", "none")
    assert set(rule.annotations) == {"summary", "description", "runbook_url"}
    assert rule.annotations["runbook_url"] == f"{RUNBOOK_URL}/{rule.name}.md"


@each_alert
def test_labels_in_what_an_alert_says_are_its_own(rule: Rule) -> None:
    """A sentence for somebody who was just woken has no holes: the cases show which labels an alert has."""
    said = set(re.findall(r"\$labels\.(\w+)", " ".join(rule.annotations.values())))
    fired = {label for case in EXPECTED if case.is_of(rule) for labels in case.firing for label in labels}
    assert said - fired == set()


def test_every_alert_has_a_page_and_every_page_an_alert() -> None:
    """Whoever is woken finds a page; and no page is left of an alert that is gone."""
    names = {rule.name for rule in ALERTS}
    assert {path.stem for path in RUNBOOKS.glob("*.md")} - {"README"} == names
    index = (RUNBOOKS / "README.md").read_text("utf-8")
    assert set(re.findall(r"\]\((\w+)\.md\)", index)) == names


@each_alert
def test_a_page_answers_the_questions_of_the_night(rule: Rule) -> None:
    """A page is titled by its alert: what it means, where to look, what to do, and how one sees that it is over."""
    text = (RUNBOOKS / f"{rule.name}.md").read_text("utf-8")
    headings = ["What it means", "First look", "Likely causes", "Healed"]
    assert text.splitlines()[0] == f"# {rule.name}"
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == headings


@each_rule
def test_series_and_labels_of_rules_exist(rule: Rule) -> None:
    """A rule names series that the code exposes or another rule records, and chooses by labels that they have."""
    assert unknown(rule.expression) == []


@pytest.mark.parametrize("page", sorted(RUNBOOKS.glob("*.md")), ids=lambda page: page.stem)
def test_queries_of_pages_exist(page: Path) -> None:
    """What a page tells somebody to ask Prometheus at night is there."""
    queries = re.findall(r"^```promql\n(.+?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert [fault for query in queries for line in query.splitlines() for fault in unknown(line)] == []


def unknown(expression: str) -> list[str]:
    """What an expression names that there is not: series, and labels of series."""
    found = [(name, labels) for name, labels in series(expression) if name not in RECORDED]
    wrong = [name for name, _ in found if name not in EXPOSED]
    return wrong + [
        f"{name}{{{label}}}"
        for name, labels in found
        if name in EXPOSED
        for label in sorted(labels - EXPOSED[name] - TARGET_LABELS)
    ]


def test_a_series_or_label_that_there_is_not_is_found() -> None:
    """The check above can fail."""
    assert unknown('flawgate_inspections_total{colour="red"}') == ["flawgate_inspections_total{colour}"]
    assert unknown("sum by (lens) (rate(flawgate_inspections_total[5m]))") == ["flawgate_inspections_total{lens}"]
    assert unknown("flawgate_inspected_total == 0") == ["flawgate_inspected_total"]


def test_prometheus_takes_the_configuration_and_evaluates_all_rules(tmp_path: Path) -> None:
    """Started on the configuration as it is, Prometheus knows each group, and no rule fails."""
    folder = tmp_path / "monitoring"
    shutil.copytree(MONITORING, folder, ignore=shutil.ignore_patterns("grafana", "targets"))
    port = free_port()
    with running_prometheus(folder, port) as prometheus:
        prometheus.until(lambda: {rule["health"] for rule in rules_of(port)} == {"ok"}, FIRST_EVALUATIONS_S)
        assert {rule["lastError"] for rule in rules_of(port) if "lastError" in rule} == set()
        assert {rule["health"] for rule in rules_of(port)} == {"ok"}
        assert {group["name"] for group in groups_of(port)} == groups()


def groups_of(port: int) -> list[dict[str, Any]]:
    """Groups of rules as a running Prometheus tells of them."""
    answer = httpx.get(f"http://127.0.0.1:{port}/api/v1/rules", trust_env=False).json()
    return list(answer["data"]["groups"])


def rules_of(port: int) -> list[dict[str, str]]:
    """All their rules."""
    return [rule for group in groups_of(port) for rule in group["rules"]]
