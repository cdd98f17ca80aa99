"""Frames to a gateway; whatever comes of one is an outcome."""

import time
from dataclasses import dataclass
from pathlib import Path

from flawgate_client import Client, FlawgateError, Inspection, Unreachable
from flawgate_contracts.errors import InvalidParameter, Unavailable


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one frame."""

    name: str
    """Where the frame came from, e.g. its file."""
    latency_s: float
    """From the first byte sent to the whole answer, in seconds; with all tries."""
    inspection: Inspection | None = None
    """The gateway's answer; None where there is no evaluation."""
    code: str = ""
    """Why there is none: the problem's code, UNREACHABLE, or UNREADABLE_FILE."""
    detail: str = ""

    @property
    def evaluation(self) -> str | None:
        """OK, NOT_OK or NOT_DECIDABLE; None where there is no evaluation."""
        return None if self.inspection is None else self.inspection.evaluation


class Sender:
    """Sends frames of one recipe to one gateway. Usable from several threads.

    Raises:
        InvalidParameter: URL, key or certificates cannot be used.
    """

    def __init__(  # noqa: PLR0913  # one parameter for each option of the command
        self,
        url: str,
        recipe: str,
        *,
        station: str | None = None,
        lot: str | None = None,
        api_key: str | None = None,
        ca_file: Path | None = None,
        retries: int = 3,
        timeout_s: float = 60.0,
    ) -> None:
        try:
            self._patient, self._hasty = (
                Client(url, api_key, timeout_s=timeout_s, retries=tries, verify=ca_file or True)
                for tries in (retries, 0)
            )
        except ValueError as err:
            raise InvalidParameter(str(err)) from err
        self._recipe = recipe
        self._station = station
        self._lot = lot
        self._lost = False

    def inspect_file(self, path: Path) -> Outcome:
        """Inspect a picture file."""
        try:
            data = path.read_bytes()
        except OSError as err:
            return Outcome(str(path), 0.0, code="UNREADABLE_FILE", detail=f"{path}: {err.strerror or err}.")
        return self.inspect(str(path), data)

    def inspect(self, name: str, data: bytes) -> Outcome:
        """Inspect an encoded picture.

        Once the gateway was not reached in all the tries of one frame, each further frame gets one, until one arrives.
        """
        client = self._hasty if self._lost else self._patient
        started = time.perf_counter()
        try:
            inspection = client.inspect(data, self._recipe, station=self._station, lot=self._lot)
        except FlawgateError as err:
            self._lost = isinstance(err, Unreachable)
            advice = " Start one here with `flawgate up`." if self._lost else ""
            return Outcome(name, time.perf_counter() - started, code=err.code, detail=err.detail + advice)
        self._lost = False
        return Outcome(name, time.perf_counter() - started, inspection)

    def overlay(self, inspection: Inspection) -> bytes:
        """The frame with all that was found drawn on it, PNG.

        Raises:
            Unavailable: the gateway does not answer, or does not keep it any more.
        """
        try:
            return self._patient.picture(inspection, "overlay")
        except FlawgateError as err:
            raise Unavailable(f"There is no overlay to be had: {err.detail}") from err

    def close(self) -> None:
        """Let go of the connections."""
        self._patient.close()
        self._hasty.close()
