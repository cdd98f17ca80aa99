"""TLS files of a running process: looked at when they are needed, so that a renewed certificate needs no restart."""

import threading
import time

import structlog

from flawgate_contracts.startup import StartupError
from flawgate_contracts.tls.files import Stamps, TlsContents, TlsFiles

log = structlog.get_logger(__name__)

LOOK_S = 1.0
"""Shortest time between two looks at the files, in seconds."""


class KeptTls:
    """What TLS files hold. While they do not fit, or are gone, what they held before stays in force.

    Args:
        name: of the settings that name the files, without the service, e.g. `tls`.
        files: the files.

    Raises:
        StartupError: a file is missing, unreadable, or does not fit.
    """

    def __init__(self, name: str, files: TlsFiles) -> None:
        self.name = name
        self.files = files
        self._lock = threading.Lock()
        self._seen = files.stamps()
        self._contents = files.read()
        self._refused: Stamps = ()
        self._next_look = time.monotonic() + LOOK_S

    def current(self) -> TlsContents:
        """What is in force; the same object until that changes. Any thread may ask."""
        with self._lock:
            if time.monotonic() >= self._next_look:
                self._look()
                self._next_look = time.monotonic() + LOOK_S
            return self._contents

    def _look(self) -> None:
        stamps = self.files.stamps()
        if stamps == self._seen:
            return
        try:
            contents = self.files.read()
        except StartupError as err:
            self._refuse(stamps, str(err))
            return
        self._seen = stamps
        if contents != self._contents:
            self._contents = contents
            log.info("TLS files renewed", files=self.name, **{name: str(end) for name, end in contents.ends().items()})

    def _refuse(self, stamps: Stamps, why: str) -> None:
        """Say so, once, where the files are the same as at the look before: none of them is still being written."""
        if stamps == self._refused:
            self._seen = stamps
            log.warning("renewed TLS files cannot be used; those before stay in force", files=self.name, why=why)
        self._refused = stamps
