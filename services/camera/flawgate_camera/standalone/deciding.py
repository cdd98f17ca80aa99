"""Which of a camera's frames are judged here, and what the capture thread hands on of them."""

import asyncio
from concurrent.futures import Future
from dataclasses import replace
from typing import Protocol

import structlog

from flawgate.inspection.v1 import inspection_pb2 as pb
from flawgate_camera.frames import CapturedFrame
from flawgate_camera.standalone.judge import StandaloneJudge
from flawgate_camera.standalone.link import Link
from flawgate_camera.standalone.messages import Stand
from flawgate_contracts.errors import FlawgateError, InternalError

log = structlog.get_logger(__name__)


class Listener(Protocol):
    """Who is told what becomes of frames, in the event loop."""

    def decided(self, frame: CapturedFrame, inspection: pb.Inspection) -> None:
        """A frame was judged here."""

    def failed(self, reason: str) -> None:
        """A frame should have been judged here and could not be; the gateway will judge it."""


class OwnDecisions:
    """Decides about a camera's frames here: about all, or about those taken while the gateway is out of reach.

    What cannot be judged here goes on as it is, so that the gateway judges it, or says on record why nobody can.
    """

    def __init__(
        self,
        judge: StandaloneJudge,
        stand: Stand,
        listener: Listener,
        *,
        loop: asyncio.AbstractEventLoop,
        link: Link,
        after_s: float | None,
    ) -> None:
        """For one camera.

        Args:
            judge: of the camera's recipe.
            stand: whose frames they are.
            listener: is told of each.
            loop: in which frames are judged and the listener is told; it must outlive the capture thread.
            link: whether there is a gateway.
            after_s: so long, in seconds, the gateway must have been out of reach; None: all frames are judged here.
        """
        self._judge = judge
        self._stand = stand
        self._listener = listener
        self._loop = loop
        self._link = link
        self._after_s = after_s
        self._before = ""
        self._told = ""
        self._preparing: Future[None] | None = None

    def prepare(self) -> None:
        """Load the models in the background: a fault is told of now, not when the gateway is lost. From any thread."""
        self._preparing = asyncio.run_coroutine_threadsafe(self._prepare(), self._loop)

    async def _prepare(self) -> None:
        try:
            await self._judge.ready()
        except FlawgateError as error:
            self._tell(error)
            self._listener.failed(error.reason)

    def decide(self, frame: CapturedFrame) -> CapturedFrame:
        """For the capture thread: as `decided`, where the frame is to be judged here; waits for it."""
        if self.wanted():
            return asyncio.run_coroutine_threadsafe(self.decided(frame), self._loop).result()
        self._before = ""
        return frame

    def wanted(self) -> bool:
        """Whether a frame that is taken now is judged here."""
        return self._after_s is None or self._link.is_lost(self._after_s)

    async def decided(self, frame: CapturedFrame) -> CapturedFrame:
        """The frame with what was decided about it; as it came where it cannot be judged here."""
        try:
            inspection = await self._judge.inspect(frame, self._stand, before=self._before)
        except FlawgateError as error:
            return self._undecided(frame, error)
        except Exception:
            log.exception("a frame could not be judged here", camera=self._stand.identity.camera)
            return self._undecided(frame, InternalError("The log says why."))
        self._before, self._told = inspection.frame.sha256, ""
        self._listener.decided(frame, inspection)
        return replace(frame, decided=inspection.SerializeToString())

    def _undecided(self, frame: CapturedFrame, error: FlawgateError) -> CapturedFrame:
        self._tell(error)
        self._listener.failed(error.reason)
        return frame

    def _tell(self, error: FlawgateError) -> None:
        """Once, not for each frame."""
        if error.reason == self._told:
            return
        self._told = error.reason
        log.warning(
            "frames cannot be judged here; the gateway will",
            camera=self._stand.identity.camera,
            reason=error.reason,
            detail=error.message,
        )
