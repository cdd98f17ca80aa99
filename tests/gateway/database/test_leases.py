import asyncio

from flawgate_gateway.database.connections import Database, connect
from flawgate_gateway.database.leases import Lease
from flawgate_gateway.database.migrating import upgrade

NAME = "purge"


async def test_one_of_many_gets_the_lease(database_url: str, database: Database) -> None:
    """Ten gateways ask at the same moment, over connections of their own; one has it."""
    gateways = [connect(database_url) for _ in range(10)]
    for gateway in gateways:
        await upgrade(gateway)
    claims = [Lease(gateway, NAME, lasts_s=60) for gateway in gateways]
    taken = await asyncio.gather(*(claim.acquire() for claim in claims))
    await asyncio.gather(*(gateway.close() for gateway in gateways))
    assert sum(taken) == 1
    assert [claim.is_held for claim in claims] == taken


async def test_the_holder_renews(database: Database) -> None:
    """Who holds it acquires it again, and others still do not."""
    holder, other = Lease(database, NAME, lasts_s=60), Lease(database, NAME, lasts_s=60)
    assert [await holder.acquire(), await other.acquire(), await holder.acquire()] == [True, False, True]


async def test_a_lease_given_back_is_free_at_once(database: Database) -> None:
    """Nobody waits for the end of a lease whose holder stopped in good order."""
    holder, other = Lease(database, NAME, lasts_s=60), Lease(database, NAME, lasts_s=60)
    await holder.acquire()
    await holder.release()
    assert not holder.is_held
    assert await other.acquire()


async def test_only_the_holder_gives_it_back(database: Database) -> None:
    """A gateway that lost its lease, or never had it, frees nobody else's."""
    holder, other = Lease(database, NAME, lasts_s=60), Lease(database, NAME, lasts_s=60)
    await holder.acquire()
    await other.release()
    assert not await other.acquire()


async def test_a_lease_whose_holder_died_ends_by_itself(database: Database) -> None:
    """Another takes it over, and the old holder knows that it holds it no longer."""
    dead, other = Lease(database, NAME, lasts_s=0.05), Lease(database, NAME, lasts_s=60)
    await dead.acquire()
    await asyncio.sleep(0.1)
    assert not dead.is_held
    assert await other.acquire()
    assert not await dead.acquire()


async def test_leases_of_other_names_are_others(database: Database) -> None:
    """Who purges does not keep anybody from delivering."""
    assert await Lease(database, NAME, lasts_s=60).acquire()
    assert await Lease(database, "deliver", lasts_s=60).acquire()
