"""Writes protobuf's text format, as Triton's config.pbtxt wants it, without a dependency on protobuf."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Symbol:
    """An enum value, written without quotes."""

    name: str


def text_format(message: Mapping[str, object]) -> str:
    """Write a message.

    Args:
        message: field name → string, integer, boolean, `Symbol`, a nested message, or a sequence of those for a
            repeated field. A map field is a sequence of messages with `key` and `value`.

    Returns:
        The text, one field a line, ending with a newline.

    Raises:
        TypeError: a value is of another kind.
    """
    return "".join(f"{line}\n" for line in _lines(message))


def _lines(message: Mapping[str, object]) -> Iterator[str]:
    for name, value in message.items():
        for item in value if isinstance(value, list | tuple) else [value]:
            yield from _field(name, item)


def _field(name: str, value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield f"{name} {{"
        yield from (f"  {line}" for line in _lines(value))
        yield "}"
    elif isinstance(value, str) and "\n" in value:
        yield f"{name}:"
        yield from (f"  {quoted(line)}" for line in value.splitlines(keepends=True))
    else:
        yield f"{name}: {_scalar(value)}"


def _scalar(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case str():
            return quoted(value)
        case Symbol(name):
            return name
        case _:
            raise TypeError(f"{value!r} has no place in a text-format message")


def quoted(text: str) -> str:
    """A string literal: printable ASCII as it is, any other byte of its UTF-8 as an octal escape."""
    return '"' + "".join(_escaped(byte) for byte in text.encode()) + '"'


def _escaped(byte: int) -> str:
    known = {ord("\n"): "\\n", ord('"'): '\\"', ord("\\"): "\\\\"}
    return known.get(byte) or (chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}")
