"""Files that are made while they are sent."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from fastapi.responses import StreamingResponse


async def streamed(chunks: AsyncGenerator[bytes, None], *, media_type: str, name: str) -> StreamingResponse:
    """The answer that is a file, once its first piece is there: what is wrong with the query is said before it begins.

    Args:
        chunks: the file, one piece at least.
        media_type: of the file.
        name: that it has with the caller.
    """
    first = await anext(chunks)
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(continued(first, chunks), media_type=media_type, headers=headers)


async def continued(first: bytes, rest: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    """A first piece, and the rest, which is closed at the end."""
    async with aclosing(rest):
        yield first
        async for chunk in rest:
            yield chunk
