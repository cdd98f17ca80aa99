"""The folder that a run of Triton works on: its backends, and where need be a link to the model repository."""

import shutil
from pathlib import Path

from flawgate_triton.errors import LaunchError
from flawgate_triton.installation import Installation
from flawgate_triton.preflight import has_space

OWN_BACKENDS = Path(__file__).parent / "backends"


def build_backend_directory(folder: Path, installation: Installation) -> Path:
    """Creates `folder`: `python/` with the wheel's library, utilities and stub, and a folder for each backend of ours.

    Copies (3 MB), not links: Triton refuses a backend whose library lies outside its folder.

    Raises:
        LaunchError: the path holds a space, which Triton cannot handle.
    """
    if has_space(folder):
        raise LaunchError(f"The temporary folder {str(folder)!r} has a space in its path: set TMPDIR to one without.")
    shutil.copytree(OWN_BACKENDS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    python = shutil.copytree(installation.python_backend, folder / "python")
    shutil.copy(installation.stub, python)
    return folder


def path_without_space(repository: Path, link: Path) -> Path:
    """The absolute path of the repository, or `link`, made to point at it, where the path holds a space."""
    path = repository.resolve()
    if not has_space(path):
        return path
    link.symlink_to(path)
    return link
