"""Whoever counts pictures."""

from typing import Literal, Protocol

Operation = Literal["put", "get", "purge"]
Skipped = Literal["sampling", "full"]


class PictureObserver(Protocol):
    """Is told what happens to pictures."""

    def kept(self, evaluation: str, stored_bytes: int) -> None:
        """The pictures of an inspection were kept."""
        ...

    def skipped(self, cause: Skipped) -> None:
        """Those of a good part were not."""
        ...

    def purged(self, evaluation: str, stored_bytes: int) -> None:
        """The pictures of an inspection are gone."""
        ...

    def failed(self, operation: Operation) -> None:
        """The archive could not be used."""
        ...

    def level(self, held_bytes: int, max_bytes: int) -> None:
        """So much is kept, and so much may be."""
        ...

    def purge_ended(self) -> None:
        """A purge came to its end."""
        ...


class Unobserved:
    """A `PictureObserver` that counts nothing, for commands."""

    def kept(self, evaluation: str, stored_bytes: int) -> None:
        """See `PictureObserver`."""

    def skipped(self, cause: Skipped) -> None:
        """See `PictureObserver`."""

    def purged(self, evaluation: str, stored_bytes: int) -> None:
        """See `PictureObserver`."""

    def failed(self, operation: Operation) -> None:
        """See `PictureObserver`."""

    def level(self, held_bytes: int, max_bytes: int) -> None:
        """See `PictureObserver`."""

    def purge_ended(self) -> None:
        """See `PictureObserver`."""
