"""A folder into which something else puts picture files."""

import os
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import nsmallest
from pathlib import Path
from time import monotonic

from flawgate_camera.config.sources import FolderSource as Config
from flawgate_camera.frames import Picture, Trigger
from flawgate_camera.sources.base import Cause, DamagedPicture, SourceFailed
from flawgate_camera.sources.pace import Pace
from flawgate_camera.sources.seen import SeenFiles
from flawgate_contracts.errors import BodyTooLarge, FlawgateError
from flawgate_imaging.decoding import DEFAULT_LIMITS, decode

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
"""Of files that are looked at; `x.png.part` has another one."""

MAX_NAME = 128
"""Characters of a file's name that go along as the trigger's id."""


@dataclass(frozen=True, slots=True, order=True)
class FoundFile:
    """A file of the folder; `line` names it and its content: another file of the same name is another one."""

    name: str
    modified_ns: int
    size: int

    @property
    def line(self) -> str:
        """For the journal."""
        return f"{self.modified_ns} {self.size} {self.name}"


class FolderSource:
    """Gives each file once, in the order of names; polling works on network shares, too.

    Args:
        config: which folder, and what becomes of its files.
        seen: the files taken over that stay in the folder.
        max_listed: most files that are listed, or given and not put away yet; the rest come when these are done.
    """

    live = False
    hands_over = True
    open_within_s = 60.0
    read_within_s = 60.0

    def __init__(self, config: Config, seen: SeenFiles, max_listed: int = 1000) -> None:
        self._config = config
        self._seen = seen
        self._max_listed = max_listed
        self._pace = Pace(1 / config.poll_s)
        self._first_seen: dict[FoundFile, float] = {}
        self._ready: deque[FoundFile] = deque()
        self._given: deque[FoundFile] = deque()
        self._damaged: set[FoundFile] = set()

    def open(self) -> None:
        """Look whether the folders are there, and what was taken over before."""
        if not self._config.path.is_dir():
            raise SourceFailed(Cause.MISSING, f"There is no folder {self._config.path}; make it, or mount the share.")
        if self._config.after == "keep":
            self._seen.load()
        if self._config.moved_to is not None:
            _make(self._config.moved_to)

    def read(self) -> Picture | None:
        """The picture of the next file that is whole."""
        if not self._ready:
            if not self._pace.wait():
                return None
            self._ready.extend(nsmallest(self._max_listed - len(self._given), self._whole_files()))
        return self._load(self._ready.popleft()) if self._ready else None

    def _whole_files(self) -> list[FoundFile]:
        """Those not given yet whose size and time have stood still for long enough."""
        now, given = monotonic(), set(self._given)
        files = self._list()
        if self._config.after == "keep":
            self._seen.forget_all_but({file.line for file in files})
        new = [file for file in files if file.line not in self._seen and file not in given]
        self._first_seen = {file: self._first_seen.get(file, now) for file in new}
        return [file for file, since in self._first_seen.items() if now - since >= self._config.settle_s]

    def _list(self) -> list[FoundFile]:
        try:
            with os.scandir(self._config.path) as entries:
                return [found for entry in entries if _is_wanted(entry.name) and (found := _found(entry))]
        except OSError as err:
            raise self._unreachable(err) from None

    def _load(self, file: FoundFile) -> Picture | None:
        path = self._config.path / file.name
        try:
            data = _content(path, file.size)
            pixels = decode(data)
        except FileNotFoundError:
            return None
        except PermissionError:
            raise self._damage(file, "this user may not read it; mend its rights.") from None
        except OSError as err:
            raise self._unreachable(err) from None
        except FlawgateError as err:
            raise self._damage(file, err.message) from None
        self._given.append(file)
        taken_at = datetime.fromtimestamp(file.modified_ns / 1e9, UTC)
        return Picture(pixels, taken_at, monotonic(), Trigger(id=file.name[:MAX_NAME]), data)

    def _damage(self, file: FoundFile, sentence: str) -> DamagedPicture:
        self._given.append(file)
        self._damaged.add(file)
        return DamagedPicture(f"The file {self._config.path / file.name} cannot be inspected: {sentence}")

    def taken(self) -> None:
        """Keep, delete or move the file; one that cannot be inspected is never deleted, but put aside."""
        file = self._given[0]
        try:
            self._put_away(file)
        except FileNotFoundError:
            pass
        except OSError as err:
            raise SourceFailed(
                Cause.MISSING,
                f"The file {file.name} was taken over but cannot be put away ({err.strerror}); mend the folder's "
                "rights, and let moved_to lie on the same disk.",
            ) from None
        self._given.popleft()
        self._damaged.discard(file)

    def _put_away(self, file: FoundFile) -> None:
        path = self._config.path / file.name
        if self._config.moved_to is not None:
            path.replace(_free_name(self._config.moved_to, file))
        elif self._config.after == "keep":
            self._seen.add(file.line)
        elif file in self._damaged:
            path.replace(path.with_name(f"{path.name}.damaged"))
        else:
            path.unlink()

    def close(self) -> None:
        """Forget what was listed, but not what was given."""
        self._ready.clear()

    def _unreachable(self, err: OSError) -> SourceFailed:
        return SourceFailed(
            Cause.UNREACHABLE,
            f"The folder {self._config.path} cannot be read ({err.strerror}); check share and rights.",
        )


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as err:
        raise SourceFailed(Cause.MISSING, f"The folder {folder} cannot be made: {err.strerror}.") from None


def _content(path: Path, size: int) -> bytes:
    """The file's bytes; one that is too long is not read."""
    if size > DEFAULT_LIMITS.max_bytes:
        raise BodyTooLarge(f"it is larger than {DEFAULT_LIMITS.max_bytes} bytes; send smaller ones.")
    return path.read_bytes()


def _is_wanted(name: str) -> bool:
    return not name.startswith(".") and name.lower().endswith(SUFFIXES) and name.isprintable()


def _found(entry: os.DirEntry[str]) -> FoundFile | None:
    try:
        if not entry.is_file():
            return None
        facts = entry.stat()
    except FileNotFoundError:
        return None
    return FoundFile(entry.name, facts.st_mtime_ns, facts.st_size)


def _free_name(folder: Path, file: FoundFile) -> Path:
    """The file's own name, or one with its time, where another file has it: nothing is overwritten."""
    target = folder / file.name
    if not target.exists():
        return target
    return target.with_name(f"{target.stem}-{file.modified_ns}{target.suffix}")
