"""What a sink is still to get, as the database knows it."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import BindParameter, Connection, Select, Subquery, bindparam, func, select, update

from flawgate_gateway.database.moments import now_us
from flawgate_gateway.database.tables import deliveries, events
from flawgate_gateway.outbox.states import DELIVERED, PENDING, State

MAX_DETAIL_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class Head:
    """The first delivery of a stream that is pending: those behind it wait for it."""

    stream: str
    next_attempt_at_us: int


@dataclass(frozen=True, slots=True)
class Pending:
    """A delivery to be made, with its event."""

    number: int
    stream: str
    attempts: int
    """Refusals so far."""
    event_id: str
    event_type: str
    document: str
    """The CloudEvent as JSON."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is to be written of a delivery that was not taken."""

    number: int
    state: State
    attempts: int
    detail: str
    wait_s: float


def heads(connection: Connection, sink: str) -> list[Head]:
    """The heads of all streams with something for a sink, the longest waiting first."""
    return [Head(*row) for row in connection.execute(_HEADS, {"of_sink": sink})]


def head_numbers(sink: str | BindParameter[str]) -> Subquery:
    """The column `number` of the first pending delivery of each stream.

    The streams are found one by one along the index, which is as fast with a million deliveries as with ten.
    """
    mine = (deliveries.c.sink == sink, deliveries.c.state == PENDING)
    streams = select(func.min(deliveries.c.stream).label("stream")).where(*mine).cte("streams_pending", recursive=True)
    following = select(func.min(deliveries.c.stream)).where(*mine, deliveries.c.stream > streams.c.stream)
    streams = streams.union_all(select(following.scalar_subquery()).where(streams.c.stream.is_not(None)))
    head = (
        select(deliveries.c.number)
        .where(*mine, deliveries.c.stream == streams.c.stream)
        .order_by(deliveries.c.sequence)
        .limit(1)
    )
    return select(head.scalar_subquery().label("number")).where(streams.c.stream.is_not(None)).subquery()


def _heads() -> Select[str, int]:
    numbers = head_numbers(bindparam("of_sink"))
    return (
        select(deliveries.c.stream, deliveries.c.next_attempt_at_us)
        .join(numbers, numbers.c.number == deliveries.c.number)
        .order_by(deliveries.c.next_attempt_at_us)
    )


def batch(connection: Connection, sink: str, stream: str, limit: int) -> list[Pending]:
    """The first pending deliveries of a stream, in order; none where the first is to wait still."""
    rows = connection.execute(_BATCH, {"of_sink": sink, "of_stream": stream, "at_most": limit}).all()
    if not rows or rows[0].next_attempt_at_us > now_us():
        return []
    return [Pending(row.number, row.stream, row.attempts, row.id, row.type, row.document) for row in rows]


def _batch() -> Select[int, str, int, str, str, str, int]:
    of_sink, of_stream = deliveries.c.sink == bindparam("of_sink"), deliveries.c.stream == bindparam("of_stream")
    return (
        select(
            deliveries.c.number,
            deliveries.c.stream,
            deliveries.c.attempts,
            events.c.id,
            events.c.type,
            events.c.document,
            deliveries.c.next_attempt_at_us,
        )
        .join(events, events.c.number == deliveries.c.event_number)
        .where(of_sink, deliveries.c.state == PENDING, of_stream)
        .order_by(deliveries.c.sequence)
        .limit(bindparam("at_most"))
    )


def settle_delivered(connection: Connection, numbers: Sequence[int]) -> None:
    """Write that the sink has these."""
    connection.execute(_TAKEN, {"brought": numbers, "ended_at_us": now_us()})


def settle_failed(connection: Connection, outcome: Outcome) -> None:
    """Write that the sink did not take one, and when to try again or that nobody will."""
    now = now_us()
    said = {
        "tried": outcome.number,
        "state": outcome.state,
        "attempts": outcome.attempts,
        "last_error": outcome.detail[:MAX_DETAIL_CHARACTERS],
        "next_attempt_at_us": now + round(outcome.wait_s * 1_000_000),
        "ended_at_us": None if outcome.state == PENDING else now,
    }
    connection.execute(_FAILED, said)


# Built once: they take longer to build than to carry out.
_HEADS, _BATCH = _heads(), _batch()
_TAKEN = (
    update(deliveries)
    .where(deliveries.c.number.in_(bindparam("brought", expanding=True)), deliveries.c.state == PENDING)
    .values(state=DELIVERED, ended_at_us=bindparam("ended_at_us"), last_error=None)
)
_FAILED = update(deliveries).where(deliveries.c.number == bindparam("tried"), deliveries.c.state == PENDING)
