"""Checksums of a data set: what a run learned from, so that nobody mistakes changed pictures for the same ones."""

from hashlib import sha256
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from flawgate_contracts.errors import InvalidDataset
from flawgate_training.datasets.files import FileSource, content
from flawgate_training.datasets.items import Dataset, Item
from flawgate_training.datasets.problems import listed

NAME = "manifest.json"
"""The file's name within a run's folder."""


class File(BaseModel):
    """One file; of generated data sets, one picture."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sha256: str = Field(description="Of the bytes, or of all that determines a generated picture.")
    size_bytes: int | None = Field(description="Of the file; none of a generated picture.")


class Manifest(BaseModel):
    """All files of a data set that a run knows of: pictures and masks."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="Of the data set.")
    count: int = Field(ge=0, description="Number of files.")
    sha256: str = Field(description="Over names and checksums of all files, in order of their names.")
    files: dict[str, File] = Field(description="By path below the data set's folder, or by name where generated.")


def of(dataset: Dataset) -> Manifest:
    """Take the checksums; masks are read for it, pictures were when the data set was indexed.

    Raises:
        InvalidDataset: a file is not there any more.
    """
    files = dict(sorted(one for item in dataset.items for one in _files(item)))
    lines = "".join(f"{file.sha256}  {path}\n" for path, file in files.items())
    digest = sha256(lines.encode()).hexdigest()
    return Manifest(name=dataset.about.name, count=len(files), sha256=digest, files=files)


def write(path: Path, dataset: Dataset) -> None:
    """Write the manifest of a data set as JSON."""
    path.write_text(of(dataset).model_dump_json(indent=1) + "\n", encoding="utf-8")


def read(path: Path) -> Manifest:
    """Read a manifest.

    Raises:
        InvalidDataset: the file is missing, or is no manifest.
    """
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as err:
        raise InvalidDataset(f"{path} is no manifest of a data set; remove it to take the checksums anew.") from err


def verify(path: Path, dataset: Dataset) -> None:
    """Make sure that a data set is what a manifest says.

    Args:
        path: of the manifest.
        dataset: as it is now.

    Raises:
        InvalidDataset: files have changed, are missing or are new; ten of each kind are named, all are counted.
    """
    recorded, found = read(path), of(dataset)
    if recorded.sha256 == found.sha256:
        return
    before, now = recorded.files, found.files
    differences = {
        "changed": [name for name, file in now.items() if name in before and before[name] != file],
        "missing": [name for name in before if name not in now],
        "new": [name for name in now if name not in before],
    }
    told = ", and ".join(f"{kind} are {listed(names)}" for kind, names in differences.items() if names)
    raise InvalidDataset(
        f"The pictures of {recorded.name} are not those of {path}: {told}; restore them, or begin a new run."
    )


def _files(item: Item) -> list[tuple[str, File]]:
    source = item.source
    if not isinstance(source, FileSource):
        return [(item.name, File(sha256=item.sha256, size_bytes=None))]
    size = (source.folder / source.picture).stat().st_size
    files = [(source.picture, File(sha256=item.sha256, size_bytes=size))]
    if source.mask is not None:
        data = content(source.folder / source.mask)
        files.append((source.mask, File(sha256=sha256(data).hexdigest(), size_bytes=len(data))))
    return files
