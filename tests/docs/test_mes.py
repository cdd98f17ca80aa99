from pathlib import Path

from support.walks import ROOT, clone, walk_through

PAGE = ROOT / "docs/mes.md"


def test_the_walk_of_an_mes_integrator_is_what_happens(tmp_path: Path) -> None:
    """Every block of docs/mes.md is run word for word, against all services, and shows what the page shows."""
    with clone(tmp_path) as folder:
        assert walk_through(PAGE.read_text("utf-8"), folder) > 10
