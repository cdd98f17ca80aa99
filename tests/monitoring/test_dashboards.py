import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard
from support.boards import BOARDS, GRAFANA, ROOT, Asked, Json, expressions, filled_in, panels, queries, series
from support.metric_names import TARGET_LABELS, exposed

MONITORING = ROOT / "monitoring"
COLUMNS = 24
EXPOSED = exposed()
RULES = [
    rule
    for path in sorted((MONITORING / "rules").glob("*.yml"))
    for group in yaml.safe_load(path.read_text())["groups"]
    for rule in group["rules"]
]
RECORDED = {rule["record"] for rule in RULES if "record" in rule}
ALERTS = {rule["alert"] for rule in RULES if "alert" in rule}

UNKNOWN_TO_THE_MODELS = {
    ".annotations.list[].titleFormat": "the data source reads it",
    ".annotations.list[].tagKeys": "the data source reads it",
    ".templating.list[].definition": "what the list of variables shows",
    ".panels[].options.tooltip.mode": "came with Grafana 10.3, the models are of 10.1",
}
"""Keys that are not in Grafana's models, and why they are written all the same."""

each_board = pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
each_query = pytest.mark.parametrize("asked", queries(), ids=str)


def test_boards_are_those_of_the_generator() -> None:
    """The files are what `make dashboards` writes."""
    check = subprocess.run(
        [sys.executable, "-m", "monitoring.grafana.boards", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (check.returncode, check.stderr) == (0, "")


@each_board
def test_every_key_is_one_that_grafana_knows(board: Json) -> None:
    """Read into Grafana's own models and written again, a board has lost nothing."""
    register_default_plugins()
    kept = json.loads(JSONEncoder().encode(Dashboard.from_json(board)))
    assert set(_lost(board, kept)) - UNKNOWN_TO_THE_MODELS.keys() == set()


def _lost(said: Any, kept: Any, path: str = "") -> Iterator[str]:
    """Paths, without indices, of what is in the first and not in the second."""
    if isinstance(said, dict) and isinstance(kept, dict):
        for key, value in said.items():
            if key in kept or value not in (None, [], {}):
                yield from _lost(value, kept.get(key, "nothing"), f"{path}.{key}")
    elif isinstance(said, list) and isinstance(kept, list):
        for one, other in zip(said, kept, strict=True):
            yield from _lost(one, other, f"{path}[]")
    elif said != kept:
        yield path


def test_every_board_has_a_uid_of_its_own() -> None:
    """Addresses of boards, which people keep, do not change."""
    assert {board["uid"] for board in BOARDS.values()} == {
        "flawgate-cameras",
        "flawgate-latency",
        "flawgate-line",
        "flawgate-models",
        "flawgate-objectives",
        "flawgate-sinks",
        "flawgate-triton",
    }


@each_board
def test_every_panel_asks_a_question_and_says_what_to_do(board: Json) -> None:
    """The title is the question that the panel answers; the description says what to look for."""
    assert [panel["title"] for panel in panels(board) if not panel["title"].endswith("?")] == []
    assert [panel["title"] for panel in panels(board) if len(panel["description"]) < 15] == []
    assert len({panel["title"] for panel in panels(board)}) == len(panels(board))


@each_board
def test_panels_fill_the_grid_and_do_not_overlap(board: Json) -> None:
    """Each cell of the grid belongs to one panel, and ids are unique."""
    cells = [
        (place["x"] + column, place["y"] + row)
        for place in (panel["gridPos"] for panel in board["panels"])
        for column in range(place["w"])
        for row in range(place["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert max(column for column, _ in cells) == COLUMNS - 1
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])


@each_board
def test_variables_are_used_and_those_used_are_there(board: Json) -> None:
    """A choice above the board has an effect, and works with "All"."""
    offered = {variable["name"]: variable["allValue"] for variable in board["templating"]["list"]}
    text = " ".join(target["expr"] for panel in panels(board) for target in panel["targets"])
    used = set(re.findall(r"\$(?!__)(\w+)", text))
    assert offered == dict.fromkeys(used, ".*")
    assert re.findall(r'[^~]"\$(?!__)\w+', text) == []


@each_board
def test_choices_are_values_of_labels_that_exist(board: Json) -> None:
    """The values offered come from a series that is exposed, and from a label that it has."""
    asked = [variable["query"]["query"] for variable in board["templating"]["list"]]
    found = [re.fullmatch(r"label_values\((\w+), (\w+)\)", query) for query in asked]
    assert [match and match[2] in EXPOSED[match[1]] for match in found] == [True] * len(asked)


@each_query
def test_every_series_and_label_is_exposed(asked: Asked) -> None:
    """A query names series that the code exposes or a rule records, by labels that they have."""
    found = list(series(asked.target["expr"]))
    unknown = [name for name, _ in found if name not in EXPOSED and name not in RECORDED]
    assert (found == [], unknown) == (False, [])
    assert [labels - EXPOSED[name] - TARGET_LABELS for name, labels in found if name in EXPOSED] == [
        frozenset() for name, _ in found if name in EXPOSED
    ]


@each_query
def test_every_name_in_a_legend_is_a_label_of_the_answer(asked: Asked) -> None:
    """A legend shows labels that the query keeps."""
    kept = {label for _, labels in series(asked.target["expr"]) for label in labels}
    assert set(re.findall(r"{{(\w+)}}", asked.target["legendFormat"])) - kept == set()


@each_query
def test_a_panel_asks_in_the_form_that_it_shows(asked: Asked) -> None:
    """Tables and heat maps get rows and buckets, graphs a range, tables and numbers the value of now."""
    forms = {"table": ("table", True), "stat": ("time_series", True), "heatmap": ("heatmap", False)}
    expected = forms.get(asked.panel["type"], ("time_series", False))
    assert (asked.target["format"], asked.target["instant"]) == expected


@each_board
def test_series_of_one_panel_can_be_told_apart(board: Json) -> None:
    """Two queries of a panel have two legends."""
    legends = [[target["legendFormat"] for target in panel["targets"]] for panel in panels(board)]
    assert [names for names in legends if len(set(names)) != len(names)] == []


def test_prometheus_parses_every_expression(tmp_path: Path) -> None:
    """Every expression of a panel and of an annotation is PromQL."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed: apt-get install prometheus")
    rules = [{"record": f"board:{index}", "expr": filled_in(each)} for index, each in enumerate(expressions())]
    file = tmp_path / "boards.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "boards", "rules": rules}]}))
    check = subprocess.run([promtool, "check", "rules", file], capture_output=True, text=True, check=False)
    assert (check.returncode, check.stderr) == (0, "")


@each_board
def test_links_lead_to_alerts_and_pages_that_exist(board: Json) -> None:
    """The runbook of a panel is that of an alert, and lies in docs/."""
    links = [link["url"] for panel in panels(board) for link in panel["links"]]
    pages = [url.partition("/blob/main/")[2] for url in links + [link.get("url", "") for link in board["links"]]]
    assert [page for page in pages if page and not (ROOT / page).exists()] == []
    assert {Path(url).stem for url in links} - ALERTS == set()


def test_every_alert_has_a_panel() -> None:
    """Whoever is called by an alert finds the board that shows its cause."""
    linked = {Path(link["url"]).stem for board in BOARDS.values() for panel in panels(board) for link in panel["links"]}
    assert ALERTS - linked == {"Watchdog"}


def test_the_data_source_is_the_one_that_the_boards_name() -> None:
    """Its uid is fixed, and its interval that of the scrapes."""
    (source,) = yaml.safe_load((GRAFANA / "provisioning/datasources/prometheus.yml").read_text())["datasources"]
    scrapes = yaml.safe_load((MONITORING / "prometheus.yml").read_text())["global"]["scrape_interval"]
    named = {target["datasource"]["uid"] for asked in queries() for target in [asked.target]}
    assert ({source["uid"]}, source["jsonData"]["timeInterval"]) == (named, scrapes)


def test_the_boards_are_read_from_files_alone() -> None:
    """Nobody changes a board where the change would be lost."""
    (provider,) = yaml.safe_load((GRAFANA / "provisioning/dashboards/flawgate.yml").read_text())["providers"]
    assert (provider["type"], provider["allowUiUpdates"], provider["disableDeletion"]) == ("file", False, True)
