"""The archive of pictures: what is kept of an inspection, and how it is found again."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import numpy as np
from numpy.typing import NDArray

from flawgate_contracts.errors import FlawgateError, PictureNotKept
from flawgate_gateway.answer import Inspection
from flawgate_gateway.archive.archived import Archived
from flawgate_gateway.archive.blobs import Blobs, BlobStore, read_whole, sha256_of
from flawgate_gateway.archive.budget import Budget
from flawgate_gateway.archive.documents import EvidenceDocument, document_of, read_document
from flawgate_gateway.archive.observer import Operation, PictureObserver
from flawgate_gateway.archive.planes import packed, unpacked
from flawgate_gateway.archive.retention import OK, Retention
from flawgate_gateway.frames import Frame
from flawgate_gateway.ports import Evidence


class PictureArchive:
    """The core's `Archive` over blobs."""

    def __init__(self, blobs: Blobs, retention: Retention, budget: Budget, observer: PictureObserver) -> None:
        self._blobs = blobs
        self._retention = retention
        self._budget = budget
        self._observer = observer

    async def put(self, inspection: Inspection, evidence: Evidence) -> Archived | None:
        """Keep what an inspection's pictures are drawn from, before its record is written.

        Blobs of which no record comes are deleted later, see docs/decisions/0010.

        Returns:
            What the record says of them; None where the rules keep nothing.

        Raises:
            ArchiveUnavailable: the archive does not answer in time, or refuses.
            DiskFull: no space is left.
        """
        if not self._keeps(inspection):
            return None
        with self._counted("put"):
            frame, mask, explanation = await asyncio.gather(
                self._put_frame(inspection.frame.sha256, evidence.frame.data),
                self._put_planes(evidence.mask),
                self._put_planes(evidence.explanation),
            )
        archived = Archived(
            evaluation=inspection.evaluation,
            frame_sha256=frame[0],
            mask_sha256=mask[0],
            explanation_sha256=explanation[0],
            document=document_of(evidence),
            stored_bytes=frame[1] + mask[1] + explanation[1],
            keep_until_us=self._retention.keep_until_us(inspection),
        )
        self._budget.add(archived.stored_bytes)
        self._observer.kept(archived.evaluation, archived.stored_bytes)
        return archived

    async def get(self, archived: Archived) -> Evidence:
        """What an inspection's pictures are drawn from.

        Raises:
            PictureNotKept: it was purged.
            ArchiveUnavailable: the archive does not answer in time, or what it holds is damaged.
        """
        document = read_document(archived.document)
        with self._counted("get"):
            frame, mask, explanation = await asyncio.gather(
                self._get_frame(archived, document),
                self._get_planes(archived.mask_sha256, document.mask_shape),
                self._get_planes(archived.explanation_sha256, document.explanation_shape),
            )
        return Evidence(frame, document.facts, mask, document.geometry, explanation)

    async def get_frame(self, archived: Archived) -> Frame:
        """The frame alone, as it came.

        Raises:
            PictureNotKept: it was purged.
            ArchiveUnavailable: the archive does not answer in time, or what it holds is damaged.
        """
        with self._counted("get"):
            return await self._get_frame(archived, read_document(archived.document))

    async def answers(self) -> bool:
        """Whether pictures can be kept now."""
        try:
            await self._blobs.check()
        except FlawgateError:
            return False
        return True

    def _keeps(self, inspection: Inspection) -> bool:
        if not self._retention.samples(inspection):
            self._observer.skipped("sampling")
            return False
        if inspection.evaluation == OK and self._budget.is_full:
            self._observer.skipped("full")
            return False
        return True

    async def _put_frame(self, digest: str, data: bytes) -> tuple[str, int]:
        await self._blobs.put(digest, data)
        return digest, len(data)

    async def _put_planes(self, planes: NDArray[np.uint8] | None) -> tuple[str | None, int]:
        return (None, 0) if planes is None else await self._blobs.call(partial(_put_planes, planes))

    async def _get_frame(self, archived: Archived, document: EvidenceDocument) -> Frame:
        if archived.frame_sha256 is None:
            raise not_kept()
        return Frame(await self._blobs.get(archived.frame_sha256), document.layout)

    async def _get_planes(self, digest: str | None, shape: Sequence[int] | None) -> NDArray[np.uint8] | None:
        if digest is None or shape is None:
            return None
        return await self._blobs.call(lambda store: unpacked(read_whole(store, digest), shape))

    @contextmanager
    def _counted(self, operation: Operation) -> Iterator[None]:
        try:
            yield
        except FlawgateError:
            self._observer.failed(operation)
            raise


def _put_planes(planes: NDArray[np.uint8], store: BlobStore) -> tuple[str, int]:
    data = packed(planes)
    digest = sha256_of(data)
    store.put(digest, data)
    return digest, len(data)


def not_kept() -> PictureNotKept:
    """What is said where there are no pictures, or none any more."""
    return PictureNotKept(
        "The pictures of this inspection are not kept, or not any more, by the rules of retention; its record is whole."
    )
