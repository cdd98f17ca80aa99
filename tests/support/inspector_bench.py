"""An inspector over fakes, for the tests of the core."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import pytest
from sqlalchemy import select

from flawgate_gateway.access.caller import ANYONE
from flawgate_gateway.admission.gate import AdmissionGate
from flawgate_gateway.answer import Inspection
from flawgate_gateway.core import Answered, Arrival, Inspector, Way
from flawgate_gateway.database.connections import Database
from flawgate_gateway.database.tables import inspections
from flawgate_gateway.frames import Frame, InspectionOrder
from flawgate_gateway.recipes import RecipeBook
from flawgate_gateway.records.book import RecordBook
from flawgate_gateway.records.submission import Submission
from support.gateway_fakes import CountingObserver, FakeArchive, FakeDecider, FakePreprocessor

FRAME = Frame(b"a picture")


@dataclass
class Bench:
    """An inspector over fakes, and a book of records in a real database."""

    database: Database
    max_in_progress: int = 4
    max_waiting: int = 4
    max_taken_on: int = 8
    deadline_s: float = 5.0
    preprocessor: FakePreprocessor = field(default_factory=FakePreprocessor)
    decider: FakeDecider = field(default_factory=FakeDecider)
    observer: CountingObserver = field(default_factory=CountingObserver)
    archive: FakeArchive = field(default_factory=FakeArchive)

    def __post_init__(self) -> None:
        self.records = RecordBook(self.database, sinks=("mes",), expires_s=3600, written=lambda: None)
        gate = AdmissionGate(max_in_progress=self.max_in_progress, max_waiting=self.max_waiting, observer=self.observer)
        self.recipes = RecipeBook(self.decider, ttl_s=60)
        self.recipes.tell(self.observer.listed)
        way = Way(self.preprocessor, self.decider, self.recipes, gate, self.archive, self.records)
        self.inspector = Inspector(way, self.observer, max_taken_on=self.max_taken_on, deadline_s=self.deadline_s)

    async def inspect(self, key: str | None = None, **fields: object) -> Inspection:
        """Inspect the frame with the recipe `spot`, unless told otherwise."""
        return (await self.answered(key, **fields)).inspection

    async def answered(self, key: str | None = None, **fields: object) -> Answered:
        """The same, and whether it was replayed."""
        order = InspectionOrder.model_validate({"recipe": "spot", **fields})
        return await self.inspector.inspect(FRAME, order, Arrival.now(), Submission(ANYONE, key))

    async def recorded(self) -> list[str]:
        """Ids of all records, in no order."""
        async with self.database.reading() as connection:
            return list((await connection.execute(select(inspections.c.id))).scalars())

    def assert_balanced(self) -> None:
        """Whatever was begun has ended, with an evaluation or as a failure."""
        assert self.observer.begun == self.observer.ended
        refused = self.observer.failures["OVERLOADED"]
        ended = self.observer.evaluations.total() + self.observer.replays + self.observer.failures.total() - refused
        assert ended == self.observer.begun


MakeBench = Callable[..., Bench]


@pytest.fixture
def make(database: Database) -> MakeBench:
    """Makes benches over one database."""
    return partial(Bench, database=database)


def told(inspection: Inspection) -> str:
    """An inspection as a caller gets it."""
    return inspection.model_dump_json()
