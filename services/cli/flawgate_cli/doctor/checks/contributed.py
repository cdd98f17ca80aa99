"""Checks of installed packages, by entry points of the group `flawgate.doctor_checks`."""

from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import EntryPoint

from flawgate_contracts.checkup.findings import Check, Contribution, Finding, Place, error


def contributed(entries: Iterable[EntryPoint], place: Place) -> list[Check]:
    """The checks of all packages; a package that cannot be imported is one whose result is that.

    Args:
        entries: name functions that take the place and give checks.
        place: the installation.
    """
    return [check for entry in sorted(entries, key=lambda each: each.name) for check in _of(entry, place)]


def _of(entry: EntryPoint, place: Place) -> Sequence[Check]:
    try:
        contribution: Contribution = entry.load()
        return contribution(place)
    except Exception as err:  # noqa: BLE001  # a half installed package is what the doctor is there to find
        return (_broken(entry, f"{type(err).__name__}: {err}" if isinstance(err, ImportError) else type(err).__name__),)


def _broken(entry: EntryPoint, why: str) -> Check:
    def look() -> Iterator[Finding]:
        says = f"The checks of {entry.value.partition('.')[0]} cannot be loaded ({why})."
        yield error(says, "Install its packages again (`make setup`).")

    return Check("installation", entry.name, look)
