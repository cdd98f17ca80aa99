"""Reading a multipart form: one picture, and short fields beside it. All in memory, nothing touches a disk."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from fastapi import Request
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from flawgate_contracts.errors import InvalidParameter, InvalidRequest

FILE_FIELD = "file"
MAX_FIELDS = 32
MAX_FIELD_BYTES = 4096
"""Longest field beside the picture, in bytes."""

Fields = list[tuple[str, str]]


async def read_form(request: Request) -> tuple[bytes, Fields]:
    """The picture's bytes and the other fields, as they came.

    Raises:
        InvalidRequest: the form is malformed or cut off, or has too many or too long fields.
        InvalidParameter: not exactly one file, or not in the field `file`.
    """
    form = await _parsed(request)
    try:
        items = form.multi_items()
        files = [(name, value) for name, value in items if isinstance(value, UploadFile)]
        fields = [(name, value) for name, value in items if isinstance(value, str)]
        _check_files([name for name, _ in files], [name for name, _ in fields])
        return await files[0][1].read(), fields
    finally:
        await form.close()


class _Parser(MultiPartParser):
    """Refuses a form that does not come to its end: the parser alone takes a cut-off one for whole."""

    spool_max_size = 0
    """Never to disk: the length of a body is bounded, and a hardened container has nowhere to write."""

    def __init__(self, request: Request) -> None:
        stream = self._whole(request.stream())
        super().__init__(request.headers, stream, max_files=2, max_fields=MAX_FIELDS, max_part_size=MAX_FIELD_BYTES)
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


async def _parsed(request: Request) -> FormData:
    try:
        return await _Parser(request).parse()
    # UnicodeError: the content type may name any of Python's codecs, some of which fail in their own way.
    except (MultiPartException, UnicodeError) as err:
        raise InvalidRequest(
            "The form cannot be read: send multipart/form-data with its boundary in the content type, one file, "
            f"and at most {MAX_FIELDS} fields of up to {MAX_FIELD_BYTES} bytes each."
        ) from err


def _check_files(files: list[str], fields: list[str]) -> None:
    if files == [FILE_FIELD]:
        return
    if len(files) > 1:
        sentence = f"The form has several files; send one picture a request, in the field `{FILE_FIELD}`."
    elif files:
        sentence = f"The picture must be in the field `{FILE_FIELD}`, not in `{files[0][:64]}`."
    elif FILE_FIELD in fields:
        sentence = f"The field `{FILE_FIELD}` is text; send the picture as a file (curl: -F {FILE_FIELD}=@picture.png)."
    else:
        sentence = f"The form has no picture; send it as a file in the field `{FILE_FIELD}`."
    raise InvalidParameter(sentence, {"field": FILE_FIELD})
