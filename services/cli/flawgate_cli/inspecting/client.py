"""One inspection over REST, tried again where that may help."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from flawgate_contracts.errors import InvalidParameter, Unavailable

MAX_BACKOFF_S = 10.0
RECONNECT_S = 0.5
UNREACHABLE = "UNREACHABLE"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one frame."""

    name: str
    """Where the frame came from, e.g. its file."""
    latency_s: float
    """From the first byte sent to the whole answer, in seconds; of the last try."""
    inspection: Mapping[str, Any] | None = None
    """The gateway's answer; None where there is no evaluation."""
    code: str = ""
    """Why there is none: the problem's code, UNREACHABLE, or UNREADABLE_FILE."""
    detail: str = ""

    @property
    def evaluation(self) -> str | None:
        """OK, NOT_OK or NOT_DECIDABLE; None where there is no evaluation."""
        return None if self.inspection is None else str(self.inspection["evaluation"])


class InspectionClient:
    """Sends frames to one gateway. Usable from several threads.

    Raises:
        InvalidParameter: `url` is none.
    """

    def __init__(
        self, url: str, recipe: str, fields: Mapping[str, str], *, retries: int = 3, timeout_s: float = 60.0
    ) -> None:
        # The factory's proxy settings are for the outside; the gateway is named by the caller.
        self._http = httpx.Client(base_url=_checked(url), timeout=timeout_s, trust_env=False)
        self._fields = {"recipe": recipe, **fields}
        self._retries = retries
        self._lost = False

    def inspect_file(self, path: Path) -> Outcome:
        """Inspect a picture file."""
        try:
            data = path.read_bytes()
        except OSError as err:
            return Outcome(str(path), 0.0, code="UNREADABLE_FILE", detail=f"{path}: {err.strerror or err}.")
        return self.inspect(str(path), data)

    def inspect(self, name: str, data: bytes) -> Outcome:
        """Inspect an encoded picture, and again, a little later each time, while a retry may help.

        Once the gateway was not reached in all the tries of one frame, each further frame gets one, until one arrives.
        """
        outcome, retry_after_s = self._once(name, data)
        for attempt in range(0 if self._lost else self._retries):
            if retry_after_s is None:
                break
            time.sleep(min(MAX_BACKOFF_S, retry_after_s * 2**attempt))
            outcome, retry_after_s = self._once(name, data)
        self._lost = outcome.code == UNREACHABLE
        return outcome

    def picture(self, link: str) -> bytes:
        """A mask or overlay of an inspection, PNG.

        Raises:
            Unavailable: the gateway does not answer, or does not keep it any more.
        """
        try:
            return self._http.get(link).raise_for_status().content
        except httpx.HTTPError as err:
            raise Unavailable(f"There is no {link.rsplit('/', 1)[-1]} to be had: {err}.") from err

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def _once(self, name: str, data: bytes) -> tuple[Outcome, float | None]:
        """The outcome, and in how many seconds a retry may help; None where it cannot, or need not."""
        started = time.perf_counter()
        try:
            answer = self._http.post("/v1/inspections", data=self._fields, files={"file": data})
        except httpx.RequestError as err:
            why = str(err) or type(err).__name__
            detail = (
                f"No gateway answers at {self._http.base_url} ({why}); start it with `flawgate up`, or check the URL."
            )
            return Outcome(name, time.perf_counter() - started, code=UNREACHABLE, detail=detail), RECONNECT_S
        latency_s = time.perf_counter() - started
        said = _json_object(answer)
        if answer.is_success and "inspection_id" in said:
            return Outcome(name, latency_s, inspection=said), None
        problem = {**_foreign_problem(answer), **said}
        outcome = Outcome(name, latency_s, code=str(problem["code"]), detail=str(problem["detail"]))
        return outcome, _retry_after_s(answer) if problem["retryable"] is True else None


def _checked(url: str) -> httpx.URL:
    try:
        checked = httpx.URL(url)
    except httpx.InvalidURL:
        checked = httpx.URL()
    if checked.scheme not in ("http", "https") or not checked.host:
        raise InvalidParameter(f"`{url}` is no URL of a gateway; write it like http://127.0.0.1:8080.")
    return checked


def _json_object(answer: httpx.Response) -> Mapping[str, Any]:
    """What was answered; empty where it is no JSON object."""
    try:
        said = answer.json()
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _foreign_problem(answer: httpx.Response) -> Mapping[str, Any]:
    """What is said of an answer that a gateway does not give."""
    detail = f"HTTP {answer.status_code} that no Flawgate gateway says: is {answer.url.copy_with(path='/')} one?"
    return {"code": f"HTTP_{answer.status_code}", "detail": detail, "retryable": False}


def _retry_after_s(answer: httpx.Response) -> float:
    said = answer.headers.get("retry-after", "")
    return float(said) if said.isdigit() else 1.0
