"""The text of a config.pbtxt, without protobuf: its version policy read and replaced; all else stays as it is."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_TOKEN = re.compile(
    r"""(?P<skip> \s+ | \#[^\n]* ) | "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*' | [\w.+-]+ | .""", re.DOTALL | re.VERBOSE
)
_POLICY = "version_policy"
_OPENS, _CLOSES = frozenset("{[<"), frozenset("}]>")


class _Token(NamedTuple):
    text: str
    start: int
    end: int
    depth: int
    """How many brackets are open where it stands; a bracket itself stands outside."""


def versions_in(text: str) -> tuple[int, ...]:
    """The versions of `version_policy { specific { versions: ... } }`; none where the policy is another or absent."""
    span = _policy(text)
    words = [token.text for token in _tokens(text[slice(*span)])] if span else []
    if "specific" not in words:
        return ()
    return tuple(int(word) for word in words if word.isdecimal())


def with_versions(text: str, versions: Sequence[int]) -> str:
    """The text of a config.pbtxt that loads these versions and no other.

    Args:
        text: of a config.pbtxt, with any version policy or none.
        versions: numbers of the versions, at least one.
    """
    lines = "".join(f"    versions: {version}\n" for version in versions)
    policy = f"{_POLICY} {{\n  specific {{\n{lines}  }}\n}}"
    span = _policy(text)
    if span is None:
        return f"{text.rstrip()}\n{policy}\n"
    return text[: span[0]] + policy + text[span[1] :]


def with_colons(text: str) -> str:
    """The same text with a colon between a field's name and its list, where it was left out: `input [ ... ]`.

    Triton's own examples leave it out. A parser that does not know the field cannot do without it.
    """
    written, done, before = [], 0, ""
    for token in _tokens(text):
        if token.text == "[" and before.isidentifier():
            written += [text[done : token.start], ":"]
            done = token.start
        before = token.text
    return "".join([*written, text[done:]])


def _policy(text: str) -> tuple[int, int] | None:
    """Where the field begins and ends."""
    tokens = _tokens(text)
    for token in tokens:
        if token.depth == 0 and token.text == _POLICY:
            closed = (other.end for other in tokens if other.depth == 0 and other.text in _CLOSES)
            return token.start, next(closed, len(text))
    return None


def _tokens(text: str) -> Iterator[_Token]:
    """Of the text, without white space and comments."""
    depth = 0
    for match in _TOKEN.finditer(text):
        if match["skip"]:
            continue
        depth -= match[0] in _CLOSES
        yield _Token(match[0], match.start(), match.end(), depth)
        depth += match[0] in _OPENS
