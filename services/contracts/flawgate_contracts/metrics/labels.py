"""Values of labels: those that come from requests are bounded, whatever comes."""

from collections.abc import Iterable

OTHER = "other"
"""Stands for every value that has no series of its own."""


class BoundedLabel:
    """Values of one label that callers make up: known ones, and where none are, the first so many that are seen."""

    def __init__(self, known: Iterable[str] = (), *, first: int = 0) -> None:
        """A label.

        Args:
            known: values that have series of their own, from the start.
            first: so many further values get one each, first come, first served.
        """
        self._values = set(known)
        self._left = first

    def add(self, value: str) -> None:
        """Make a value known: one that does not come from a request."""
        self._values.add(value)

    def bounded(self, value: str) -> str:
        """The value where it is known or may become so, else `OTHER`."""
        if value in self._values:
            return value
        if not self._left:
            return OTHER
        self._left -= 1
        self._values.add(value)
        return value
