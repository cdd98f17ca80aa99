import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.camera_parts import read_pictures

from flawgate_camera.config.sources import FolderSource as Config
from flawgate_camera.frames import Picture
from flawgate_camera.sources.base import Cause, DamagedPicture, SourceFailed
from flawgate_camera.sources.folder import FolderSource
from flawgate_camera.sources.seen import SeenFiles
from flawgate_imaging.encoding import encode_png

PNG = encode_png(np.full((8, 8), 100, np.uint8))


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """An empty folder."""
    folder = tmp_path / "in"
    folder.mkdir()
    return folder


def opened(inbox: Path, *, max_listed: int = 100, **changes: Any) -> FolderSource:
    """A source of that folder that looks often; its journal is made shorter from 4 lines on."""
    table = {"kind": "folder", "path": inbox, "poll_s": 0.01, "settle_s": 0.03} | changes
    seen = SeenFiles(inbox.parent / "data" / "taken_over.txt", rewrite_from=4)
    source = FolderSource(Config.model_validate(table), seen, max_listed)
    source.open()
    return source


def names(pictures: list[Picture]) -> list[str | None]:
    """Which files they came from."""
    return [picture.trigger.id for picture in pictures]


def quiet(source: FolderSource) -> bool:
    """Whether no picture comes for a while."""
    return all(source.read() is None for _ in range(10))


def test_files_come_once_and_in_order(inbox: Path) -> None:
    """Each file comes once, by name, with its own bytes and its name as the trigger's id."""
    for name in ("b.png", "a.png", "c.PNG"):
        (inbox / name).write_bytes(PNG)
    source = opened(inbox)
    pictures = read_pictures(source, 3)
    assert names(pictures) == ["a.png", "b.png", "c.PNG"]
    assert [picture.file for picture in pictures] == [PNG] * 3
    assert quiet(source)


def test_what_is_no_whole_picture_file_is_left_alone(inbox: Path) -> None:
    """Hidden files, `.part` files, other files and folders are not looked at; a rename makes a file whole."""
    for name in (".a.png", "a.png.part", "notes.txt"):
        (inbox / name).write_bytes(PNG)
    (inbox / "sub.png").mkdir()
    source = opened(inbox)
    assert quiet(source)
    (inbox / "a.png.part").rename(inbox / "a.png")
    assert names(read_pictures(source, 1)) == ["a.png"]


def test_a_growing_file_is_waited_for(inbox: Path) -> None:
    """A file that is written in place is read when it has stood still, and then it is whole."""
    source = opened(inbox, settle_s=0.3)
    path = inbox / "a.png"
    for end in range(0, len(PNG), 20):
        path.write_bytes(PNG[:end])
        assert source.read() is None
    path.write_bytes(PNG)
    assert read_pictures(source, 1)[0].file == PNG


@pytest.mark.parametrize("after", ["keep", "delete", "move"])
def test_a_file_is_put_away_when_it_is_safe(inbox: Path, after: str) -> None:
    """A file stays until its frame was taken over; then it is kept, deleted or moved, and never comes again."""
    (inbox / "a.png").write_bytes(PNG)
    changes: dict[str, Any] = {"after": after} | ({"moved_to": inbox.parent / "done"} if after == "move" else {})
    source = opened(inbox, **changes)
    read_pictures(source, 1)
    assert quiet(source)
    assert (inbox / "a.png").exists()
    source.taken()
    assert (inbox / "a.png").exists() == (after == "keep")
    assert (inbox.parent / "done" / "a.png").exists() == (after == "move")
    assert quiet(opened(inbox, **changes))


def test_a_file_that_was_not_safe_comes_again(inbox: Path) -> None:
    """Where the agent ended before the frame was taken over, the file is read again."""
    (inbox / "a.png").write_bytes(PNG)
    read_pictures(opened(inbox), 1)
    assert names(read_pictures(opened(inbox), 1)) == ["a.png"]


def test_another_file_of_the_same_name_is_another_file(inbox: Path) -> None:
    """A camera that counts from 1 again each day is no trouble."""
    path = inbox / "a.png"
    path.write_bytes(PNG)
    source = opened(inbox)
    read_pictures(source, 1)
    source.taken()
    path.write_bytes(encode_png(np.full((8, 9), 50, np.uint8)))
    assert read_pictures(source, 1)[0].pixels.shape == (8, 9)


def test_nothing_is_overwritten_where_files_are_moved_to(inbox: Path) -> None:
    """Two files of one name are both there in the end."""
    done = inbox.parent / "done"
    source = opened(inbox, after="move", moved_to=done)
    for _ in range(2):
        (inbox / "a.png").write_bytes(PNG)
        read_pictures(source, 1)
        source.taken()
    assert len(list(done.iterdir())) == 2


@pytest.mark.parametrize(("after", "left"), [("keep", "a.png"), ("delete", "a.png.damaged")])
def test_a_damaged_file_is_told_and_never_deleted(inbox: Path, after: str, left: str) -> None:
    """A file that is no picture is told by name, does not hold up the others, and stays for whoever looks for it."""
    (inbox / "a.png").write_bytes(PNG[:30])
    (inbox / "b.png").write_bytes(PNG)
    source = opened(inbox, after=after)
    with pytest.raises(DamagedPicture, match=r"a\.png cannot be inspected"):
        read_pictures(source, 1)
    source.taken()
    assert (inbox / left).exists()
    assert names(read_pictures(source, 1)) == ["b.png"]


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    """A share that is not mounted is a camera that is down, with a cause."""
    with pytest.raises(SourceFailed, match="There is no folder") as raised:
        opened(tmp_path / "in")
    assert raised.value.cause is Cause.MISSING


def test_a_folder_that_goes_away_is_told(inbox: Path) -> None:
    """A share that is lost while it is watched is a camera that is down, until it is back."""
    source = opened(inbox)
    inbox.rename(inbox.parent / "gone")
    with pytest.raises(SourceFailed, match="cannot be read") as raised:
        read_pictures(source, 1)
    assert raised.value.cause is Cause.UNREACHABLE


def test_what_cannot_be_put_away_is_tried_again(inbox: Path) -> None:
    """A file that cannot be moved is told, never read twice, and moved as soon as that can be done."""
    (inbox / "a.png").write_bytes(PNG)
    done = inbox.parent / "done"
    source = opened(inbox, after="move", moved_to=done)
    read_pictures(source, 1)
    done.rmdir()
    done.write_text("in the way")
    with pytest.raises(SourceFailed, match="cannot be put away"):
        source.taken()
    assert quiet(source)
    done.unlink()
    done.mkdir()
    source.taken()
    assert (done / "a.png").exists()


def test_files_that_wait_are_bounded(inbox: Path) -> None:
    """Files whose frames are not safe yet are no more than the bound; the next ones come when those are done."""
    for number in range(5):
        (inbox / f"{number}.png").write_bytes(PNG)
    source = opened(inbox, max_listed=3)
    read_pictures(source, 3)
    assert quiet(source)
    source.taken()
    assert names(read_pictures(source, 1)) == ["3.png"]


def test_the_journal_survives_a_power_loss_and_stays_short(inbox: Path) -> None:
    """A line cut short counts as not written; lines of files that are gone are forgotten."""
    source = opened(inbox)
    for number in range(12):
        path = inbox / f"{number:02}.png"
        path.write_bytes(PNG)
        read_pictures(source, 1)
        source.taken()
        path.unlink()
    journal = inbox.parent / "data" / "taken_over.txt"
    assert len(journal.read_text().splitlines()) <= 5
    (inbox / "a.png").write_bytes(PNG)
    facts = (inbox / "a.png").stat()
    line = f"{facts.st_mtime_ns} {facts.st_size} a.png"
    journal.write_text(line)
    again = opened(inbox)
    assert names(read_pictures(again, 1)) == ["a.png"]
    again.taken()
    assert journal.read_text() == f"{line}\n"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_rights_is_told(inbox: Path) -> None:
    """A file that this user may not read is told by name and does not hold up the others."""
    (inbox / "a.png").write_bytes(PNG)
    (inbox / "a.png").chmod(0)
    with pytest.raises(DamagedPicture, match="mend its rights"):
        read_pictures(opened(inbox), 1)
