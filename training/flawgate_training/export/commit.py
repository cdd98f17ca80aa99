"""Which commit of Flawgate is running."""

import shutil
import subprocess
from pathlib import Path


def current_commit(folder: Path = Path(__file__).parent) -> str | None:
    """The commit of the checkout that a folder stands in; None outside one, before the first commit, or without git."""
    git = shutil.which("git")
    if git is None:
        return None
    command = [git, "-C", str(folder), "rev-parse", "--verify", "--quiet", "HEAD"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - fixed arguments
    return done.stdout.strip() if done.returncode == 0 else None
