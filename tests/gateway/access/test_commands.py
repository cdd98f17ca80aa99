import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.api_keys import bearer
from support.ports import free_port

from flawgate_cli.app import main
from flawgate_gateway.access.authenticating import Authenticator
from flawgate_gateway.access.caller import Caller, Scope
from flawgate_gateway.access.keys import KeyBook
from flawgate_gateway.access.tokens import read_bearer
from flawgate_gateway.database.connections import connect
from flawgate_gateway.database.migrating import upgrade

TIMEOUT_S = 120.0


def flawgate(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """`flawgate keys ...`, to its end."""
    return subprocess.run(
        [sys.executable, "-m", "flawgate_cli", "keys", *arguments],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
        env={**os.environ, "COLUMNS": "160", **environment},
    )


def who(url: str, header: str) -> Caller:
    """Whom a gateway on that database would see."""

    async def ask() -> Caller:
        database = connect(url)
        try:
            await upgrade(database)
            return await Authenticator(KeyBook(database), ttl_s=1).authenticate([header])
        finally:
            await database.close()

    return asyncio.run(ask())


def test_the_first_key_is_made_by_command(database_url: str) -> None:
    """On an empty database, which is said; the key is alone on standard output, so it can go into a file."""
    made = flawgate("create", "First [bold]", "--scope", "admin", GATEWAY_DATABASE_URL=database_url)
    assert made.returncode == 0, made.stderr
    text = read_bearer([f"Bearer {made.stdout.removesuffix(chr(10))}"])
    assert who(database_url, bearer(text)) == Caller(text.id, "First [bold]", frozenset({Scope.ADMIN}))
    assert f"Made the key {text.id} for First [bold]: admin." in made.stderr
    assert text.secret.value not in made.stderr
    listed = flawgate("list", GATEWAY_DATABASE_URL=database_url)
    assert ("The database was empty" in made.stderr, listed.stderr) == (True, "")
    assert "First [bold]" in listed.stdout
    assert text.secret.value not in listed.stdout + listed.stderr
    revoked = flawgate("revoke", text.id, "--database-url", database_url)
    assert (revoked.returncode, revoked.stderr) == (0, "")
    assert "revoked" in flawgate("list", "--database-url", database_url).stdout


def test_the_data_folder_is_where_the_gateway_looks(tmp_path: Path) -> None:
    """`--data-dir` counts more than a URL in the environment; as JSON the whole key is there once."""
    where = {"GATEWAY_DATABASE_URL": f"sqlite:///{tmp_path / 'other.db'}"}
    options = ("--scope", "read", "--scope", "inspect", "--days", "30", "--requests-per-s", "2")
    made = flawgate("create", "MES", *options, "--data-dir", str(tmp_path / "data"), "--json", **where)
    key: dict[str, Any] = json.loads(made.stdout)
    assert (key["scopes"], key["requests_per_s"]) == (["inspect", "read"], 2.0)
    assert key["expires_at"] is not None
    listed = json.loads(flawgate("list", "--data-dir", str(tmp_path / "data"), "--json").stdout)
    assert listed == [{name: value for name, value in key.items() if name != "key"}]
    assert not (tmp_path / "other.db").exists()
    assert who(f"sqlite:///{tmp_path / 'data' / 'records.db'}", f"Bearer {key['key']}").name == "MES"


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("create", "MES", "--scope", "read", "--database-url", "mysql://x"), 2, "sqlite:///path/records.db"),
        (("revoke", "abcdefghijkl"), 1, "There is no API key abcdefghijkl"),
        (("revoke", "fg_abcdefghijkl_" + "s" * 43), 1, "what stands between"),
    ],
)
def test_what_cannot_be_is_one_sentence(tmp_path: Path, arguments: tuple[str, ...], status: int, said: str) -> None:
    """No traceback, and no secret said again."""
    ended = flawgate(*arguments, GATEWAY_DATA_DIR=str(tmp_path))
    assert ended.returncode == status
    assert said in " ".join(ended.stderr.split())
    assert "Traceback" not in ended.stderr
    assert "s" * 43 not in ended.stderr + ended.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("create", "MES"), "--scope"),
        (("create", "MES", "--scope", "everything"), "everything"),
        (("create", "", "--scope", "read"), "1 to 128 characters"),
        (("create", "MES", "--scope", "read", "--requests-per-s", "0"), "a rate is"),
    ],
)
def test_a_wrong_order_is_one_sentence(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    """Exit status 2, before any database is opened."""
    with pytest.raises(SystemExit) as ended:
        main(["keys", *arguments])
    assert ended.value.code == 2
    assert said in " ".join(capsys.readouterr().err.split())


def test_a_database_that_is_down_is_one_sentence() -> None:
    """Without its password."""
    url = f"postgresql://flawgate:hidden@127.0.0.1:{free_port()}/flawgate"
    ended = flawgate("list", GATEWAY_DATABASE_URL=url)
    assert ended.returncode == 1
    assert "cannot be written or read just now" in " ".join(ended.stderr.split())
    assert "hidden" not in ended.stderr
