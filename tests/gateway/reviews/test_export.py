import csv
import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from support.gateway_fakes import FakeArchive
from support.pictures import spot_pixels, spot_png
from support.records import inspection
from support.reviewed import review
from support.tiny_repository import HEIGHT, WIDTH, spot_recipe

from flawgate_contracts.errors import ArchiveUnavailable, FlawgateError, PictureNotKept
from flawgate_gateway.answer import FrameFacts, Inspection
from flawgate_gateway.archive.archived import Archived
from flawgate_gateway.database.connections import Database
from flawgate_gateway.frames import Frame, RawLayout
from flawgate_gateway.ports import DrawingFacts, Evidence
from flawgate_gateway.records.book import RecordBook
from flawgate_gateway.reviews.export import ExportQuery, ReviewExport
from flawgate_gateway.reviews.frames import as_file, part_folder
from flawgate_imaging.decoding import decode
from flawgate_imaging.geometry import Geometry


class FailingArchive(FakeArchive):
    """An archive that keeps pictures and cannot give them back."""

    def __init__(self, error: FlawgateError) -> None:
        super().__init__()
        self.failure = error

    async def get_frame(self, archived: Archived) -> Frame:
        """See `Archive`."""
        raise self.failure


class Shelf:
    """Records with their pictures, and exports of them."""

    def __init__(self, database: Database, archive: FakeArchive | None = None) -> None:
        self.archive = archive or FakeArchive()
        self.database = database
        self.records = RecordBook(database, sinks=(), expires_s=60, written=lambda: None)
        self.export = ReviewExport(database, self.records, self.archive)

    async def add(self, minute: int, frame: Frame, *said: str, kept: bool = True, **changes: Any) -> Inspection:
        """An inspection of a frame, and what people said of it."""
        digest = hashlib.sha256(frame.data).hexdigest()
        facts = FrameFacts(width=WIDTH, height=HEIGHT, sha256=digest)
        made = inspection(minute, frame=facts, **changes)
        drawn = DrawingFacts.of(spot_recipe())
        evidence = Evidence(frame, drawn, None, Geometry.identity(WIDTH, HEIGHT))
        archived = await self.archive.put(made, evidence) if kept else None
        await self.records.record(made, archived, None)
        if said:
            await review(self.database, made.inspection_id, *said)
        return made

    async def unpacked(self, folder: Path, **query: Any) -> tuple[list[dict[str, str]], dict[str, Any]]:
        """An export, unpacked; gives its manifest and its summary."""
        chunks = [chunk async for chunk in self.export.chunks(ExportQuery(recipe="spot", **query))]
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as tar:
            tar.extractall(folder, filter="data")
        manifest = list(csv.DictReader((folder / "manifest.csv").read_text("utf-8").splitlines()))
        return manifest, json.loads((folder / "export.json").read_text("utf-8"))


async def test_frames_lie_in_the_folder_of_their_class_and_part(database: Database, tmp_path: Path) -> None:
    """As they came, by the latest review; frames of one part together, so that no test is of what was learned."""
    shelf = Shelf(database)
    good = await shelf.add(0, Frame(spot_png(1)), "NOT_OK", "OK", part="SN/1 ä")
    bad = await shelf.add(1, Frame(spot_png(2)), "NOT_OK", part=None)
    await shelf.add(2, Frame(spot_png(3)))
    manifest, summary = await shelf.unpacked(tmp_path)
    expected = [f"defective/{bad.inspection_id}.png", f"good/{part_folder('SN/1 ä')}/{good.inspection_id}.png"]
    assert expected == [line["file"] for line in manifest]
    assert [spot_png(2), spot_png(1)] == [(tmp_path / name).read_bytes() for name in expected]
    assert [(line["review"], line["evaluation"]) for line in manifest] == [("NOT_OK", "OK"), ("OK", "OK")]
    assert {name: summary[name] for name in ("files", "inspections", "truncated")} == {
        "files": {"defective": 1, "good": 1},
        "inspections": {"EXPORTED": 2},
        "truncated": False,
    }


async def test_what_has_no_picture_is_named_with_the_reason(database: Database, tmp_path: Path) -> None:
    """Nothing is left out in silence."""
    shelf = Shelf(database)
    same = await shelf.add(0, Frame(spot_png(1)), "NOT_OK")
    kept = await shelf.add(1, Frame(spot_png(1)), "OK")
    gone = await shelf.add(2, Frame(spot_png(2)), "OK", kept=False)
    unsure = await shelf.add(3, Frame(spot_png(3)), "NOT_DECIDABLE")
    noise = await shelf.add(4, Frame(b"no picture"), "NOT_OK", evaluation="NOT_DECIDABLE", score=None)
    manifest, summary = await shelf.unpacked(tmp_path)
    assert {line["inspection_id"]: line["status"] for line in manifest} == {
        same.inspection_id: "SAME_PICTURE",
        kept.inspection_id: "EXPORTED",
        gone.inspection_id: "PICTURE_NOT_KEPT",
        unsure.inspection_id: "NOT_DECIDABLE",
        noise.inspection_id: "NO_PICTURE",
    }
    assert summary["files"] == {"good": 1}
    assert [line["file"] for line in manifest if line["status"] != "EXPORTED"] == [""] * 4


async def test_a_picture_that_was_purged_meanwhile_is_named_too(database: Database, tmp_path: Path) -> None:
    """Between the record and the archive."""
    shelf = Shelf(database, FailingArchive(PictureNotKept("It is gone.")))
    await shelf.add(0, Frame(spot_png(1)), "OK")
    manifest, _ = await shelf.unpacked(tmp_path)
    assert [line["status"] for line in manifest] == ["PICTURE_NOT_KEPT"]


async def test_an_archive_that_does_not_answer_ends_the_export(database: Database, tmp_path: Path) -> None:
    """Half a data set is not passed off as a whole one."""
    shelf = Shelf(database, FailingArchive(ArchiveUnavailable("The archive is away.")))
    await shelf.add(0, Frame(spot_png(1)), "OK")
    with pytest.raises(ArchiveUnavailable):
        await shelf.unpacked(tmp_path)


async def test_more_than_was_asked_for_is_said(database: Database, tmp_path: Path) -> None:
    """The latest are there; the summary says that there are more."""
    shelf = Shelf(database)
    for number in range(5):
        await shelf.add(number, Frame(spot_png(number + 1)), "OK", part=str(number))
    for asked, expected in ((4, (["4", "3", "2", "1"], True)), (5, (["4", "3", "2", "1", "0"], False))):
        manifest, summary = await shelf.unpacked(tmp_path / str(asked), max_items=asked)
        assert expected == ([line["part"] for line in manifest], summary["truncated"])


async def test_only_what_is_asked_for_is_exported(database: Database, tmp_path: Path) -> None:
    """By recipe always, and by whatever finds inspections."""
    shelf = Shelf(database)
    await shelf.add(0, Frame(spot_png(1)), "OK", station="S1", part="1")
    await shelf.add(1, Frame(spot_png(2)), "OK", station="S2", part="2")
    await shelf.add(2, Frame(spot_png(3)), "OK", recipe="other", part="3")
    manifest, summary = await shelf.unpacked(tmp_path, station="S2")
    assert [line["part"] for line in manifest] == ["2"]
    assert summary["query"] == {"recipe": "spot", "station": "S2"}


async def test_a_formula_in_a_comment_is_text(database: Database, tmp_path: Path) -> None:
    """A manifest is opened in a spreadsheet."""
    shelf = Shelf(database)
    await shelf.add(0, Frame(spot_png(1)), "OK", part="=1+1")
    manifest, _ = await shelf.unpacked(tmp_path)
    assert manifest[0]["part"] == "'=1+1"


def test_raw_pixels_become_a_picture() -> None:
    """Training reads files; nothing is lost."""
    pixels = spot_pixels(200)
    data, ending = as_file(Frame(pixels.tobytes(), RawLayout(WIDTH, HEIGHT, 1)))
    assert (ending, decode(data).tolist()) == (".png", pixels.tolist())


@pytest.mark.parametrize(
    "part", ["../../etc/passwd", ".", "..", ".hidden", "a/b", "x" * 128, "零件", "-rf", "con", "a\\b"]
)
def test_a_part_is_a_folder_whatever_its_name(part: str) -> None:
    """One name, short, that no file system takes for another place or hides."""
    folder = part_folder(part)
    assert folder.replace("_", "").replace("-", "").isalnum()
    assert (folder.isascii(), len(folder) <= 49, folder[0] in ".-") == (True, True, False)


def test_parts_that_look_alike_lie_apart() -> None:
    """Their folders differ where their names do."""
    assert len({part_folder(part) for part in ("SN 1", "SN_1", "SN/1", "sn 1")}) == 4
