"""What variants do has nothing to do with the kind of database: SQLite alone."""

from pathlib import Path

import pytest


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """An empty file."""
    return f"sqlite:///{tmp_path / 'records.db'}"
