"""The object store itself, by fsspec: S3, or a folder."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fsspec

from flawgate_cli.model_store.manifest import FileFacts, Manifest
from flawgate_contracts.errors import DamagedModel, DependencyUnavailable, InvalidParameter, NotFound
from flawgate_contracts.repository.files import telling_of_the_disk

MANIFEST = "manifest.json"
MAX_WHOLE_BYTES = 16 * 1024 * 1024
"""Of a file that is read whole: the manifest, a recipe, a configuration."""

CHUNK_BYTES = 8 * 1024 * 1024
"""Held in memory of a file on its way."""

S3_OPTIONS: dict[str, Any] = {
    "config_kwargs": {"connect_timeout": 5, "read_timeout": 30, "retries": {"max_attempts": 2}},
}
"""Longest waits of one try, in seconds."""

TRIES = 2
"""Of fsspec's client, around those of S3's own."""


class ModelStore:
    """A place for one model repository.

    Args:
        url: such as `s3://bucket/prefix`; keys and endpoint come from where the client looks (`AWS_...`).

    Raises:
        InvalidParameter: it is no URL, or no client for such URLs is installed.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        if "://" not in url:
            raise InvalidParameter(f"{url!r} is no URL; write it as s3://bucket/prefix.", {"field": "store"})
        try:
            self._files, root = fsspec.url_to_fs(
                url, use_listings_cache=False, skip_instance_cache=True, **(S3_OPTIONS if url.startswith("s3:") else {})
            )
        except (ImportError, ValueError) as err:
            kind = url.partition("://")[0]
            raise InvalidParameter(
                f"Nothing installed here can reach {kind}:// URLs; for s3:// install flawgate-cli[s3].",
                {"field": "store"},
            ) from err
        self._files.retries = TRIES
        self._root = str(root).rstrip("/")

    def manifest(self) -> Manifest | None:
        """What the store holds; None where nothing was pushed yet.

        Raises:
            NotFound: there is no such bucket.
            DependencyUnavailable: the store does not answer, or not to us.
            DamagedModel: what stands there is no manifest.
        """
        try:
            with self._answering():
                data: bytes = self._files.cat_file(f"{self._root}/{MANIFEST}", end=MAX_WHOLE_BYTES)
        except FileNotFoundError as err:
            if "NoSuchBucket" in str(err.__cause__):
                raise NotFound(f"There is no bucket of {self.url}; create it, or name another.") from err
            return None
        return Manifest.from_json(data, source=f"{self.url}/{MANIFEST}")

    def put_manifest(self, manifest: Manifest) -> None:
        """Say what the store holds from now on.

        Raises:
            DependencyUnavailable: the store does not take it.
        """
        with self._answering():
            self._files.pipe_file(f"{self._root}/{MANIFEST}", manifest.model_dump_json(indent=1).encode())

    def held(self) -> dict[str, int]:
        """Bytes of each file that is there already, by its digest.

        Raises:
            DependencyUnavailable: the store does not answer.
        """
        with self._answering():
            found: dict[str, dict[str, Any]] = self._files.find(f"{self._root}/files", detail=True)
        return {key.rpartition("/")[2]: int(facts["size"]) for key, facts in found.items()}

    def put(self, place: Path, facts: FileFacts) -> None:
        """Bring a file in.

        Raises:
            DependencyUnavailable: the store does not take it.
        """
        with self._answering():
            self._files.makedirs(f"{self._root}/files", exist_ok=True)
            self._files.put_file(str(place), self._key(facts))

    def get(self, facts: FileFacts) -> bytes:
        """A file of at most `MAX_WHOLE_BYTES`.

        Raises:
            DamagedModel: it is larger, missing in the store, or another.
            DependencyUnavailable: the store does not answer.
        """
        if facts.size > MAX_WHOLE_BYTES:
            raise self._damaged(facts, f"is said to have {facts.size} bytes, too many for a recipe or a configuration")
        return b"".join(self._chunks(facts))

    def fetch(self, facts: FileFacts, place: Path) -> None:
        """Write a file to `place`, whose folder is made; nothing is left of one that is not whole.

        Raises:
            DamagedModel: it is missing in the store, or is another.
            DependencyUnavailable: the store does not answer.
            DiskFull: no space is left.
            InvalidParameter: it cannot be written.
        """
        with telling_of_the_disk(place.parent):
            place.parent.mkdir(parents=True, exist_ok=True)
        try:
            with telling_of_the_disk(place.parent), place.open("wb") as file:
                for chunk in self._chunks(facts):
                    file.write(chunk)
        except BaseException:
            place.unlink(missing_ok=True)
            raise

    def _chunks(self, facts: FileFacts) -> Iterator[bytes]:
        """The bytes of a file, never more than it has; at its end they were the right ones."""
        digest = hashlib.sha256()
        for start in range(0, facts.size, CHUNK_BYTES):
            try:
                with self._answering():
                    chunk: bytes = self._files.cat_file(
                        self._key(facts), start=start, end=min(start + CHUNK_BYTES, facts.size)
                    )
            except FileNotFoundError as err:
                raise self._damaged(facts, "is missing") from err
            digest.update(chunk)
            yield chunk
        if digest.hexdigest() != facts.sha256:
            raise self._damaged(facts, "is damaged or cut short")

    def _damaged(self, facts: FileFacts, how: str) -> DamagedModel:
        return DamagedModel(
            f"{self.url}/files/{facts.sha256} {how}; delete it there, and push the models again.",
            {"file": f"files/{facts.sha256}"},
        )

    def _key(self, facts: FileFacts) -> str:
        return f"{self._root}/files/{facts.sha256}"

    @contextmanager
    def _answering(self) -> Iterator[None]:
        """Say in a sentence what a client raises, which is whatever it likes; what is not there is told as it is."""
        try:
            yield
        except FileNotFoundError:
            raise
        except Exception as err:
            raise DependencyUnavailable(
                f"The object store at {self.url} does not answer as it must ({type(err).__name__}: {err}); see to its "
                "address (AWS_ENDPOINT_URL), its keys and its rights.",
                {"service": "object store"},
            ) from err
