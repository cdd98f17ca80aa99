"""Where events go, over REST; and the schemas of their data, which anybody may read."""

from datetime import datetime
from typing import Annotated, Literal, Self

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from flawgate_contracts.errors import NotFound
from flawgate_gateway.access.caller import Scope
from flawgate_gateway.answer import UtcTime
from flawgate_gateway.database.moments import from_us, to_us
from flawgate_gateway.frames import Moment
from flawgate_gateway.outbox.desk import ListedSink, SinkDesk
from flawgate_gateway.outbox.inventory import DeadLetter
from flawgate_gateway.outbox.replaying import Selection
from flawgate_gateway.outbox.schemas import schema_files
from flawgate_gateway.rest.access import requires
from flawgate_gateway.rest.openapi import PROBLEMS
from flawgate_gateway.rest.paging import PageSize

SCHEMA_MEDIA_TYPE = "application/schema+json"


class SinkFacts(BaseModel):
    """A sink, and how it stands."""

    name: str
    kind: Literal["webhook", "mqtt"] | None = Field(description="Null: no longer configured, but events wait for it.")
    types: list[str] = Field(description="Types of events that it gets.")
    pending: int = Field(description="Events that wait.")
    oldest_age_s: float = Field(description="For how long the oldest of them has waited, in seconds; 0 without any.")
    dead: int = Field(description="Events that were given up; a replay brings them back.")
    last_error: str | None = Field(description="Why what waits, or was given up last, was not taken.")

    @classmethod
    def of(cls, listed: ListedSink) -> Self:
        """What is shown of a sink."""
        backlog, sink = listed.backlog, listed.sink
        return cls(
            name=backlog.sink,
            kind=None if sink is None else sink.kind,
            types=[] if sink is None else list(sink.types),
            pending=backlog.pending,
            oldest_age_s=round(backlog.oldest_age_s, 3),
            dead=backlog.dead,
            last_error=backlog.last_error,
        )


class SinkList(BaseModel):
    """All sinks, by name."""

    sinks: list[SinkFacts]


class DeadLetterFacts(BaseModel):
    """An event that was given up."""

    event_id: str
    type: str
    source: str
    sequence: int
    inspection_id: str | None
    attempts: int = Field(description="How often the sink refused it.")
    last_error: str | None
    created_at: UtcTime = Field(description="When it was written.")
    dead_at: UtcTime = Field(description="When it was given up.")

    @classmethod
    def of(cls, letter: DeadLetter) -> Self:
        """What is shown of one."""
        return cls(
            event_id=letter.event_id,
            type=letter.type,
            source=letter.source,
            sequence=letter.sequence,
            inspection_id=letter.inspection_id,
            attempts=letter.attempts,
            last_error=letter.last_error,
            created_at=from_us(letter.created_at_us),
            dead_at=from_us(letter.ended_at_us),
        )


class DeadLetterList(BaseModel):
    """Dead letters, the newest first."""

    dead_letters: list[DeadLetterFacts]
    next_page_token: str | None = Field(description="Ask with it for those that follow; null on the last page.")


class ReplayOrder(BaseModel):
    """Which events to bring once more; what is given must all hold."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"example": {"since": "2026-11-20T06:00:00Z", "until": "2026-11-20T14:00:00Z"}},
    )

    since: Moment | None = Field(default=None, description="Written at this moment or later.")
    until: Moment | None = Field(default=None, description="Written before this moment.")
    source: str | None = Field(
        default=None, min_length=1, max_length=8192, pattern=r"^[!-~]+$", description="Of this `source` alone."
    )
    dead_letters_only: bool = Field(default=False, description="Only those that were given up.")

    def selection(self) -> Selection:
        """The same, for the outbox."""
        return Selection(_us(self.since), _us(self.until), self.source, self.dead_letters_only)


class Replayed(BaseModel):
    """A replay that was begun."""

    sink: str
    events: int = Field(description="How many are brought, in the order of their stations, before what is younger.")


PageToken = Annotated[str | None, Query(pattern=r"^[0-9]{1,18}$", description="From the page before.")]


def sink_routes(desk: SinkDesk) -> APIRouter:
    """`/v1/sinks`."""
    router = APIRouter(prefix="/v1/sinks", tags=["sinks"], responses=PROBLEMS)

    @router.get("", summary="Where events go, and what waits", dependencies=[requires(Scope.READ)])
    async def list_sinks() -> SinkList:
        return SinkList(sinks=[SinkFacts.of(listed) for listed in await desk.listed()])

    @router.get("/{name}/dead-letters", summary="Events that were given up", dependencies=[requires(Scope.READ)])
    async def list_dead_letters(name: str, page_size: PageSize = 100, page_token: PageToken = None) -> DeadLetterList:
        before = None if page_token is None else int(page_token)
        found = await desk.dead_letters(name, before=before, limit=page_size + 1)
        shown = found[:page_size]
        following = str(shown[-1].number) if len(found) > page_size else None
        return DeadLetterList(dead_letters=[DeadLetterFacts.of(letter) for letter in shown], next_page_token=following)

    @router.post("/{name}:replay", summary="Bring events once more", dependencies=[requires(Scope.ADMIN)])
    async def replay(name: str, order: ReplayOrder) -> Replayed:
        return Replayed(sink=name, events=await desk.replay(name, order.selection()))

    return router


def schema_routes() -> APIRouter:
    """`/schemas`: what `dataschema` of an event names."""
    router = APIRouter(tags=["sinks"])
    files = schema_files()

    @router.get("/schemas", summary="The JSON schemas of the data of events")
    async def list_schemas() -> list[str]:
        return [f"/schemas/{name}" for name in files]

    @router.get(
        "/schemas/{name}",
        summary="One JSON schema",
        response_class=Response,
        responses={200: {"content": {SCHEMA_MEDIA_TYPE: {"schema": {"type": "object"}}}}, 404: PROBLEMS[404]},
    )
    async def get_schema(name: str) -> Response:
        if name not in files:
            raise NotFound(f"There is no schema {name[:64]!r}; /schemas lists them.")
        return Response(files[name], media_type=SCHEMA_MEDIA_TYPE)

    return router


def _us(moment: datetime | None) -> int | None:
    return None if moment is None else to_us(moment)
