"""Writes the boards into monitoring/grafana/dashboards, or with `--check` says which are not as written here."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from monitoring.grafana.boards import cameras, latency, line, models, objectives, sinks, triton
from monitoring.grafana.boards.board import Board

FOLDER = Path(__file__).parents[1] / "dashboards"
BOARDS: Sequence[Board] = tuple(module.BOARD for module in (line, latency, cameras, models, triton, sinks, objectives))


def text(board: Board) -> str:
    """The file of a board."""
    return json.dumps(board.json(), indent=1, ensure_ascii=False) + "\n"


def stale() -> list[Path]:
    """Files of the folder that are not as they would be written, or that no board has."""
    wanted = {FOLDER / f"{board.name}.json": text(board) for board in BOARDS}
    found = {path: path.read_text() for path in FOLDER.glob("*.json")}
    return sorted(path for path in wanted.keys() | found.keys() if wanted.get(path) != found.get(path))


def write() -> None:
    """Write all boards, and remove files that no board has."""
    for path in FOLDER.glob("*.json"):
        path.unlink()
    for board in BOARDS:
        (FOLDER / f"{board.name}.json").write_text(text(board))


if __name__ == "__main__":
    if sys.argv[1:] != ["--check"]:
        write()
    elif found := stale():
        sys.exit(f"Not as the generator writes them: {', '.join(path.name for path in found)}; run `make dashboards`.")
