"""Debian's Prometheus over the configuration of `monitoring/`, with all times divided: an hour takes a minute."""

import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

MONITORING = Path(__file__).parents[2] / "monitoring"
START_TIMEOUT_S = 30.0
POLL_S = 0.1
SCRAPE_MS = 250

_UNITS_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000, "y": 31_536_000_000}
_DURATION = r"(?:\d+(?:ms|[smhdwy]))+"
_TIMES = re.compile(
    rf"(?P<range>\[)(?P<length>{_DURATION})(?P<step>:{_DURATION}|:)?\]"
    rf"|(?P<before>\boffset\s+-?|\b(?:for|keep_firing_for|interval|\w+_interval|scrape_timeout):\s+)(?P<time>{_DURATION})\b"
)
_AGES = re.compile(r"(?P<before>(?:\btime\(\)\s*-|_age_seconds\b)[^<>=]*[<>]=?\s*)(?P<seconds>\d+(?:\.\d+)?)\b")


def divided(text: str, factor: float) -> str:
    """Rules, or a configuration, of Prometheus with all times divided.

    Durations (`[5m]`, `[1h:1m]`, `offset 1d`, `for: 2m`, `scrape_interval: 15s` ...), and seconds that an age is
    compared with (`time() - last > 300`, `oldest_age_seconds > 120`). Names, such as `:rate5m`, stay.

    Args:
        text: YAML.
        factor: above 0.
    """

    def duration(said: str) -> str:
        return f"{max(1, round(_milliseconds(said) / factor))}ms"

    def shorter(found: re.Match[str]) -> str:
        if not found["range"]:
            return found["before"] + duration(found["time"])
        step = found["step"] or ""
        return f"[{duration(found['length'])}{':' + duration(step[1:]) if step[1:] else step}]"

    def younger(found: re.Match[str]) -> str:
        return f"{found['before']}{float(found['seconds']) / factor:g}"

    return _AGES.sub(younger, _TIMES.sub(shorter, text))


def write_configuration(
    folder: Path,
    factor: float,
    ports: Mapping[int, int],
    more: Sequence[tuple[str, int]],
    scrape_ms: int = SCRAPE_MS,
) -> None:
    """Write `monitoring/` into a folder, with its rules' times divided.

    Args:
        folder: where to.
        factor: by which times are divided, but for those of scrapes.
        ports: of the targets: where `flawgate up` has them → where they are.
        more: further targets: job and port.
        scrape_ms: between two scrapes, and how long one may take.
    """

    def moved(text: str) -> str:
        return re.sub(r"(?<=127\.0\.0\.1:)\d+", lambda found: str(ports.get(int(found[0]), found[0])), text)

    def scraped(text: str) -> str:
        return re.sub(r"(scrape_(?:interval|timeout)): \S+", rf"\1: {scrape_ms}ms", text)

    for kind in ("rules", "targets"):
        (folder / kind).mkdir(parents=True)
    (folder / "prometheus.yml").write_text(moved(scraped(divided((MONITORING / "prometheus.yml").read_text(), factor))))
    for rules in (MONITORING / "rules").glob("*.yml"):
        (folder / "rules" / rules.name).write_text(divided(rules.read_text(), factor))
    (folder / "targets/local.yml").write_text(moved((MONITORING / "targets/local.yml").read_text()))
    groups = [f'- targets: ["127.0.0.1:{port}"]\n  labels: {{ job: {job} }}\n' for job, port in more]
    (folder / "targets/more.yml").write_text("".join(groups))


def _milliseconds(duration: str) -> int:
    parts = re.findall(r"(\d+)(ms|[smhdwy])", duration)
    return sum(int(number) * _UNITS_MS[unit] for number, unit in parts)


@dataclass(frozen=True, slots=True)
class Sample:
    """One series of an answer."""

    labels: Mapping[str, str]
    value: float


class Prometheus:
    """A running Prometheus, and what can be asked of it."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._http = httpx.Client(base_url=self.url, timeout=10, trust_env=False)

    def close(self) -> None:
        """Ask no more."""
        self._http.close()

    def is_ready(self) -> bool:
        """Whether it answers."""
        try:
            return self._http.get("/-/ready").status_code == 200
        except httpx.TransportError:
            return False

    def query(self, expression: str) -> list[Sample]:
        """What an expression, an instant vector, comes to now."""
        answer = self._get("query", query=expression)
        return [Sample(series["metric"], float(series["value"][1])) for series in answer["result"]]

    def value(self, expression: str) -> float:
        """What an expression that has one series comes to now."""
        (sample,) = self.query(expression)
        return sample.value

    def is_zero(self, expression: str) -> bool:
        """Whether an expression has series, and each is 0 now."""
        return {sample.value for sample in self.query(expression)} == {0.0}

    def firing(self) -> list[Mapping[str, str]]:
        """Labels of all alerts that fire now."""
        return [alert["labels"] for alert in self._get("alerts")["alerts"] if alert["state"] == "firing"]

    def until(self, holds: Callable[[], bool], timeout_s: float) -> float | None:
        """Wait until something holds; gives how long that took, in seconds, or None where it did not in time."""
        began = time.monotonic()
        while not holds():
            if time.monotonic() - began > timeout_s:
                return None
            time.sleep(POLL_S)
        return time.monotonic() - began

    def _get(self, path: str, **parameters: str) -> Any:
        answer = self._http.get(f"/api/v1/{path}", params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]


def installed() -> str:
    """The program.

    Skips the test where it is not installed.
    """
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("Prometheus is not installed: apt-get install prometheus")
    return program


@contextmanager
def running_prometheus(folder: Path, port: int) -> Iterator[Prometheus]:
    """Prometheus on a port, with the `prometheus.yml` of a folder, where its data are, too; ended with the block.

    Skips the test where Prometheus is not installed.
    """
    log = folder / "prometheus.log"
    command = [
        *(installed(), f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}"),
        *(f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"),
    ]
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out, cwd=folder) as process:
        prometheus = Prometheus(port)
        try:
            prometheus.until(lambda: prometheus.is_ready() or process.poll() is not None, START_TIMEOUT_S)
            assert prometheus.is_ready(), f"it was not ready in {START_TIMEOUT_S:g} s: {log.read_text()}"
            yield prometheus
        finally:
            prometheus.close()
            process.kill()
