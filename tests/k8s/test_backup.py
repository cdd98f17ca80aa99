import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.manifests import containers, of_kind, pod
from support.postgres import PostgresServer, postgres_server

HOUR_S = 3600
DAY_S = 24 * HOUR_S


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A PostgreSQL, with its client beside it."""
    if shutil.which("pg_dump") is None:
        pytest.skip("PostgreSQL's client is not installed: apt-get install postgresql-client")
    with postgres_server() as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where dumps are kept."""
    kept = tmp_path / "backups"
    kept.mkdir()
    return kept


def psql(url: str, statement: str) -> str:
    """What a statement answers."""
    command = ["psql", "--no-align", "--tuples-only", "--command", statement, url]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def back_up(url: str, folder: Path) -> int:
    """Run the job's script as it stands in the manifest. Returns: its exit status."""
    (job,) = containers(pod("plant/backup"))
    secret = folder.parent / "url"
    secret.write_text(url + "\n", "utf-8")
    said = {variable["name"]: variable["value"] for variable in job["env"]}
    environment = os.environ | said | {"FOLDER": str(folder), "DATABASE_URL_FILE": str(secret)}
    return subprocess.run([*job["command"], *job["args"]], env=environment, check=False).returncode


def test_a_dump_gives_the_records_back(server: PostgresServer, folder: Path) -> None:
    """What the job wrote, read into an empty database, is what was in the first one."""
    url, empty = server.new_database(), server.new_database()
    psql(url, "CREATE TABLE parts (name text); INSERT INTO parts VALUES ('SN-1'), ('SN-2')")
    assert back_up(url, folder) == 0
    (dump,) = folder.iterdir()
    restoring = ["pg_restore", "--no-owner", "--dbname", empty, str(dump)]
    subprocess.run(restoring, check=True)
    assert psql(empty, "SELECT string_agg(name, ' ' ORDER BY name) FROM parts") == "SN-1 SN-2"


def test_a_database_that_is_away_fails_the_job(server: PostgresServer, folder: Path) -> None:
    """Kubernetes is told, tries again, and no file looks like a dump."""
    assert back_up(server.new_database() + "x", folder) != 0
    assert list(folder.glob("*.dump")) == []


def test_old_dumps_go_after_a_new_one_stands(server: PostgresServer, folder: Path) -> None:
    """Those older than a month, and no other file of the volume."""
    (job,) = containers(pod("plant/backup"))
    (days,) = [int(variable["value"]) for variable in job["env"] if variable["name"] == "KEEP_DAYS"]
    old, young, other = (folder / name for name in ("flawgate-1.dump", "flawgate-2.dump", "notes.txt"))
    for path, age_s in ((old, (days + 1) * DAY_S + HOUR_S), (young, days * DAY_S - HOUR_S), (other, 9 * days * DAY_S)):
        path.touch()
        os.utime(path, (path.stat().st_atime, path.stat().st_mtime - age_s))
    assert back_up(server.new_database(), folder) == 0
    assert not old.exists()
    assert young.exists()
    assert other.exists()
    assert len(list(folder.iterdir())) == 3


def test_it_runs_every_night_and_never_twice_at_once() -> None:
    """A dump that takes long is not met by the next one."""
    spec = of_kind("plant", "CronJob")["backup"]["spec"]
    minute, hour, *days = spec["schedule"].split()
    assert (minute.isdecimal(), hour.isdecimal(), days) == (True, True, ["*", "*", "*"])
    assert spec["concurrencyPolicy"] == "Forbid"
    assert spec["jobTemplate"]["spec"]["activeDeadlineSeconds"] < DAY_S
