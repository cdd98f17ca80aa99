"""One inspection over REST, tried again where that may help."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

MAX_BACKOFF_S = 10.0


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
    """Why there is none: the problem's code, or UNREACHABLE."""
    detail: str = ""

    @property
    def evaluation(self) -> str | None:
        """OK, NOT_OK or NOT_DECIDABLE; None where there is no evaluation."""
        return None if self.inspection is None else str(self.inspection["evaluation"])


class InspectionClient:
    """Sends frames to one gateway. Usable from several threads."""

    def __init__(
        self, url: str, recipe: str, fields: Mapping[str, str], *, retries: int = 3, timeout_s: float = 60.0
    ) -> None:
        # The factory's proxy settings are for the outside; the gateway is named by the caller.
        self._http = httpx.Client(base_url=url, timeout=timeout_s, trust_env=False)
        self._fields = {"recipe": recipe, **fields}
        self._retries = retries

    def inspect_file(self, path: Path) -> Outcome:
        """Inspect a picture file."""
        try:
            data = path.read_bytes()
        except OSError as err:
            return Outcome(str(path), 0.0, code="UNREADABLE_FILE", detail=f"{path}: {err.strerror or err}.")
        return self.inspect(str(path), data)

    def inspect(self, name: str, data: bytes) -> Outcome:
        """Inspect an encoded picture, and again, a little later each time, while a retry may help."""
        for attempt in range(self._retries):
            outcome, retry_after_s = self._once(name, data)
            if retry_after_s is None:
                return outcome
            time.sleep(min(MAX_BACKOFF_S, retry_after_s * 2**attempt))
        return self._once(name, data)[0]

    def picture(self, link: str) -> bytes:
        """A mask or overlay of an inspection, PNG."""
        return self._http.get(link).raise_for_status().content

    def close(self) -> None:
        """Let go of the connections."""
        self._http.close()

    def _once(self, name: str, data: bytes) -> tuple[Outcome, float | None]:
        """The outcome, and in how many seconds a retry may help; None where it cannot, or need not."""
        started = time.perf_counter()
        try:
            answer = self._http.post("/v1/inspections", data=self._fields, files={"file": data})
        except httpx.TransportError as err:
            detail = f"The gateway at {self._http.base_url} cannot be reached: {err}."
            return Outcome(name, time.perf_counter() - started, code="UNREACHABLE", detail=detail), 0.5
        latency_s = time.perf_counter() - started
        if answer.is_success:
            return Outcome(name, latency_s, inspection=answer.json()), None
        problem = _problem(answer)
        outcome = Outcome(name, latency_s, code=str(problem["code"]), detail=str(problem["detail"]))
        return outcome, _retry_after_s(answer) if problem["retryable"] else None


def _problem(answer: httpx.Response) -> Mapping[str, Any]:
    """The gateway's problem, or one made of what somebody in between said."""
    if answer.headers.get("content-type", "").startswith("application/problem+json"):
        problem: Mapping[str, Any] = answer.json()
        return problem
    detail = f"HTTP {answer.status_code} without a problem: is this a Flawgate gateway?"
    return {"code": f"HTTP_{answer.status_code}", "detail": detail, "retryable": False}


def _retry_after_s(answer: httpx.Response) -> float:
    said = answer.headers.get("retry-after", "")
    return float(said) if said.isdigit() else 1.0
