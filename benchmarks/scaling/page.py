"""docs/scaling.md and its figure, as far as they follow from the figures of one run."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scaling.costs import MEASURED, read_measured
from scaling.plot import draw
from scaling.tables import BLOCKS

PAGE = Path("docs/scaling.md")


def filled(page: str, measured: Mapping[str, Any]) -> str:
    """The page, with each table between its two comments.

    Raises:
        ValueError: a comment is missing, or is there twice.
    """
    for name, told in BLOCKS.items():
        begin, end = f"<!-- scaling: {name} -->\n", "<!-- end -->"
        if page.count(begin) != 1:
            raise ValueError(f"The page must have `{begin.strip()}` once, but has it {page.count(begin)} times.")
        before, _, rest = page.partition(begin)
        _, closed, after = rest.partition(end)
        page = f"{before}{begin}{told(measured)}\n{closed}{after}"
    return page


def take_over(run: Path) -> None:
    """Keep the figures of a run, and write what follows from them.

    Raises:
        ValueError: it was made without PostgreSQL.
    """
    measured = json.loads(run.read_text("utf-8"))
    if measured["database"] is None:
        raise ValueError(f"{run} says nothing of PostgreSQL; install it, and run `make bench-scaling` again.")
    MEASURED.parent.mkdir(parents=True, exist_ok=True)
    MEASURED.write_text(json.dumps(_rounded(measured), indent=1) + "\n", "utf-8")
    kept = read_measured()
    PAGE.write_text(filled(PAGE.read_text("utf-8"), kept), "utf-8")
    draw(kept)


def _rounded(value: Any) -> Any:
    """Six digits of every number."""
    match value:
        case float():
            return float(f"{value:.6g}")
        case dict():
            return {key: _rounded(each) for key, each in value.items()}
        case list():
            return [_rounded(each) for each in value]
        case _:
            return value
