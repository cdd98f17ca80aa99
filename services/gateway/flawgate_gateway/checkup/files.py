"""Disks that the gateway writes on, the file of its sinks."""

import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from flawgate_contracts.checkup.disks import Need, room
from flawgate_contracts.checkup.findings import Finding, Place, error, ok, skipped
from flawgate_contracts.errors import InvalidParameter, RecordsUnavailable
from flawgate_contracts.startup import StartupError
from flawgate_gateway.checkup.places import WRONG, settings_of
from flawgate_gateway.checkup.records import NoRecordsError, kept
from flawgate_gateway.outbox.sinks import load_sinks
from flawgate_gateway.settings import GatewaySettings


def look_at_disks(place: Place) -> Iterator[Finding]:
    """Whether records and pictures have room."""
    settings = settings_of(place)
    if settings is None:
        yield skipped(WRONG)
        return
    yield room(settings.data_dir, subject="data")
    archive = settings.archive_terms().url.removeprefix("file://")
    if "://" in archive:
        yield skipped("Pictures are kept in an object store, whose room is its own.", subject="archive")
    else:
        yield room(Path(archive), _need(settings), subject="archive")


def look_at_sinks(place: Place) -> Iterator[Finding]:
    """Whether the file of sinks can be used."""
    settings = settings_of(place)
    if settings is None:
        yield skipped(WRONG)
        return
    try:
        sinks = load_sinks(settings.sinks_file).sinks
    except InvalidParameter as err:
        yield error(err.message, "Correct the file that GATEWAY_SINKS_FILE names (docs/events.md).")
        return
    if settings.sinks_file is None:
        yield skipped("No GATEWAY_SINKS_FILE is set: events are delivered to nobody.")
    else:
        names = ", ".join(sink.name for sink in sinks) or "none"
        yield ok(f"{settings.sinks_file} names the sinks: {names}.")


def _need(settings: GatewaySettings) -> Need:
    """What the archive may still take, as far as the database tells."""
    with suppress(RecordsUnavailable, StartupError, InvalidParameter, NoRecordsError, DBAPIError, sqlite3.Error):
        held, last_day = kept(settings.records_url())
        return Need(last_day, max(0, settings.archive_max_bytes - held))
    return Need(None, settings.archive_max_bytes)
