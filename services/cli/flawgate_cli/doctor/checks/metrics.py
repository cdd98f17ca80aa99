"""Whether `/metrics` of each service answers, and with one version; cameras, by their agents' metrics."""

from collections.abc import Iterator, Sequence
from importlib.metadata import version

import httpx

from flawgate_cli.doctor.scope import ASK_S, DOWN, Scope
from flawgate_cli.scraping import NoMetrics, Samples, scrape
from flawgate_contracts.checkup.findings import Check, Finding, error, ok, skipped, warning

BUILD = "flawgate_build_info"
OLD_S = 300.0
"""A frame that waits longer than this on disk, in seconds, waits for a gateway that does not come."""


def checks(scope: Scope) -> Sequence[Check]:
    """Of the services on this machine."""
    return (Check("metrics", "services", lambda: _services(scope)),)


def camera_checks(scope: Scope) -> Sequence[Check]:
    """Of the agents that the command names."""
    return (Check("metrics", "cameras", lambda: _agents(scope)),) if scope.cameras else ()


def _services(scope: Scope) -> Iterator[Finding]:
    if not scope.running:
        yield skipped(DOWN)
        return
    faults = []
    with httpx.Client(timeout=ASK_S, trust_env=False) as client:
        for name, url in scope.metrics.items():
            try:
                faults += _skew(name, scrape(client, url))
            except NoMetrics as err:
                says = f"{name} {err} at {url}, so Prometheus takes it for down."
                faults.append(error(says, "See ports; its log says why.", subject=name))
    yield from faults or [ok(f"{', '.join(scope.metrics)} answer.")]


def _skew(name: str, samples: Samples) -> list[Finding]:
    """A service of another version than the command: the code was changed under a running cluster."""
    own = version("flawgate-cli")
    running = {labels["version"] for labels, _ in samples.of(BUILD)} - {own}
    if not running:
        return []
    says = f"{name} runs version {', '.join(sorted(running))}, and {own} is installed."
    return [warning(says, "Start it again, so that all are of one version.", subject=name)]


def _agents(scope: Scope) -> Iterator[Finding]:
    with httpx.Client(timeout=ASK_S, trust_env=False) as client:
        for url in scope.cameras:
            try:
                yield from _cameras(scrape(client, url))
            except NoMetrics as err:
                yield error(f"The camera agent {err} at {url}.", "Start it, or correct the URL.", subject=url)


def _cameras(samples: Samples) -> Iterator[Finding]:
    for labels, up in samples.of("flawgate_camera_up"):
        camera = labels["camera"]
        waited_s = samples.value("flawgate_camera_spool_oldest_age_seconds", camera=camera) or 0.0
        if not up:
            yield error("It gives no usable pictures.", "`flawgate camera check` says why.", subject=camera)
        elif samples.value("flawgate_camera_connected", camera=camera) == 0:
            yield error("Its stream to the gateway is down.", "See gateway; the agent's log says why.", subject=camera)
        elif waited_s > OLD_S:
            says = f"The oldest of its frames has waited on disk for {waited_s:.0f} s."
            yield warning(says, "Look at what the gateway refuses, in the agent's log.", subject=camera)
        else:
            yield ok("It gives pictures, and the gateway takes them.", subject=camera)
