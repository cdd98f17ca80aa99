"""What the tables share."""

import math

from rich.box import SIMPLE_HEAD
from rich.table import Table

from flawgate_cli.top.changes import Distribution


def table(*columns: str, title: str = "") -> Table:
    """Without rows: names on the left, numbers on the right, nothing broken; headings tell the unit."""
    made = Table(
        box=SIMPLE_HEAD, pad_edge=False, padding=0, title=title or None, title_justify="left", title_style="bold"
    )
    for number, column in enumerate(columns):
        made.add_column(column, justify="right" if number else "left", no_wrap=True)
    return made


def beyond(times: Distribution) -> float | None:
    """The last finite edge, in seconds."""
    return max((edge for edge in times.edges if not math.isinf(edge)), default=None)
