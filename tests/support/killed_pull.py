"""`python -m support.killed_pull STORE REPOSITORY`: pulls that are killed, each before another step."""

import sys
from pathlib import Path

from flawgate_cli.model_store.command import MAX_BYTES
from flawgate_cli.model_store.pulling import pull
from flawgate_cli.model_store.store import ModelStore
from support.killed import Fate
from support.killed_one_by_one import serve_kills


def _main(url: str, root: Path) -> None:
    serve_kills(lambda step: _pull(url, root, step))


def _pull(url: str, root: Path, step: int) -> None:
    pull(ModelStore(url), root, max_bytes=MAX_BYTES, on_step=Fate(step))


if __name__ == "__main__":
    _main(sys.argv[1], Path(sys.argv[2]))
