"""From the file to the configuration, or to one sentence that names file, camera and key."""

import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from flawgate_camera.config.cameras import Configuration
from flawgate_contracts.errors import InvalidParameter

MAX_BYTES = 1_000_000


def load(path: Path, *, standalone: Path | None = None) -> Configuration:
    """Read a configuration.

    Args:
        path: the file.
        standalone: a model repository by which the agent judges all frames itself, whatever the file says of that.

    Raises:
        InvalidParameter: the file cannot be read, or something in it is wrong; all faults stand in the message, and
            nothing of what was written there, since that may be a password.
    """
    return parse(_text(path), path.name, standalone=standalone)


def parse(text: str, name: str, *, standalone: Path | None = None) -> Configuration:
    """Read the text of a configuration.

    Args:
        text: TOML.
        name: of the file, for messages.
        standalone: as for `load`.

    Raises:
        InvalidParameter: as for `load`.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as err:
        raise InvalidParameter(f"{name} is no TOML: {err}.", {"field": name}) from None
    if standalone is not None:
        said = tables.get("standalone")
        always = {"repository": standalone, "when": "always"}
        tables["standalone"] = said | always if isinstance(said, dict) else always
    try:
        return Configuration.model_validate(tables)
    except ValidationError as err:
        faults = [": ".join(filter(None, (_place(fault, tables), _sentence(fault)))) for fault in err.errors()]
        raise InvalidParameter(f"{name}: {'; '.join(faults)}.", {"field": name}) from None


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InvalidParameter(f"{path.name} is no configuration: it is larger than {MAX_BYTES} bytes.")
        return path.read_text("utf-8")
    except OSError as err:
        raise InvalidParameter(f"The configuration {path} cannot be read: {err.strerror}.") from None
    except UnicodeDecodeError:
        raise InvalidParameter(f"The configuration {path} is no text in UTF-8.") from None


def _place(fault: ErrorDetails, tables: Any) -> str:
    """Where in the file, `camera cam1, alarm horn, action.url`, without the kinds that pydantic puts between keys."""
    named: list[str] = []
    keys: list[str] = []
    here = tables
    for number, step in enumerate(fault["loc"]):
        last = number == len(fault["loc"]) - 1
        known = _holds(here, step)
        if not known and not (last and fault["type"] == "missing"):
            continue
        if isinstance(step, int) and keys in (["cameras"], ["alarms"]):
            named.append(_named(keys.pop().removesuffix("s"), here, step))
        else:
            keys.append(str(step))
        here = here[step] if known else None
    return ", ".join(filter(None, (*named, ".".join(keys))))


def _holds(here: Any, step: int | str) -> bool:
    if isinstance(here, list):
        return isinstance(step, int) and step < len(here)
    return isinstance(here, dict) and step in here


def _named(kind: str, tables: Any, number: int) -> str:
    """A camera or an alarm by its name; by its place, where it has none that can be shown."""
    table = tables[number]
    name = table.get("name") if isinstance(table, dict) else None
    return f"{kind} {name}" if isinstance(name, str) and name.isprintable() else f"{kind} number {number + 1}"


_TABLE = "write a table, { ... }"
_SENTENCES = {
    "missing": "it is missing, write it",
    "extra_forbidden": "no such key is known here, remove it or mend its spelling",
    "tuple_type": "write a list in square brackets",
    "model_type": _TABLE,
    "model_attributes_type": _TABLE,
    "dict_type": _TABLE,
}
"""Where pydantic speaks of Python, or does not say what to do."""


def _sentence(fault: ErrorDetails) -> str:
    """What is wrong and what to write."""
    context = fault.get("ctx", {})
    match fault["type"]:
        case "missing" if fault["loc"] == ("cameras",):
            return "no camera is described, write a table [[cameras]]"
        case "union_tag_invalid":
            return f"{context['discriminator']} must be one of {context['expected_tags']}"
        case "union_tag_not_found":
            return f"{context['discriminator']} is missing, write it"
        case "value_error":
            return str(context["error"])
        case kind:
            return _SENTENCES.get(kind) or fault["msg"].replace("Input", "it", 1)
