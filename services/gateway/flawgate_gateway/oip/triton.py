"""Triton's HTTP port, asked on behalf of a caller: so many exchanges at once, each within its time."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager

import httpx
from starlette.requests import ClientDisconnect, Request

from flawgate_contracts.context import current_context
from flawgate_contracts.errors import DeadlineExceeded, ModelServerUnavailable, Overloaded, RequestCancelled
from flawgate_gateway.oip import preamble

CONNECT_TIMEOUT_S = 2.0
PIECE_BYTES = 64 * 1024
"""Shortest piece of a body that is passed on, but for the last."""
REQUEST_HEADERS = ("content-type", "content-length", "accept-encoding", "inference-header-content-length")
"""What goes on to Triton of a caller's headers; no key does."""


class TritonHttp:
    """Passes requests on. It is the gateway's only way to Triton, and not in the way of a frame."""

    def __init__(self, url: str, *, timeout_s: float, max_in_progress: int) -> None:
        self._timeout_s = timeout_s
        self._max_in_progress = max_in_progress
        self._in_progress = 0
        self._http = httpx.AsyncClient(
            base_url=url,
            timeout=httpx.Timeout(timeout_s, connect=CONNECT_TIMEOUT_S),
            limits=httpx.Limits(max_connections=max_in_progress, max_keepalive_connections=max_in_progress),
            trust_env=False,
            # A caller may not be able to read what httpx would ask for.
            headers={"accept-encoding": "identity"},
        )

    async def close(self) -> None:
        """Let go of the connections."""
        await self._http.aclose()

    async def get(self, path: str) -> httpx.Response:
        """A short answer, whole.

        Raises:
            ModelServerUnavailable: Triton does not answer.
            DeadlineExceeded: not in time.
            Overloaded: as much is being passed on as may be at once.
        """
        async with self._exchange():
            return await self._http.get(path, headers=current_context().metadata_for_triton())

    @asynccontextmanager
    async def posted(self, path: str, request: Request) -> AsyncIterator[httpx.Response]:
        """Triton's answer to the caller's body, which goes on as it comes; the answer's own body is still to be read.

        Raises:
            ModelServerUnavailable: Triton does not answer, or breaks off.
            DeadlineExceeded: all of it, the caller's sending too, did not end in time.
            Overloaded: as much is being passed on as may be at once.
            RequestCancelled: the caller went away.
            InvalidRequest: its JSON would harm Triton, or is too long.
        """
        headers = {**current_context().metadata_for_triton(), **_picked(request.headers)}
        async with self._exchange() as timer:
            upload = _Upload(request)
            await upload.check_preamble()
            passed_on = self._http.build_request("POST", path, content=upload.chunks(), headers=headers)
            async with upload.watched(timer):
                response = await self._http.send(passed_on, stream=True)
            try:
                yield response
            finally:
                await response.aclose()

    @asynccontextmanager
    async def _exchange(self) -> AsyncIterator[asyncio.Timeout]:
        with self._counted(), self._translated():
            async with asyncio.timeout(self._timeout_s) as timer:
                yield timer

    @contextmanager
    def _counted(self) -> Iterator[None]:
        if self._in_progress >= self._max_in_progress:
            raise Overloaded(
                f"{self._max_in_progress} requests are with the model server, which is all that are passed on at once; "
                "try again shortly."
            )
        self._in_progress += 1
        try:
            yield
        finally:
            self._in_progress -= 1

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except ClientDisconnect as err:
            raise RequestCancelled("The caller went away.") from err
        except (TimeoutError, httpx.ReadTimeout, httpx.WriteTimeout, httpx.PoolTimeout) as err:
            raise DeadlineExceeded(
                f"The model server and the caller were not done with each other within {self._timeout_s:g} s; "
                "send less at once, or faster."
            ) from err
        except httpx.TransportError as err:
            raise ModelServerUnavailable("The model server does not answer; try again shortly.") from err


@asynccontextmanager
async def triton_http(url: str, *, timeout_s: float, max_in_progress: int) -> AsyncIterator[TritonHttp | None]:
    """Triton's HTTP port, for those who bring tensors; None where the URL is empty."""
    if not url:
        yield None
        return
    triton = TritonHttp(url, timeout_s=timeout_s, max_in_progress=max_in_progress)
    try:
        yield triton
    finally:
        await triton.close()


class _Upload:
    """The body of a request on its way, whose sender may leave."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._stream = request.stream()
        self._held = bytearray()
        self._sent = asyncio.Event()

    async def check_preamble(self) -> None:
        """Read the JSON before the tensors, and check it.

        Raises:
            InvalidRequest: it would harm Triton, or is too long.
        """
        length = preamble.json_length(self._request.headers.get(preamble.LENGTH))
        await self._hold(preamble.MAX_BYTES + 1 if length is None else length)
        if length is None:
            preamble.check_length(len(self._held))
        declared = self._request.headers.get("content-length")
        preamble.check(bytes(self._held[:length]), None if declared is None else int(declared))

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """The body in pieces of some size, however it came: Triton keeps each piece on its stack."""
        await self._hold(PIECE_BYTES)
        while self._held:
            held = bytes(self._held)
            self._held.clear()
            yield held
            await self._hold(PIECE_BYTES)
        self._sent.set()

    async def _hold(self, length: int) -> None:
        """Have so many bytes at hand, or all that there are."""
        while len(self._held) < length:
            chunk = await anext(self._stream, None)
            if chunk is None:
                return
            self._held += chunk

    @asynccontextmanager
    async def watched(self, timer: asyncio.Timeout) -> AsyncIterator[None]:
        """End the work of the block, by its timer, when the caller leaves.

        Raises:
            ClientDisconnect: the caller left.
        """
        watching = asyncio.ensure_future(self._leaving(timer))
        try:
            yield
        except asyncio.CancelledError:
            if watching.done():
                raise ClientDisconnect from None
            raise
        finally:
            watching.cancel()

    async def _leaving(self, timer: asyncio.Timeout) -> None:
        await self._sent.wait()
        while (await self._request.receive())["type"] != "http.disconnect":
            pass
        timer.reschedule(asyncio.get_running_loop().time())


def _picked(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: headers[name] for name in REQUEST_HEADERS if name in headers}
