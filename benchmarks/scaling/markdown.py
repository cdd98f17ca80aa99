"""Tables in Markdown, and numbers as people read them."""

import math
from collections.abc import Sequence


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; every column but the first is aligned to the right where its cells are numbers."""
    numeric = [all(_is_number(row[column]) for row in rows) for column in range(len(headings))]
    rule = ["---:" if column and right else "---" for column, right in enumerate(numeric)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (headings, rule, *rows))


def amount(value: float) -> str:
    """Two digits that count: 0.042, 3.4, 86, 12,000."""
    if value == 0:
        return "0"
    rounded = float(f"{value:.2g}")
    return f"{rounded:,.{max(0, 1 - math.floor(math.log10(abs(rounded))))}f}"


def in_bytes(value: float) -> str:
    """12 kB, 3.4 TB."""
    for name, size in (("PB", 1e15), ("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if value >= size:
            return f"{amount(value / size)} {name}"
    return f"{value:.0f} B"


def _is_number(cell: str) -> bool:
    return bool(cell) and (cell[0].isdigit() or cell[0] in "+−-–<≥")
