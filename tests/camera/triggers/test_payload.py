import re
import tomllib
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from flawgate_camera.config.triggers import Trigger as Table
from flawgate_camera.frames import Trigger
from flawgate_camera.triggers.payload import MAX_BYTES, BadTrigger, read_trigger

PAGE = (Path(__file__).parents[3] / "docs/triggers.md").read_text("utf-8")


def block(kind: str) -> str:
    """The page's first block of a language."""
    found = re.search(rf"^```{kind}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


def test_the_examples_of_the_page_are_tables_and_a_trigger() -> None:
    """What is copied from there works, and has no key that the page does not name."""
    tables = [tomllib.loads(line)["trigger"] for line in block("toml").splitlines()]
    found = [TypeAdapter(Table).validate_python(table) for table in tables]
    assert [table.kind for table in found] == ["tcp", "mqtt"]
    assert read_trigger(block("json").encode()) == Trigger(id="t-9", part="SN-123", lot="L2", work_order="W3")
    assert {name for name in type(found[0]).model_fields if not re.search(rf"\b{name}\b", PAGE)} == set()


@pytest.mark.parametrize(
    ("payload", "trigger"),
    [
        (b"SN-123", Trigger(part="SN-123")),
        (b"  SN 123\r\n", Trigger(part="SN 123")),
        ("Kühler-7".encode(), Trigger(part="Kühler-7")),
        (b"{}", Trigger()),
        (b'{"part": "SN-1", "lot": null}', Trigger(part="SN-1")),
        (
            b'{"part": "SN-1", "trigger_id": "t-9", "lot": "L2", "work_order": "W3"}',
            Trigger(id="t-9", part="SN-1", lot="L2", work_order="W3"),
        ),
        (b"x" * 128, Trigger(part="x" * 128)),
    ],
)
def test_a_trigger_is_json_or_a_bare_part(payload: bytes, trigger: Trigger) -> None:
    """A controller sends a part's id alone, an MES an object."""
    assert read_trigger(payload) == trigger


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        (b"", "nothing was said"),
        (b" \r\n", "nothing was said"),
        (b"\xff\xfe", "UTF-8"),
        (b"x" * 129, "part must be a text of 1 to 128 characters"),
        (b"SN-1\x00", "none of them a control character"),
        (b"x" * (MAX_BYTES + 1), f"{MAX_BYTES} bytes at most"),
        (b'{"part": "SN-1"', "must be a JSON object"),
        (b"{" * 1000, "must be a JSON object"),
        (b'{"part": 7}', "part must be a text"),
        (b'{"part": ""}', "part must be a text"),
        (b'{"part": "\\u0000"}', "part must be a text"),
        (b'{"part": "\\ud800"}', "part must be a text"),
        (b'{"part": "a", "Lot": "b"}', "the keys of a trigger are trigger_id, part, lot, work_order"),
    ],
)
def test_anything_else_is_answered_with_a_sentence(payload: bytes, says: str) -> None:
    """Whoever sends rubbish learns what is wrong, and nothing is triggered."""
    with pytest.raises(BadTrigger, match=says):
        read_trigger(payload)
