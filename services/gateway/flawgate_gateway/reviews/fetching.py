"""Fetching an export from a running gateway, and unpacking it into a folder."""

import csv
import json
import ssl
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import httpx

from flawgate_contracts.errors import InvalidParameter, InvalidRequest, Unavailable
from flawgate_gateway.reviews.export import SUMMARY
from flawgate_gateway.reviews.manifest import NAME as MANIFEST

TIMEOUT_S = 60.0
"""Longest wait for the next bytes, in seconds."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came."""

    summary: Mapping[str, Any]
    """The content of export.json."""
    missing: tuple[tuple[str, str], ...]
    """Inspections without a picture here, and why."""


def fetch(
    url: str, query: Mapping[str, str], folder: Path, *, api_key: str | None = None, ca_file: Path | None = None
) -> Fetched:
    """Fetch reviewed frames into a folder that is empty, or not there yet.

    Args:
        url: of the gateway.
        query: of `GET /v1/reviews:export`.
        folder: is made where it is not there.
        api_key: with the scope `read`; None where access is off.
        ca_file: certificates of the authorities that are trusted (PEM); None: those of the system.

    Raises:
        InvalidParameter: the folder is not empty, or the URL is none.
        InvalidRequest: the gateway refused it.
        Unavailable: the gateway does not answer, or broke off; the folder is as before.
    """
    if folder.is_dir() and any(folder.iterdir()):
        raise InvalidParameter(f"{folder} is not empty; give a folder that is, or that is not there yet.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder.parent) as archive:
        with _answer(url, query, api_key, ca_file) as answer:
            for chunk in answer.iter_bytes():
                archive.write(chunk)
        archive.seek(0)
        _unpack(archive, folder)
    return _read(folder)


@contextmanager
def _answer(url: str, query: Mapping[str, str], api_key: str | None, ca_file: Path | None) -> Iterator[httpx.Response]:
    headers = {} if api_key is None else {"authorization": f"Bearer {api_key}"}
    trusted = _trusted(ca_file)
    try:
        # The factory's proxy settings are for the outside; the gateway is named by the caller.
        with (
            httpx.Client(base_url=url, headers=headers, timeout=TIMEOUT_S, verify=trusted, trust_env=False) as client,
            client.stream("GET", "/v1/reviews:export", params=dict(query)) as answer,
        ):
            if not answer.is_success:
                raise _refusal(answer)
            yield answer
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as err:
        raise InvalidParameter(f"`{url}` is no URL of a gateway; write it like http://127.0.0.1:8080.") from err
    except httpx.RequestError as err:
        why = str(err) or type(err).__name__
        raise Unavailable(f"The gateway at {url} does not answer, or broke off ({why}); try again.") from err


def _trusted(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as err:
        raise InvalidParameter(f"{ca_file}, which is to hold certificates, cannot be read.") from err


def _refusal(answer: httpx.Response) -> InvalidRequest | Unavailable:
    try:
        problem = json.loads(answer.read())
        detail, retryable = str(problem["detail"]), problem["retryable"] is True
    except (ValueError, KeyError, TypeError):
        detail, retryable = f"HTTP {answer.status_code} that no Flawgate gateway says; check the URL.", False
    return Unavailable(detail) if retryable else InvalidRequest(detail)


def _unpack(archive: IO[bytes], folder: Path) -> None:
    """Unpack; first beside the folder, so that it is whole or as before."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".flawgate-") as name:
        unpacked = Path(name) / "unpacked"
        try:
            with tarfile.open(fileobj=archive, mode="r:") as tar:
                tar.extractall(unpacked, filter="data")
        except (tarfile.TarError, EOFError) as err:
            raise Unavailable("The export was cut off; try again.") from err
        if not (unpacked / SUMMARY).is_file():
            raise Unavailable("The export was cut off, its last files are missing; try again.")
        if folder.is_dir():
            folder.rmdir()
        unpacked.rename(folder)


def _read(folder: Path) -> Fetched:
    with (folder / MANIFEST).open(encoding="utf-8", newline="") as lines:
        rows = [(row["inspection_id"], row["status"]) for row in csv.DictReader(lines) if row["status"] != "EXPORTED"]
    return Fetched(json.loads((folder / SUMMARY).read_text("utf-8")), tuple(rows))
