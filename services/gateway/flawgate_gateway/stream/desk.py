"""Where streams come in: the hello is checked, the stream welcomed, and served to its end."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from flawgate_contracts.errors import (
    DeadlineExceeded,
    FlawgateError,
    InvalidRequest,
    PermissionDenied,
    Unauthenticated,
)
from flawgate_gateway.access.caller import Caller
from flawgate_gateway.core import Inspector
from flawgate_gateway.stream.book import StreamBook
from flawgate_gateway.stream.exchange import Exchange
from flawgate_gateway.stream.messages import Hello, Welcome, Wire
from flawgate_gateway.stream.observer import StreamObserver
from flawgate_gateway.stream.opened import OpenStreams, Place
from flawgate_gateway.stream.room import Room, Turns
from flawgate_gateway.stream.settling import Settler, SettlingParts

Admit = Callable[[], Awaitable[Caller]]
"""Whoever has opened the stream, as long as the key is good; raises `Unauthenticated` or `PermissionDenied`."""

log = structlog.get_logger(__name__)


class Recipes(Protocol):
    """What can be inspected."""

    async def ready(self, name: str) -> object:
        """Raises `FlawgateError` where frames of that recipe cannot be inspected now."""
        ...


@dataclass(frozen=True, slots=True)
class StreamTerms:
    """What streams are held to."""

    max_streams: int
    """Open at once."""
    credit: int
    """Frames of one stream on their way at once."""
    max_frame_bytes: int
    """Of one frame."""
    max_held_bytes: int
    """Of the frames of all streams; beyond it, each stream may hold one."""
    at_once: int
    """Frames of one recipe, of all streams, that are inspected or wait for it."""
    hello_s: float = 10.0
    """Longest wait for a hello, in seconds."""
    recipe_s: float = 1.0
    """Longest that a welcome waits for what is known of the recipe, in seconds."""
    admit_s: float = 60.0
    """Between looks whether the key is still good, in seconds."""


class StreamDesk:
    """Serves streams."""

    def __init__(
        self, inspector: Inspector, recipes: Recipes, book: StreamBook, observer: StreamObserver, terms: StreamTerms
    ) -> None:
        self._recipes = recipes
        self._book = book
        self._terms = terms
        self._room = Room(terms.max_held_bytes)
        self._parts = SettlingParts(inspector, book, Turns(terms.at_once), observer, terms.max_frame_bytes)
        self.opened = OpenStreams(terms.max_streams, observer)

    async def serve(self, wire: Wire, admit: Admit) -> None:
        """Serve one stream to its end.

        Args:
            wire: the other side.
            admit: gives who it is.

        Raises:
            FlawgateError: the stream ended with it.
        """
        caller = await admit()
        hello = await self._hello(wire)
        stream = hello.stream(caller.id)
        named = {"station": hello.station, "camera": hello.camera, "stream": stream.stream_id}
        with structlog.contextvars.bound_contextvars(**named):
            async with self.opened.entered(stream.stream_id) as place:
                await _unless_cut(place, self._served(wire, hello, caller, place, admit))

    async def _hello(self, wire: Wire) -> Hello:
        try:
            async with asyncio.timeout(self._terms.hello_s):
                message = await wire.receive()
        except TimeoutError as err:
            raise DeadlineExceeded(f"No hello came within {self._terms.hello_s:g} s; send it at once.") from err
        if not isinstance(message, Hello):
            raise InvalidRequest("The stream does not begin with a hello; send one first.")
        return message

    async def _served(self, wire: Wire, hello: Hello, caller: Caller, place: Place, admit: Admit) -> None:
        stream, terms = hello.stream(caller.id), self._terms
        recorded = await self._book.highest(stream.stream_id)
        log.info("stream opened", recipe=stream.recipe, delivery=stream.delivery, first=hello.next_sequence)
        if hello.next_sequence > recorded + 1:
            log.warning("numbers of a stream are missing", first=recorded + 1, last=hello.next_sequence - 1)
        settler = Settler(self._parts, stream, caller, recorded=recorded)
        # A camera that is frozen is so too on a connection that breaks time and again.
        before = await self._book.picture(stream.stream_id, hello.next_sequence - 1)
        fault = await self._recipe_fault(stream.recipe)
        await wire.send(Welcome(recorded, terms.credit, terms.max_frame_bytes, fault))
        exchange = Exchange(wire, settler, self._room, first=hello.next_sequence, credit=terms.credit, before=before)
        watching = asyncio.ensure_future(self._watch(admit, place))
        try:
            await exchange.run(place.stopped)
        finally:
            watching.cancel()
            log.info("stream closed")

    async def _recipe_fault(self, recipe: str) -> str:
        """Why frames of it cannot be inspected now; empty where they can, and where nobody says so in time."""
        try:
            async with asyncio.timeout(self._terms.recipe_s):
                await self._recipes.ready(recipe)
        except FlawgateError as error:
            return error.message
        except TimeoutError:
            return ""
        return ""

    async def _watch(self, admit: Admit, place: Place) -> None:
        """End the stream when its key is no longer good."""
        while True:
            await asyncio.sleep(self._terms.admit_s)
            try:
                await admit()
            except (Unauthenticated, PermissionDenied) as error:
                place.stop(error)
            except FlawgateError as error:
                log.warning("the key of a stream cannot be looked at", reason=error.reason)


async def _unless_cut(place: Place, serving: Awaitable[None]) -> None:
    """Serve, but end at once with what cuts the stream off."""
    task = asyncio.ensure_future(serving)
    try:
        either: set[asyncio.Future[Any]] = {task, place.cut}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    if place.cut.done():
        raise place.cut.result()
    await task
