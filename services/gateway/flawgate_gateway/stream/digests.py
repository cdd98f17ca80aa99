"""The digest of a frame, for the frame that comes after it."""

import asyncio


class Digest:
    """The SHA-256 of a frame, once it is known; None where it never will be."""

    def __init__(self, sha256: str | None = None) -> None:
        """One that is known, or is still to be."""
        self._known: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        if sha256 is not None:
            self.known(sha256)

    def known(self, sha256: str | None) -> None:
        """Say it; what was said first holds."""
        if not self._known.done():
            self._known.set_result(sha256)

    async def value(self) -> str | None:
        """Wait for it."""
        return await asyncio.shield(self._known)
