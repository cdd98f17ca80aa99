"""Held against Triton's own protobuf, which the contracts do without."""

from typing import Any

import pytest
from google.protobuf import text_format
from google.protobuf.empty_pb2 import Empty
from tritonclient.grpc import model_config_pb2

from flawgate_contracts.repository.config_text import versions_in, with_colons, with_versions

CONFIGS = {
    "as exported": (
        'name: "x"\nversion_policy {\n  specific {\n    versions: 1\n  }\n}\ninput {\n  name: "frame"\n  dims: 1\n}\n',
        (1,),
    ),
    "several": ("version_policy { specific { versions: 3 versions: 12 } }", (3, 12)),
    "a list": ("version_policy: { specific: { versions: [ 1, 2 ] } } max_batch_size: 4", (1, 2)),
    "angle brackets": ("version_policy < specific < versions: 7 > >; max_batch_size: 4", (7,)),
    "of the latest": ('name: "x" version_policy { latest { num_versions: 2 } }', ()),
    "all": ("version_policy: { all { }}", ()),
    "none": ('name: "x"\nmax_batch_size: 4', ()),
    "nothing": ("", ()),
    "within a comment": ("# version_policy { specific { versions: 9 } }\nmax_batch_size: 4", ()),
    "within a string": (
        """parameters { key: "a" value { string_value: "version_policy { specific { versions: 9 } } \\" } {"
        '} "quoted\\'' } }
        version_policy { specific { versions: 5 } } # } the end
        parameters { key: 'b' value { string_value: "c" } }""",
        (5,),
    ),
}


@pytest.mark.parametrize(("text", "versions"), CONFIGS.values(), ids=CONFIGS)
def test_versions_are_read_as_triton_reads_them(text: str, versions: tuple[int, ...]) -> None:
    """However the text is written, the versions are those that protobuf finds."""
    assert versions == tuple(_parsed(text).version_policy.specific.versions)
    assert versions == versions_in(text)


@pytest.mark.parametrize("text", [text for text, _ in CONFIGS.values()], ids=CONFIGS)
@pytest.mark.parametrize("versions", [(4,), (1, 20)])
def test_only_the_versions_are_replaced(text: str, versions: tuple[int, ...]) -> None:
    """Triton reads the new versions, and everything else as before."""
    wanted = _parsed(text)
    wanted.version_policy.Clear()
    wanted.version_policy.specific.versions.extend(versions)
    assert wanted == _parsed(with_versions(text, versions))


LISTS = {
    "of messages": 'input [ { name: "frame" dims: [ 1, 2 ] } ] output [] max_batch_size: 4',
    "after a comment": "instance_group # how many [\n[ { kind: KIND_CPU } ]",
    "within a string": """parameters { key: "input [" value { string_value: 'output ["' } }""",
}


@pytest.mark.parametrize("text", [*(text for text, _ in CONFIGS.values()), *LISTS.values()], ids=[*CONFIGS, *LISTS])
def test_a_colon_before_a_list_changes_nothing(text: str) -> None:
    """Triton reads the same; and a message that knows no field of it can be read past all of them."""
    written = with_colons(text)
    assert _parsed(text) == _parsed(written)
    assert written == with_colons(written)
    text_format.Parse(written, Empty(), allow_unknown_field=True)


def test_replacing_back_gives_the_same_bytes() -> None:
    """A promotion and its rollback leave no trace in a file that export wrote."""
    text, versions = CONFIGS["as exported"]
    assert text == with_versions(with_versions(text, (1, 2)), versions)


def test_a_text_cut_short_is_no_endless_search() -> None:
    """A bracket that is never closed ends with the text."""
    assert versions_in("version_policy { specific { versions: 3") == (3,)


def _parsed(text: str) -> Any:
    return text_format.Parse(text, model_config_pb2.ModelConfig())
