"""CSV as RFC 4180 writes it, safe to open in a spreadsheet."""

import csv
import io
from datetime import datetime

from flawgate_gateway.answer import rfc_3339

_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "'")  # noqa: RUF001  # full width: what some tables take for these
"""A spreadsheet computes what begins so, or, by the last, hides it."""


def guarded(text: str | None) -> str | None:
    """Text from outside, with an apostrophe in front of what a spreadsheet would take for a formula."""
    return f"'{text}" if text is not None and text.startswith(_FORMULA) else text


def utc(moment: datetime | None) -> str | None:
    """RFC 3339, UTC, with milliseconds and `Z`; None of None."""
    return None if moment is None else rfc_3339(moment)


def line(*cells: object) -> bytes:
    """One line, UTF-8."""
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerow(cells)
    return written.getvalue().encode()
