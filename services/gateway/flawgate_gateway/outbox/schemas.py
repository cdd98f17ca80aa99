"""The JSON schemas of the data of events, as files beside this one: what `dataschema` names.

`python -m flawgate_gateway.outbox.schemas` writes them anew from the models.
"""

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from flawgate_gateway.answer import Gap
from flawgate_gateway.outbox.drafts import COMPLETED, POLICY_ACTIVATED, REVIEWED, SCHEMAS, STREAM_GAP
from flawgate_gateway.outbox.payloads import CompletedData, PolicyActivatedData, ReviewedData

FOLDER = Path(__file__).parent / "schemas_v1"
DIALECT = "https://json-schema.org/draft/2020-12/schema"

_DATA: dict[str, type[BaseModel]] = {
    COMPLETED: CompletedData,
    REVIEWED: ReviewedData,
    POLICY_ACTIVATED: PolicyActivatedData,
    STREAM_GAP: Gap,
}


def file_name(event_type: str) -> str:
    """`inspection.completed.v1.json`, where the type is `org.flawgate.inspection.completed.v1`."""
    return f"{event_type.removeprefix('org.flawgate.')}.json"


def schema_files() -> dict[str, bytes]:
    """File name → schema, as it is shipped."""
    return {name: (FOLDER / name).read_bytes() for name in map(file_name, SCHEMAS)}


def made_schemas() -> dict[str, bytes]:
    """File name → schema, as the models of this moment say it."""
    return {file_name(event_type): _made(event_type, model) for event_type, model in _DATA.items()}


def _made(event_type: str, model: type[BaseModel]) -> bytes:
    schema: dict[str, Any] = model.model_json_schema(mode="serialization", by_alias=True)
    titled = {"$schema": DIALECT, "$id": SCHEMAS[event_type], **schema, "title": f"Data of {event_type}"}
    return (json.dumps(titled, indent=2, ensure_ascii=False) + "\n").encode()


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, content in made_schemas().items():
        (FOLDER / name).write_bytes(content)
