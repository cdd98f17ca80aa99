"""What one side of a stream may send next: numbers without a hole, a credit for each frame."""

from flawgate_contracts.errors import InvalidParameter, InvalidRequest


class Numbering:
    """Counts what came and what was answered."""

    def __init__(self, *, first: int, credit: int) -> None:
        """At the beginning of a connection.

        Args:
            first: number of the frame, or gap, that comes first, as the hello says.
            credit: frames that may be on their way at once, 1 or more.
        """
        self._next = first
        self._left = credit
        self._granted_at_once = max(1, credit // 2)
        self._owed = 0

    def frame(self, sequence: int) -> None:
        """A frame came.

        Raises:
            InvalidParameter: its number is not the next one.
            InvalidRequest: there was no credit for it.
        """
        self._check_next(sequence, "sequence")
        if self._left == 0:
            raise InvalidRequest(
                f"Frame {sequence} came without a credit; when the welcome's are used up, wait for more."
            )
        self._left -= 1
        self._next = sequence + 1

    def gap(self, first: int, last: int) -> None:
        """A gap came, from its first number to its last one.

        Raises:
            InvalidParameter: its first number is not the next one.
        """
        self._check_next(first, "first_sequence")
        self._next = last + 1

    def answered(self) -> int:
        """A frame was answered: how many credits to grant now, several at once; often 0."""
        self._owed += 1
        if self._owed < self._granted_at_once:
            return 0
        granted, self._owed = self._owed, 0
        self._left += granted
        return granted

    def _check_next(self, sequence: int, field: str) -> None:
        if sequence != self._next:
            raise InvalidParameter(
                f"Number {self._next} comes next, not {sequence}; send every number once and in order, as a frame or "
                "within a gap.",
                {"field": field},
            )
