import asyncio
import sqlite3
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from support.gateway_cluster import ACCESS_OFF, GatewayCluster
from support.policies import BY, PolicyBench
from support.records import inspection, recorded

from flawgate_contracts.errors import DependencyUnavailable
from flawgate_gateway.app import connected_parts, create_app, readiness
from flawgate_gateway.database.connections import Database
from flawgate_gateway.observer import PrometheusStanding
from flawgate_gateway.settings import GatewaySettings
from flawgate_gateway.standing import Lookout

WAIT_S = 10.0


class SeenStanding:
    """A `StandingObserver` that keeps what it is told."""

    def __init__(self) -> None:
        self.up: dict[str, bool] = {}
        self.policies: Mapping[str, str] | None = None
        self.waiting: list[int | None] = []

    def dependencies(self, up: Mapping[str, bool]) -> None:
        """See `StandingObserver`."""
        self.up.update(up)

    def ready(self, *, is_so: bool) -> None:
        """See `StandingObserver`."""

    def in_force(self, policies: Mapping[str, str]) -> None:
        """See `StandingObserver`."""
        self.policies = policies

    def reviews_wait(self, parts: int | None) -> None:
        """See `StandingObserver`."""
        self.waiting.append(parts)


async def until(so: Callable[[], bool]) -> None:
    """Wait until it is so."""
    async with asyncio.timeout(WAIT_S):
        while not so():  # noqa: ASYNC110  # what is waited for is a metric, which wakes nobody
            await asyncio.sleep(0.01)


class StandingBench(PolicyBench):
    """What a lookout looks at."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.archive_is_up = True
        self.seen = SeenStanding()

    async def archive_answers(self) -> bool:
        """Whether the archive answers."""
        return self.archive_is_up

    def lookout(self) -> Lookout:
        """Over all of it."""
        return Lookout(self.database, self.archive_answers, self.recipes, self.book, self.seen)


@pytest.mark.parametrize("is_up", [True, False])
async def test_all_is_looked_at_although_nobody_asks(database: Database, *, is_up: bool) -> None:
    """The archive, the policies in force and what waits for a review, right at the start."""
    await recorded(database, [inspection(part="a", evaluation="NOT_DECIDABLE"), inspection(part="b")])
    bench = StandingBench(database)
    await bench.desk.activate("spot", await bench.drafted(), BY)
    bench.archive_is_up = is_up
    async with bench.lookout().running():
        await until(lambda: bool(bench.seen.up and bench.seen.policies and bench.seen.waiting))
    assert (bench.seen.up, bench.seen.policies, bench.seen.waiting) == ({"archive": is_up}, {"spot": "p1"}, [1])


@pytest.mark.parametrize("is_up", [True, False])
async def test_variants_are_looked_at_beside_readiness(database: Database, *, is_up: bool) -> None:
    """They are told of as what the gateway stands on, which is ready without them."""
    bench = StandingBench(database)

    async def serves() -> bool:
        return is_up

    variants = {"canary": serves, "shadow": bench.archive_answers}
    lookout = Lookout(bench.database, bench.archive_answers, bench.recipes, bench.book, bench.seen, variants)
    async with lookout.running():
        await until(lambda: len(bench.seen.up) == 3)
    assert bench.seen.up == {"archive": True, "canary": is_up, "shadow": True}


async def test_what_cannot_be_counted_is_told_so(database: Database) -> None:
    """The size of a queue that nobody can look at is not the last one that somebody saw; all else goes on."""
    bench = StandingBench(database)
    database.has_tables = False
    bench.decider.down = DependencyUnavailable("Away.")
    async with bench.lookout().running():
        await until(lambda: bool(bench.seen.up and bench.seen.waiting))
    assert (bench.seen.up, bench.seen.policies, bench.seen.waiting) == ({"archive": True}, None, [None])


def test_a_policy_that_is_no_longer_in_force_is_not_shown() -> None:
    """Of each recipe there is one at the most."""
    registry = CollectorRegistry()
    standing = PrometheusStanding(registry)
    standing.in_force({"spot": "1", "knit": "1"})
    standing.in_force({"spot": "p1"})
    samples = [sample.labels for metric in registry.collect() for sample in metric.samples if "policy" in sample.name]
    assert samples == [{"recipe": "spot", "policy": "p1"}]


async def test_a_restarted_gateway_says_nothing_that_it_does_not_know(tmp_path: Path) -> None:
    """Gauges are absent before they were looked at, or false as `ready` is; counters of all that alarms ask are 0."""
    registry = CollectorRegistry()
    settings = GatewaySettings.model_validate({"data_dir": tmp_path, "triton_http_url": "", **ACCESS_OFF})
    connecting = connected_parts(settings, registry)
    async with connecting as parts:
        first = generate_latest(registry).decode()
        await until(lambda: registry.get_sample_value("flawgate_review_queue_size") is not None)
        app = create_app(settings, parts)
        assert not await readiness(app, parts)()
    told = [line for line in first.splitlines() if not line.startswith("#")]
    assert "flawgate_ready 0.0" in told
    assert 'flawgate_inspection_failures_total{fault="service",reason="MODEL_FAILURE"} 0.0' in told
    unknown = ("review_queue", "dependency_up", "pictures_held", "pictures_last_purge", "policy_info", "oldest_age")
    assert [line for line in told if any(name in line for name in unknown)] == []
    assert dependencies(registry) == {"archive": 1, "decision": 0, "preprocessing": 0, "records": 1}


async def test_a_look_that_fails_as_nobody_expected_makes_the_gateway_unready_and_is_repeated(tmp_path: Path) -> None:
    """Health and metrics would else say for ever what was so before it."""
    registry = CollectorRegistry()
    settings = GatewaySettings.model_validate({"data_dir": tmp_path, "triton_http_url": "", **ACCESS_OFF})
    answers: list[dict[str, bool] | Exception] = [{"records": True}, sqlite3.DatabaseError("malformed"), {}]

    async def check() -> dict[str, bool]:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async with connected_parts(settings, registry) as parts:
        is_ready = readiness(create_app(settings, parts), replace(parts, check=check))
        told = [(await is_ready(), registry.get_sample_value("flawgate_ready")) for _ in range(3)]
    assert told == [(True, 1), (False, 0), (True, 1)]


def dependencies(registry: CollectorRegistry) -> dict[str, float]:
    """Those that are told of, and whether they are up."""
    samples = [sample for metric in registry.collect() for sample in metric.samples]
    return {s.labels["dependency"]: s.value for s in samples if s.name == "flawgate_dependency_up"}


def test_a_service_that_goes_is_seen_without_a_request(cluster: GatewayCluster) -> None:
    """Within seconds, and that the gateway is not ready any more."""
    _wait(lambda: cluster.value("flawgate_ready") == 1)
    assert cluster.value("flawgate_dependency_up", dependency="preprocessing") == 1
    cluster.stop_preprocessing()
    _wait(lambda: cluster.registry.get_sample_value("flawgate_ready") == 0)
    assert cluster.value("flawgate_dependency_up", dependency="preprocessing") == 0
    assert cluster.value("flawgate_dependency_up", dependency="decision") == 1


def _wait(so: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT_S
    while not so() and time.monotonic() < end:
        time.sleep(0.05)
    assert so()
