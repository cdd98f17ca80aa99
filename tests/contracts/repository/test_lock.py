import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from flawgate_contracts.errors import InvalidParameter, RepositoryBusy
from flawgate_contracts.repository.lock import changing, check_free
from flawgate_contracts.repository.staging import STAGING

HOLD = """
import sys, pathlib
from flawgate_contracts.repository.lock import changing
with changing(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_repository_is_made_where_there_is_none(tmp_path: Path) -> None:
    """The first export needs no other command before it."""
    with changing(tmp_path / "new" / "repository"):
        assert (tmp_path / "new" / "repository").is_dir()


def test_only_one_process_changes_a_repository(tmp_path: Path) -> None:
    """The second is refused at once, and may begin when the first is gone, even when that was killed."""
    with _holder(tmp_path) as holder:
        with pytest.raises(RepositoryBusy, match=f"changing the model repository {tmp_path}"), changing(tmp_path):
            pytest.fail("the repository was held twice")
        holder.kill()
        holder.wait()
        with changing(tmp_path):
            pass


def test_whoever_can_wait_gets_it_when_the_other_has_ended(tmp_path: Path) -> None:
    """An export that took minutes waits for a promotion rather than throw its work away, but not for ever."""
    with _holder(tmp_path) as holder:
        with pytest.raises(RepositoryBusy), changing(tmp_path, wait_s=0.2):
            pytest.fail("the repository was held twice")
        threading.Timer(0.3, holder.kill).start()
        with changing(tmp_path, wait_s=30):
            assert holder.wait(5) != 0


def test_whether_it_is_free_is_known_before_the_work(tmp_path: Path) -> None:
    """What would be refused in the end is refused at once."""
    check_free(tmp_path)
    with _holder(tmp_path), pytest.raises(RepositoryBusy):
        check_free(tmp_path)


def test_what_a_killed_process_left_is_gone(tmp_path: Path) -> None:
    """Whoever changes a repository next begins with a clean one."""
    (tmp_path / "spot" / STAGING / "tree").mkdir(parents=True)
    (tmp_path / "spot" / ".config.pbtxt.part").touch()
    with changing(tmp_path):
        assert list((tmp_path / "spot").iterdir()) == []


def test_a_path_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    """The sentence names it."""
    (tmp_path / "file").touch()
    with pytest.raises(InvalidParameter, match="file cannot be written to"), changing(tmp_path / "file"):
        pytest.fail("a file was taken for a repository")


@contextmanager
def _holder(root: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that holds the repository."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()
