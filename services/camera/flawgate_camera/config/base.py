"""What all tables of the configuration share."""

import re
import unicodedata
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


class Table(BaseModel):
    """A table of the file: frozen, comparable, without unknown keys; its errors never show what was written."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, arbitrary_types_allowed=True)


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def _check_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError("write 1 to 64 letters, digits, dots, hyphens or underscores, the first a letter or digit")
    return name


def _check_plant_name(name: str) -> str:
    if not 1 <= len(name) <= 128 or any(unicodedata.category(letter) == "Cc" for letter in name):
        raise ValueError("write 1 to 128 characters, none of them a control character")
    return name


Name = Annotated[str, AfterValidator(_check_name)]
"""Names a camera in metrics, logs and folders."""

PlantName = Annotated[str, AfterValidator(_check_plant_name)]
"""Identity in the plant, as the MES names it: 1 to 128 characters, none of them a control character."""

TcpPort = Annotated[int, Field(ge=1, le=65_535)]
"""A TCP port to connect to."""
