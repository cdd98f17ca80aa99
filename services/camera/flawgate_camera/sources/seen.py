"""Which files of a folder were taken over already: known after a restart, too."""

import os
from pathlib import Path

from flawgate_camera.sources.base import Cause, SourceFailed


class SeenFiles:
    """A journal of lines that each name a file; it grows with the folder and shrinks with it.

    Args:
        journal: where it is kept.
        rewrite_from: lines from which on it is made shorter, where most of them are of no use.
    """

    def __init__(self, journal: Path, rewrite_from: int = 1000) -> None:
        self._journal = journal
        self._rewrite_from = rewrite_from
        self._seen: set[str] = set()
        self._lines = 0

    def load(self) -> None:
        """Read the journal. What stands behind its last line end was cut short by a power loss and does not count.

        Raises:
            SourceFailed: it cannot be read.
        """
        try:
            text = self._journal.read_bytes().decode("utf-8", "surrogateescape") if self._journal.exists() else ""
        except OSError as err:
            raise _unusable(self._journal, err) from None
        lines = text.split("\n")[:-1]
        self._seen, self._lines = set(lines), len(lines)
        if text and not text.endswith("\n"):
            self._rewrite()

    def __contains__(self, line: str) -> bool:
        return line in self._seen

    def add(self, line: str) -> None:
        """Note a file, on the disk before this returns.

        Raises:
            SourceFailed: it cannot be noted.
        """
        _write(self._journal, [line], "ab")
        self._seen.add(line)
        self._lines += 1

    def forget_all_but(self, lines: set[str]) -> None:
        """Forget files that are gone.

        Raises:
            SourceFailed: the journal cannot be written.
        """
        self._seen &= lines
        if self._lines > self._rewrite_from and self._lines > 2 * len(self._seen):
            self._rewrite()

    def _rewrite(self) -> None:
        part = self._journal.with_name(f"{self._journal.name}.part")
        _write(part, sorted(self._seen), "wb")
        part.replace(self._journal)
        self._lines = len(self._seen)


def _write(path: Path, lines: list[str], mode: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open(mode) as file:
            file.write("".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape"))
            file.flush()
            os.fsync(file.fileno())
    except OSError as err:
        raise _unusable(path, err) from None


def _unusable(path: Path, err: OSError) -> SourceFailed:
    return SourceFailed(
        Cause.MISSING, f"The list of files taken over, {path}, cannot be used ({err.strerror}); mend data_dir."
    )
