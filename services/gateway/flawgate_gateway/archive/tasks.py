"""What `flawgate pictures` does."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import typer
from rich.console import Console
from rich.filesize import decimal
from rich.text import Text

from flawgate_contracts.errors import Conflict
from flawgate_gateway.archive import surveying, verifying
from flawgate_gateway.archive.blobs import Blobs
from flawgate_gateway.archive.keeper import LEASE_S, PURGE, purge_alone
from flawgate_gateway.archive.observer import Unobserved
from flawgate_gateway.archive.opening import opened_blobs
from flawgate_gateway.archive.purging import Purge, PurgeReport
from flawgate_gateway.archive.surveying import Survey
from flawgate_gateway.archive.sweeping import PREFIXES
from flawgate_gateway.archive.terms import ArchiveTerms
from flawgate_gateway.archive.verifying import Verification
from flawgate_gateway.commanding import gateway_settings, table, with_database
from flawgate_gateway.database.connections import Database
from flawgate_gateway.database.leases import Lease

EVALUATIONS = ("OK", "NOT_DECIDABLE", "NOT_OK")

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Place:
    """Where records and pictures are; None for what the environment says."""

    database_url: str | None
    data_dir: Path | None
    archive_url: str | None

    def terms(self) -> ArchiveTerms:
        """Those of the gateway that is set up so."""
        # What is named here counts more than the environment.
        named: dict[str, Any] = {} if self.data_dir is None else {"data_dir": self.data_dir, "archive_url": None}
        if self.archive_url is not None:
            named["archive_url"] = self.archive_url
        return gateway_settings(**named).archive_terms()

    def ask(self, work: Callable[[Database, Blobs], Awaitable[Result]], terms: ArchiveTerms) -> Result:
        """Work on both."""

        async def on_both(database: Database) -> Result:
            with opened_blobs(terms) as blobs:
                return await work(database, blobs)

        return with_database(on_both, database_url=self.database_url, data_dir=self.data_dir)


def purge(place: Place, *, dry_run: bool, as_json: bool) -> None:
    """Purge, or say what would go."""
    terms = place.terms()

    async def survey(database: Database, _: Blobs) -> Survey:
        return await surveying.survey(database, max_bytes=terms.max_bytes)

    async def run(database: Database, blobs: Blobs) -> PurgeReport:
        deletion = Purge(database, blobs, Unobserved(), max_bytes=terms.max_bytes)
        report = await purge_alone(deletion, Lease(database, PURGE, lasts_s=LEASE_S), PREFIXES)
        if report is None:
            raise Conflict("Another process purges just now; wait until it has ended, then repeat the command.")
        return report

    if dry_run:
        found = place.ask(survey, terms)
        _say(asdict(found), lambda: _surveyed(found), as_json=as_json)
    else:
        report = place.ask(run, terms)
        _say(report.facts(), lambda: _purged(report), as_json=as_json)


def verify(place: Place, *, as_json: bool) -> bool:
    """Read all pictures; whether all are whole."""
    terms = place.terms()
    found = place.ask(verifying.verify, terms)
    _say(asdict(found), lambda: _verified(found), as_json=as_json)
    return not found.faults


def _say(facts: Mapping[str, object], show: Callable[[], None], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(facts, indent=2))
    else:
        show()


def _surveyed(found: Survey) -> None:
    shown = table("pictures of", "would go", "bytes", "held, so they stay")
    for evaluation in EVALUATIONS:
        going, size = found.expired.get(evaluation, (0, 0))
        shown.add_row(evaluation, str(going), decimal(size), str(found.held.get(evaluation, (0, 0))[0]))
    Console().print(shown)
    if found.too_much_bytes > 0:
        more = decimal(found.too_much_bytes)
        Console().print(Text(f"Of good parts {more} more would go, the oldest first: the archive is full."))


def _purged(report: PurgeReport) -> None:
    shown = table("pictures of", "gone", "bytes")
    for evaluation in EVALUATIONS:
        shown.add_row(evaluation, str(report.pictures[evaluation]), decimal(report.stored_bytes[evaluation]))
    Console().print(shown)
    Console().print(
        Text(
            f"Blobs that no record names: {report.orphans}; deleted for good: {report.deleted}; "
            f"put back, since a record names them: {report.restored}."
        ),
        soft_wrap=True,
    )


def _verified(found: Verification) -> None:
    if found.faults:
        shown = table("inspection", "fault")
        for inspection_id, fault in found.faults:
            shown.add_row(inspection_id, fault)
        Console().print(shown)
    Console().print(
        Text(f"{found.pictures} inspections, {found.blobs} blobs, {len(found.faults)} faults."), soft_wrap=True
    )
