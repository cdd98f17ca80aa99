"""Calls over several servers of one name: real servers, real channels."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from support.named_servers import SLOW, NamedCaller, NamedServer, caller_at, caller_of_all, named_servers
from support.silenced import stretch

from flawgate_contracts.context import bound, new_context
from flawgate_contracts.errors import (
    DependencyUnavailable,
    FlawgateError,
    InvalidFrame,
    ModelServerUnavailable,
    Overloaded,
)

AWAY = ModelServerUnavailable("The model server is away; it is asked again shortly.")


@asynccontextmanager
async def two(**settings: float) -> AsyncIterator[tuple[NamedServer, NamedServer, NamedCaller]]:
    """Servers `a` and `b`, and a caller whom both have answered."""
    async with named_servers("a", "b", **settings) as servers, caller_of_all(servers.values()) as caller:
        await caller.all_answer("ab")
        yield servers["a"], servers["b"], caller


async def test_calls_go_round_all_servers() -> None:
    """Each gets its share."""
    async with two() as (a, b, caller):
        before = a.calls, b.calls
        for _ in range(20):
            await caller.who()
        assert (a.calls - before[0], b.calls - before[1]) == (10, 10)


async def test_who_does_not_serve_is_passed_over_until_it_does() -> None:
    """It says so itself, and is still there."""
    async with two() as (a, _, caller):
        await a.serve(serving=False)
        await caller.all_answer("b")
        await a.serve(serving=True)
        await caller.all_answer("ab")


async def test_where_none_serves_any_is_asked() -> None:
    """A decision that trusts no recipe still says NOT_DECIDABLE; as soon as one serves, it alone is asked again."""
    async with two() as (a, b, caller):
        await a.serve(serving=False)
        await b.serve(serving=False)
        await caller.all_answer("ab")
        await b.serve(serving=True)
        await caller.all_answer("b")


async def test_a_server_that_never_served_is_asked_where_it_is_the_only_one() -> None:
    """Also by the first call of all, which nobody tries again."""
    server = NamedServer("a")
    await server.start(serving=False)
    async with caller_of_all([server]) as caller:
        assert await caller.who(pure=False) == "a"
    await server.stop()


async def test_what_is_broken_off_is_asked_again_elsewhere() -> None:
    """A server ends with calls under way that it gives no time: all are answered."""
    async with two(drain_s=0, grace_s=0.05) as (a, _, caller):
        under_way = [asyncio.ensure_future(caller.who(SLOW)) for _ in range(6)]
        await asyncio.sleep(0.1)
        await a.stop()
        assert await asyncio.gather(*under_way) == ["b"] * 6
        assert caller.retries >= 3


async def test_a_server_that_falls_silent_costs_no_call() -> None:
    """Connections stand, and no answer comes: within seconds its calls are made again elsewhere."""
    async with (
        named_servers("a", "b") as servers,
        stretch(servers["a"].port) as (before_a, port),
        caller_at([port, servers["b"].port]) as caller,
    ):
        await caller.all_answer("ab")
        before_a.silence()
        assert await asyncio.gather(*(caller.who(timeout_s=10) for _ in range(6))) == ["b"] * 6
        assert caller.retries == 3


@pytest.mark.parametrize(
    ("error", "pure", "tries"),
    [(AWAY, True, 3), (AWAY, False, 1), (InvalidFrame("No."), True, 1), (Overloaded("Full."), True, 1)],
    ids=["unavailable", "not pure", "the caller's fault", "overloaded"],
)
async def test_only_what_may_help_is_tried_again(*, error: FlawgateError, pure: bool, tries: int) -> None:
    """Three times in all, and only where the call is pure and the server was unavailable."""
    async with named_servers("a") as servers, caller_of_all(servers.values()) as caller:
        servers["a"].error = error
        with pytest.raises(type(error)):
            await caller.who(pure=pure)
        assert (servers["a"].calls, caller.retries) == (tries, tries - 1)


async def test_no_try_begins_without_the_time_for_it() -> None:
    """The error that is known is better than a deadline that passes."""
    async with named_servers("a") as servers, caller_of_all(servers.values()) as caller:
        assert await caller.who() == "a"
        servers["a"].error = AWAY
        with bound(new_context({}, timeout_s=0.09)), pytest.raises(ModelServerUnavailable):
            await caller.who()
        assert servers["a"].calls == 2


async def test_servers_that_are_all_gone_are_unavailable_at_once() -> None:
    """Nobody waits for a deadline where nothing listens."""
    async with two(drain_s=0) as (a, b, caller):
        await asyncio.gather(a.stop(), b.stop())
        with pytest.raises(DependencyUnavailable, match="named"):
            await asyncio.wait_for(caller.who(), 5)


async def test_a_rolling_restart_costs_no_call() -> None:
    """Each server ends and comes back twice under load, while the other one serves."""
    async with two() as (a, b, caller):
        stopped = asyncio.Event()
        load = [asyncio.ensure_future(_load(caller, stopped)) for _ in range(4)]
        for server in (a, b, a, b):
            await server.stop()
            await caller.all_answer({"a", "b"} - {server.name})
            await server.start()
            await caller.all_answer("ab")
        stopped.set()
        answers = await asyncio.gather(*load)
        assert min(answers) > 20


async def _load(caller: NamedCaller, stopped: asyncio.Event) -> int:
    answered = 0
    while not stopped.is_set():
        await caller.who(SLOW if answered % 10 == 0 else b"")
        answered += 1
    return answered
