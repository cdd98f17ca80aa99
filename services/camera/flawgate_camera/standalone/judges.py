"""The judges of an agent: one a recipe, whichever cameras show it frames."""

import asyncio
import threading
from pathlib import Path
from uuid import UUID
from weakref import WeakValueDictionary

from flawgate.inspection.v1 import inspection_pb2 as pb
from flawgate_camera.config.cameras import Camera, Standalone
from flawgate_camera.standalone.deciding import Listener, OwnDecisions
from flawgate_camera.standalone.judge import StandaloneJudge
from flawgate_camera.standalone.link import Link
from flawgate_camera.standalone.messages import Stand


class Judges:
    """Opens a recipe's models for the first camera that needs them; they go with the last one."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """None yet.

        Args:
            loop: in which frames are judged; it must outlive all capture threads.
        """
        self._loop = loop
        self._judges: WeakValueDictionary[tuple[Path, str, int], StandaloneJudge] = WeakValueDictionary()
        self._lock = threading.Lock()

    def of(self, table: Standalone, camera: Camera, stream_id: UUID, link: Link, listener: Listener) -> OwnDecisions:
        """For one camera, from any thread; its models are loaded in the background.

        Args:
            table: `[standalone]` of the configuration.
            camera: its table.
            stream_id: names the numbering of its frames.
            link: whether there is a gateway.
            listener: is told what becomes of its frames.
        """
        identity = pb.Identity(plant=camera.plant, line=camera.line, station=camera.station, camera=camera.name)
        decisions = OwnDecisions(
            self.judge(table, camera.recipe),
            Stand(identity, str(stream_id)),
            listener,
            loop=self._loop,
            link=link,
            after_s=None if table.when == "always" else table.offline_after_s,
        )
        decisions.prepare()
        return decisions

    def judge(self, table: Standalone, recipe: str) -> StandaloneJudge:
        """That of a recipe; from any thread."""
        key = (table.repository, recipe, table.threads)
        with self._lock:
            judge = self._judges.get(key)
            if judge is None:
                judge = self._judges[key] = StandaloneJudge(table.repository, recipe, threads=table.threads)
            return judge
