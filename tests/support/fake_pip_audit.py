"""Answers as pip-audit does, from a file of advisories: `python fake_pip_audit.py ADVISORIES --requirement=FILE ...`.

ADVISORIES is JSON: `name==version` → a list of vulnerabilities (`id`, `aliases`, `fix_versions`), or null for what the
index does not know. Where that file is not there, it fails as pip-audit does without a network.
"""

import json
import sys
from pathlib import Path
from typing import Any


def answer(advisories: dict[str, Any], pinned: str) -> dict[str, Any]:
    """What pip-audit says of one package."""
    name, _, version = pinned.partition("==")
    found = advisories.get(pinned, [])
    if found is None:
        return {"name": name, "skip_reason": "Dependency not found"}
    return {"name": name, "version": version, "vulns": found}


def main() -> int:
    """Print the answer. Returns: 1 where something was found, or nobody answers."""
    advisories, *options = sys.argv[1:]
    pinned = [
        line for option in options for line in Path(option.removeprefix("--requirement=")).read_text("utf-8").split()
    ]
    try:
        known = json.loads(Path(advisories).read_text("utf-8"))
    except FileNotFoundError:
        sys.stderr.write("Traceback\nConnectionError: the name cannot be resolved\n")
        return 1
    answers = [answer(known, each) for each in pinned]
    sys.stdout.write(json.dumps({"dependencies": answers, "fixes": []}))
    return int(any(each.get("vulns") for each in answers))


if __name__ == "__main__":
    sys.exit(main())
