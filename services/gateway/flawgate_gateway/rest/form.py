"""Reading a multipart form: pictures, and short fields beside them. All in memory, nothing touches a disk."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from fastapi import Request
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from flawgate_contracts.errors import InvalidParameter, InvalidRequest

FILE_FIELD = "file"
MAX_FIELDS = 32
MAX_FIELD_BYTES = 4096
"""Longest field beside the picture, in bytes."""

Fields = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much a form may hold."""

    max_files: int
    max_field_bytes: int = MAX_FIELD_BYTES

    def sentence(self) -> str:
        """How to send one that can be read."""
        files = "one file" if self.max_files == 1 else f"up to {self.max_files} files in the field `{FILE_FIELD}`"
        return (
            "The form cannot be read: send multipart/form-data with its boundary in the content type, "
            f"{files}, and at most {MAX_FIELDS} fields of up to {self.max_field_bytes} bytes each."
        )


async def read_form(request: Request) -> tuple[bytes, Fields]:
    """The picture's bytes and the other fields, as they came.

    Raises:
        InvalidRequest: the form is malformed or cut off, or has too many or too long fields.
        InvalidParameter: not exactly one file, or not in the field `file`.
    """
    files, fields = await read_files(request, Bounds(max_files=1))
    return files[0], fields


async def read_files(request: Request, bounds: Bounds) -> tuple[list[bytes], Fields]:
    """The bytes of the pictures, one at least, and the other fields, as they came.

    Raises:
        InvalidRequest: the form is malformed or cut off, or holds more than it may.
        InvalidParameter: no file, or one that is not in the field `file`, or several where one is taken.
    """
    form = await _parsed(request, bounds)
    try:
        items = form.multi_items()
        files = [(name, value) for name, value in items if isinstance(value, UploadFile)]
        fields = [(name, value) for name, value in items if isinstance(value, str)]
        _check_files([name for name, _ in files], [name for name, _ in fields], bounds.max_files)
        return [await file.read() for _, file in files], fields
    finally:
        await form.close()


class _Parser(MultiPartParser):
    """Refuses a form that does not come to its end: the parser alone takes a cut-off one for whole."""

    spool_max_size = 0
    """Never to disk: the length of a body is bounded, and a hardened container has nowhere to write."""

    def __init__(self, request: Request, bounds: Bounds) -> None:
        super().__init__(
            request.headers,
            self._whole(request.stream()),
            # One more, so that two pictures in a place for one are told so.
            max_files=bounds.max_files + 1,
            max_fields=MAX_FIELDS,
            max_part_size=bounds.max_field_bytes,
        )
        self._ended = False

    def on_end(self) -> None:
        self._ended = True

    async def _whole(self, stream: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        """The same, and an error from within where the parser lets go of what it has opened."""
        async with aclosing(stream):
            async for chunk in stream:
                yield chunk
        if not self._ended:
            raise InvalidRequest("The form is cut off, its closing boundary is missing; send the whole form.")


async def _parsed(request: Request, bounds: Bounds) -> FormData:
    try:
        return await _Parser(request, bounds).parse()
    # UnicodeError: the content type may name any of Python's codecs, some of which fail in their own way.
    except (MultiPartException, UnicodeError) as err:
        raise InvalidRequest(bounds.sentence()) from err


def _check_files(files: list[str], fields: list[str], max_files: int) -> None:
    elsewhere = [name for name in files if name != FILE_FIELD]
    if 1 <= len(files) <= max_files and not elsewhere:
        return
    if len(files) > max_files:
        few = "several files; send one picture a request" if max_files == 1 else f"more than {max_files} files"
        sentence = f"The form has {few}, in the field `{FILE_FIELD}`."
    elif elsewhere:
        sentence = f"The picture must be in the field `{FILE_FIELD}`, not in `{elsewhere[0][:64]}`."
    elif FILE_FIELD in fields:
        sentence = f"The field `{FILE_FIELD}` is text; send the picture as a file (curl: -F {FILE_FIELD}=@picture.png)."
    else:
        sentence = f"The form has no picture; send it as a file in the field `{FILE_FIELD}`."
    raise InvalidParameter(sentence, {"field": FILE_FIELD})
