import zlib

import numpy as np
import pytest
from support.archives import evidence_of

from flawgate_contracts.errors import ArchiveUnavailable
from flawgate_gateway.archive.documents import document_of, read_document
from flawgate_gateway.archive.planes import packed, unpacked
from flawgate_gateway.frames import RawLayout
from flawgate_gateway.ports import DrawingFacts
from flawgate_imaging.geometry import Geometry

WRITTEN_2026 = (
    '{"schema":1,"facts":{"recipe":"spot","kind":"cascade","classes":["spot"],"mask_threshold":0.5,'
    '"areas_decide":false},"geometry":{"frame_width":24,"frame_height":32,"matrix":[1.0,0.0,0.0,0.0,1.0,0.0],'
    '"tensor_width":24,"tensor_height":32},"layout":{"width":24,"height":32,"channels":1},"mask_shape":[1,4,3],'
    '"explanation_shape":[2,3]}'
)


def test_schema_1_is_read_for_ever() -> None:
    """Whoever renames a field of it, or drops one, must write a schema 2 beside it."""
    read = read_document(WRITTEN_2026)
    assert read.facts == DrawingFacts("spot", "cascade", ("spot",), 0.5, areas_decide=False)
    assert read.geometry == Geometry.identity(24, 32)
    assert (read.layout, read.mask_shape, read.explanation_shape) == (RawLayout(24, 32, 1), (1, 4, 3), (2, 3))


def test_schema_1_is_what_is_written() -> None:
    """The same document, to the letter."""
    evidence = evidence_of(layout=RawLayout(24, 32, 1), explanation=np.zeros((2, 3), np.uint8))
    assert document_of(evidence) == WRITTEN_2026


@pytest.mark.parametrize("text", ["", "{}", WRITTEN_2026.replace('"schema":1', '"schema":2'), WRITTEN_2026[:-10]])
def test_a_document_of_another_time_is_refused(text: str) -> None:
    """Nothing is guessed of a schema that is not known, or of half a document."""
    with pytest.raises(ArchiveUnavailable, match="cannot be read by this version"):
        read_document(text)


@pytest.mark.parametrize("shape", [(1, 4, 3), (3, 176, 64), (2, 3), (1, 1, 1)])
def test_planes_come_back_as_they_were(shape: tuple[int, ...]) -> None:
    """Value for value, also of an array that is no piece of memory."""
    planes = np.random.default_rng(1).integers(0, 256, shape, np.uint8)
    assert np.array_equal(unpacked(packed(planes), shape), planes)
    assert np.array_equal(unpacked(packed(planes[..., ::-1]), shape), planes[..., ::-1])


@pytest.mark.parametrize(
    "blob", [b"", b"no zlib", zlib.compress(bytes(11)), zlib.compress(bytes(13)), zlib.compress(bytes(10**8))]
)
def test_planes_of_another_size_are_refused(blob: bytes) -> None:
    """A blob that would fill the memory is not decompressed beyond what the record says."""
    with pytest.raises(ArchiveUnavailable, match=r"does not have the shape \(1, 4, 3\)"):
        unpacked(blob, (1, 4, 3))
