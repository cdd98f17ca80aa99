"""What people may ask of the outbox, over whichever door."""

from collections.abc import Callable
from dataclasses import dataclass

from flawgate_contracts.errors import UnknownSink
from flawgate_gateway.database.connections import Database
from flawgate_gateway.outbox.inventory import Backlog, DeadLetter, backlogs, dead_letters, known_sinks
from flawgate_gateway.outbox.replaying import Selection, replay
from flawgate_gateway.outbox.sinks import MqttSink, Sinks, WebhookSink


@dataclass(frozen=True, slots=True)
class ListedSink:
    """A sink, and how it stands."""

    backlog: Backlog
    sink: WebhookSink | MqttSink | None
    """None where the file of sinks does not name it (any more), but events were meant for it."""


class SinkDesk:
    """Shows sinks and replays events."""

    def __init__(self, database: Database, sinks: Sinks, replayed: Callable[[], None]) -> None:
        """A desk.

        Args:
            database: where the outbox is.
            sinks: as they are configured.
            replayed: called after a replay was written.
        """
        self._database = database
        self._sinks = {sink.name: sink for sink in sinks.sinks}
        self._replayed = replayed

    async def listed(self) -> list[ListedSink]:
        """All sinks, by name.

        Raises:
            RecordsUnavailable: the database does not answer.
        """
        async with self._database.reading() as connection:
            names = sorted({*self._sinks, *await known_sinks(connection)})
            found = await backlogs(connection, names)
        return [ListedSink(backlog, self._sinks.get(backlog.sink)) for backlog in found]

    async def dead_letters(self, sink: str, *, before: int | None, limit: int) -> list[DeadLetter]:
        """Events that were given up, the newest first.

        Args:
            sink: its name.
            before: `number` of the last one of the page before; None: from the start.
            limit: how many at most.

        Raises:
            UnknownSink: there is none of that name.
            RecordsUnavailable: the database does not answer.
        """
        await self._known(sink)
        async with self._database.reading() as connection:
            return await dead_letters(connection, sink, before=before, limit=limit)

    async def replay(self, sink: str, selection: Selection) -> int:
        """Bring events once more; how many.

        Raises:
            UnknownSink: there is none of that name.
            RecordsUnavailable: the database does not answer.
        """
        await self._known(sink)
        replayed = await replay(self._database, sink, selection)
        self._replayed()
        return replayed

    async def _known(self, sink: str) -> None:
        if sink in self._sinks:
            return
        async with self._database.reading() as connection:
            known = await known_sinks(connection)
        if sink not in known:
            raise UnknownSink(
                f"There is no sink {sink[:64]!r}; there are: {', '.join(sorted({*known, *self._sinks})) or 'none'}.",
                {"sink": sink[:64]},
            )
