import re
from pathlib import Path

from support.walks import FENCE, ROOT, clone, walk_through

from flawgate_camera.config.loading import parse
from flawgate_camera.frames import DropCause
from flawgate_camera.sources.base import Cause

PAGE = (ROOT / "docs/cameras.md").read_text("utf-8")
CAMERA = '[[cameras]]\nname = "top"\nstation = "S4"\nrecipe = "texture"\n'
GENERATED = 'source = { kind = "generated" }\n'


def test_the_walk_of_a_technician_is_what_happens(tmp_path: Path) -> None:
    """Every command of docs/cameras.md is run word for word, against all services, and shows what the page shows."""
    with clone(tmp_path) as folder:
        assert walk_through(PAGE, folder) >= 2


def test_every_table_of_the_page_is_one_that_the_agent_reads() -> None:
    """Configurations, sources, triggers and policies can be copied from docs/cameras.md as they stand."""
    whole = [text for kind, text in FENCE.findall(PAGE) if kind == "toml"]
    parts = re.findall(r"^\| (?:[^|]*\| )?`(\{[^`]*\})`(?:, `(\{[^`]*\})`)?", PAGE, re.MULTILINE)
    tables = [table for pair in parts for table in pair if table]
    read = [parse(text if "[[cameras]]" in text else CAMERA + GENERATED + text, "cameras.toml") for text in whole]
    read += [parse(CAMERA + _as_keys(table), "cameras.toml") for table in tables]
    assert len(read) > 12


def test_the_page_names_every_cause() -> None:
    """Whatever stands in a metric, a log line or a gap, docs/cameras.md says what to look at."""
    named = set(re.findall(r"`([A-Z_]+)`", PAGE))
    assert {*map(str, Cause), *map(str, DropCause)} - named == set()


def _as_keys(table: str) -> str:
    """A camera's keys, of which a table of the page is one: those of a source, a trigger or a delivery."""
    if "policy" in table:
        return f"{GENERATED}delivery = {table}\n"
    kind = re.search(r'kind = "(\w+)"', table)
    assert kind is not None
    if kind[1] in ("every", "nth", "rate", "motion", "tcp", "mqtt"):
        return f"{GENERATED}trigger = {table}\n"
    return f"source = {table}\n"
