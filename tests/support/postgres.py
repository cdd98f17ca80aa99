"""A PostgreSQL of Debian's on a free port, for as long as a session of tests runs; a fresh database for each test."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from support.ports import free_port

UNPRIVILEGED = "postgres"
"""PostgreSQL does not run as root."""


class PostgresServer:
    """A server that trusts whoever comes over its loopback port, or, where it has another address, from beside it.

    Args:
        programs: folder of PostgreSQL's.
        folder: of the data.
        address: to listen on.
        host: what stands before a command that runs on the server's own host; nothing: that is this one.
    """

    def __init__(self, programs: Path, folder: Path, *, address: str = "127.0.0.1", host: Sequence[str] = ()) -> None:
        self._programs = programs
        self._host = host
        self.address = address
        self.folder = folder
        self.port = free_port()
        self._run("initdb", "--auth=trust", "--username=flawgate", "--encoding=UTF8", "--no-sync", "-D", str(folder))
        with (folder / "pg_hba.conf").open("a", encoding="utf-8") as known:
            known.write("host all all samenet trust\n")

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = (
            f"-p {self.port} -k {self.folder} -c listen_addresses={self.address} -c fsync=off -c max_connections=200"
        )
        log = str(self.folder / "log")
        self._run("pg_ctl", "start", "-w", "-D", str(self.folder), "-l", log, "-o", options)

    def stop(self) -> None:
        """Stop it at once; connections are cut."""
        self._run("pg_ctl", "stop", "-w", "-m", "immediate", "-D", str(self.folder))

    def new_database(self) -> str:
        """The URL of a database that nobody has used."""
        name = f"t{uuid4().hex}"
        self._run("createdb", "-h", str(self.folder), "-p", str(self.port), "-U", "flawgate", name)
        return f"postgresql://flawgate@{self.address}:{self.port}/{name}"

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), *arguments]
        if os.geteuid() == 0:
            command = [*self._host, "setpriv", f"--reuid={UNPRIVILEGED}", "--clear-groups", *command]
        done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def postgres_server(**where: Any) -> Iterator[PostgresServer]:
    """A running server, on another host where `where` says so.

    Skips the test where PostgreSQL is not installed.
    """
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    with tempfile.TemporaryDirectory(prefix="flawgate-postgres-") as name:
        folder = Path(name) / "data"
        folder.mkdir(mode=0o700)
        if os.geteuid() == 0:
            user = pwd.getpwnam(UNPRIVILEGED)
            for path in (Path(name), folder):
                os.chown(path, user.pw_uid, user.pw_gid)
        server = PostgresServer(programs, folder, **where)
        server.start()
        try:
            yield server
        finally:
            server.stop()


def _programs() -> Path | None:
    """The folder of the programs: where Debian puts the newest, or that of a `pg_ctl` on the PATH."""
    found = shutil.which("pg_ctl")
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    folders = [*debian, *([Path(found).parent] if found else ())]
    needed = ("initdb", "pg_ctl", "createdb")
    return next((folder for folder in folders if all((folder / name).exists() for name in needed)), None)
