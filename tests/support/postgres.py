"""A PostgreSQL of Debian's on a free port, for as long as a session of tests runs; a fresh database for each test."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from support.ports import free_port

UNPRIVILEGED = "postgres"
"""PostgreSQL does not run as root."""


class PostgresServer:
    """A server that trusts whoever comes over its loopback port."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs = programs
        self.folder = folder
        self.port = free_port()
        self._run("initdb", "--auth=trust", "--username=flawgate", "--encoding=UTF8", "--no-sync", "-D", str(folder))

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=200"
        log = str(self.folder / "log")
        self._run("pg_ctl", "start", "-w", "-D", str(self.folder), "-l", log, "-o", options)

    def stop(self) -> None:
        """Stop it at once; connections are cut."""
        self._run("pg_ctl", "stop", "-w", "-m", "immediate", "-D", str(self.folder))

    def new_database(self) -> str:
        """The URL of a database that nobody has used."""
        name = f"t{uuid4().hex}"
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "flawgate", name)
        return f"postgresql://flawgate@127.0.0.1:{self.port}/{name}"

    def _run(self, program: str, *arguments: str) -> None:
        user = UNPRIVILEGED if os.geteuid() == 0 else None
        command = [str(self._programs / program), *arguments]
        done = subprocess.run(command, user=user, cwd="/", capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A running server.

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
        server = PostgresServer(programs, folder)
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
