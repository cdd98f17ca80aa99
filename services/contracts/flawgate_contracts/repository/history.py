"""What was put in force when, and by whom: `<recipe>/history.json`. A rollback goes to the version before."""

from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from flawgate_contracts.errors import InvalidParameter
from flawgate_contracts.repository.files import write_whole
from flawgate_contracts.repository.layout import ModelRepository

FILE = "history.json"

MAX_ENTRIES = 100
"""The oldest are forgotten."""


class Promotion(BaseModel):
    """One change of the version in force."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = Field(ge=1, description="Put in force.")
    before: int = Field(ge=1, description="In force until then.")
    what: Literal["promote", "rollback"]
    at: datetime = Field(description="UTC.")
    user: str = Field(max_length=100, description="Name of the operating system's user.")
    unchecked: str | None = Field(default=None, max_length=500, description="Why no golden frame was checked.")


class History(BaseModel):
    """All changes of a recipe's version in force, the latest last. The first version is in force from its export on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    promotions: tuple[Promotion, ...] = ()

    def in_force(self, active: int) -> "History":
        """Without what was noted last but never came to be, as the process was killed before.

        Args:
            active: the version that is in force.
        """
        noted = len(self.promotions)
        while noted and self.promotions[noted - 1].version != active:
            noted -= 1
        return History(promotions=self.promotions[:noted])

    def version_before(self, active: int) -> int | None:
        """That which was in force before the version that is now; None where none is known.

        After a rollback it is the one before that, not the one that was rolled back.

        Args:
            active: the version that is in force.
        """
        past: list[int] = []
        for each in self.in_force(active).promotions:
            if each.what == "rollback" and past and past[-1] == each.version:
                past.pop()
            else:
                past.append(each.before)
        return past[-1] if past else None


def read(repository: ModelRepository, name: str) -> History:
    """That of a recipe; an empty one where there is none.

    Raises:
        InvalidParameter: the file cannot be read.
    """
    path = _path(repository, name)
    try:
        return History.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return History()
    except (OSError, ValidationError) as err:
        raise InvalidParameter(f"{path} cannot be read; remove it, and promote a version by its number.") from err


def write(repository: ModelRepository, name: str, history: History) -> None:
    """Keep that of a recipe, or what of it is not too old.

    Raises:
        InvalidParameter: the file cannot be written.
        DiskFull: no space is left.
    """
    kept = History(promotions=history.promotions[-MAX_ENTRIES:])
    write_whole(_path(repository, name), kept.model_dump_json(indent=2).encode() + b"\n")


def _path(repository: ModelRepository, name: str) -> Path:
    return repository.root / name / FILE
