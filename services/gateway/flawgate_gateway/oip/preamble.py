"""The JSON of an inference, which stands before its binary tensors: what would end Triton's process does not reach it.

Triton 2.51 gives JSON tensors the memory that their shape promises before it has looked at them, and reads JSON by
recursion: one small request of either kind, from anybody who may inspect, ends its process. The text is looked at as it
is, not as one reader understands it, since Triton's may understand it otherwise (of two values under one key, say).
"""

import math
import re

import numpy as np

from flawgate_contracts.errors import BodyTooLarge, InvalidRequest

MAX_BYTES = 4 * 1024 * 1024
"""Of the JSON, also where tensors are in it; binary tensors are not bounded by it."""

MAX_DEPTH = 32
"""Arrays and objects within each other; a tensor of eight dimensions takes eleven."""

LENGTH = "inference-header-content-length"
"""The header that says where the JSON ends; without it all of the body is JSON."""

MAX_SHAPES = 1_000
"""Looked at in one request, which takes long for each; an ensemble has a few inputs and outputs."""

_SHAPE = re.compile(rb'"shape"\s*:')
_FLAT_SHAPE = re.compile(rb'"shape"\s*:\s*\[([\s\d,]*)\]')
_ESCAPED_LETTER = re.compile(rb"\\u00[4-7]")
_QUOTES_AND_BRACKETS = bytes(set(range(256)) - set(b'"[]{}'))
"""All but these."""
_STEPS = bytes.maketrans(b"[{]}", b"\x01\x01\xff\xff")
"""How much deeper the text is behind a bracket, as a signed byte."""


def json_length(header: str | None) -> int | None:
    """Length of the JSON in bytes, as a request says; None where it is all of the body.

    Args:
        header: value of `LENGTH`.

    Raises:
        InvalidRequest: it is no length.
        BodyTooLarge: it is beyond the bound.
    """
    if header is None:
        return None
    if re.fullmatch(r"[0-9]{1,18}", header) is None:
        raise InvalidRequest(f"{LENGTH} is {header[:32]!r}; write the number of bytes before the first tensor.")
    check_length(int(header))
    return int(header)


def check_length(length: int) -> None:
    """Refuse JSON that is too long.

    Raises:
        BodyTooLarge: it is beyond the bound.
    """
    if length > MAX_BYTES:
        raise BodyTooLarge(
            f"The JSON of the request is longer than {MAX_BYTES} bytes; send its tensors as binary data, behind it."
        )


def check(text: bytes, body_length: int | None) -> None:
    """Refuse JSON that would harm Triton; what is merely wrong, Triton says in its own words.

    Args:
        text: the JSON.
        body_length: of the whole request, in bytes; None where it is not known beforehand.

    Raises:
        InvalidRequest: it is nested too deep, promises more elements than the request can hold, or names tensors in
            shared memory.
    """
    if _ESCAPED_LETTER.search(text) is not None:
        raise InvalidRequest(r"The JSON of the request writes letters as \u00..; write them as they are, in UTF-8.")
    if b'"shared_memory' in text:
        raise InvalidRequest("Tensors in shared memory cannot be named from here; send them in the request.")
    if _is_too_deep(text):
        raise InvalidRequest(
            f"The JSON of the request is nested deeper than {MAX_DEPTH}, or a bracket or a quote in it is open; "
            "make it simpler."
        )
    bound = MAX_BYTES if body_length is None else body_length
    if _elements(text) > bound:
        raise InvalidRequest(
            "The shapes of the inputs have more elements than the request has bytes; make each fit its data, and say "
            "Content-Length."
        )


def _is_too_deep(text: bytes) -> bool:
    """By whole passes over the text, since whoever sends it may make any search in it take long."""
    marks = text.replace(rb"\\", b"").replace(rb"\"", b"").translate(None, _QUOTES_AND_BRACKETS)
    # What stands behind an even number of quotes is in no string.
    parts = marks.replace(b'""', b"").split(b'"')
    if len(parts) % 2 == 0:
        return True
    depth = np.cumsum(np.frombuffer(b"".join(parts[::2]).translate(_STEPS), np.int8), dtype=np.int32)
    return depth.size > 0 and bool(depth.max() > MAX_DEPTH or depth[-1] != 0)


def _elements(text: bytes) -> int:
    """How many elements all shapes have together.

    Raises:
        InvalidRequest: a shape is no list of whole numbers, or there are too many.
    """
    if text.count(b'"shape"') > MAX_SHAPES:
        raise InvalidRequest(f"The JSON of the request has more than {MAX_SHAPES} shapes; send fewer tensors.")
    shapes = _FLAT_SHAPE.findall(text)
    if len(shapes) < len(_SHAPE.findall(text)):
        raise InvalidRequest("A `shape` is no list of whole numbers from 0; write one.")
    return sum(_product(shape) for shape in shapes)


def _product(shape: bytes) -> int:
    sizes = [size.strip() for size in shape.split(b",")]
    if len(sizes) > MAX_DEPTH:
        raise InvalidRequest(f"A `shape` has more than {MAX_DEPTH} dimensions; send tensors with fewer.")
    # Triton reads no longer numbers, which would take long to multiply.
    return math.prod(int(size[:20]) for size in sizes if size.isdigit())
