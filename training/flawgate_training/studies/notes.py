"""Sentences that somebody wrote about frames after looking at them: docs/results/notes.yaml, by study and frame."""

from pathlib import Path

import yaml
from pydantic import TypeAdapter, ValidationError

from flawgate_contracts.errors import InvalidParameter

NOTES = "notes.yaml"

Notes = dict[str, dict[str, str]]

_NOTES: TypeAdapter[Notes] = TypeAdapter(Notes)


def read(folder: Path) -> Notes:
    """The sentences by study and frame; none where nobody wrote any.

    Raises:
        InvalidParameter: the file is no YAML, or of another form.
    """
    path = folder / NOTES
    if not path.exists():
        return {}
    try:
        return _NOTES.validate_python(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    except (yaml.YAMLError, ValidationError, UnicodeDecodeError) as err:
        raise InvalidParameter(
            f"{path} cannot be read; write it as YAML: a study, below it a frame, and its sentence.",
            {"field": "results"},
        ) from err
