import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"\]\(([^)\s]+)\)")
WITHOUT = {"runs", "out", "node_modules"}
"""Folders of the root whose pages nobody commits."""


def pages() -> Iterator[Path]:
    """The Markdown files of this repository."""
    for path in ROOT.rglob("*.md"):
        folders = path.relative_to(ROOT).parts[:-1]
        if not WITHOUT.intersection(folders[:1]) and not any(name.startswith(".") for name in folders):
            yield path


def targets(page: Path) -> Iterator[str]:
    """Files and folders that a page links to, as they stand in it."""
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        path = unquote(target.partition("#")[0])
        if path and "://" not in path and not path.startswith("mailto:"):
            yield path


def test_every_link_leads_somewhere() -> None:
    """A relative link of README, docs, cards and package pages names a file or folder that is there."""
    found = [(page, target) for page in pages() for target in targets(page)]
    lost = [f"{page.relative_to(ROOT)}: {target}" for page, target in found if not (page.parent / target).exists()]
    assert lost == []
    assert len(found) > 30
