"""The door to this package: ONNX Runtime is loaded only where an agent judges frames itself."""

import asyncio
import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from flawgate_camera.config.cameras import Camera, Standalone
from flawgate_camera.standalone.link import Link
from flawgate_contracts.errors import InvalidParameter

if TYPE_CHECKING:
    from flawgate_camera.standalone.deciding import Listener, OwnDecisions
    from flawgate_camera.standalone.judges import Judges

Judging = Callable[[Camera, UUID, Link, "Listener"], "OwnDecisions"]
"""Gives who decides about a camera's frames: of its table, the stream's id, its link, and whoever is told."""


class Bench:
    """The place of an agent's judges, empty until a configuration asks for them."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """An empty one.

        Args:
            loop: in which frames are judged; it must outlive all capture threads.
        """
        self._loop = loop
        self._judges: Judges | None = None
        self._lock = threading.Lock()

    def judging(self, table: Standalone | None) -> Judging | None:
        """By that table, from any thread; None where the agent judges nothing itself.

        Raises:
            InvalidParameter: the model repository is not there, or ONNX Runtime is not installed.
        """
        return None if table is None else partial(self._open(table).of, table)

    async def try_models(self, table: Standalone, recipe: str) -> None:
        """Load a recipe's models as an agent would, and ask them once.

        Raises:
            InvalidParameter: as for `judging`.
            FlawgateError: they cannot be used; the sentence says why.
        """
        judge = (await asyncio.to_thread(self._open, table)).judge(table, recipe)
        await judge.ready()
        await judge.close()

    def _open(self, table: Standalone) -> "Judges":
        if not table.repository.is_dir():
            raise InvalidParameter(
                f"There is no model repository at {table.repository}; name its folder in `repository` of [standalone].",
                {"field": "standalone.repository"},
            )
        with self._lock:
            self._judges = self._judges or _judges(self._loop)
            return self._judges


def _judges(loop: asyncio.AbstractEventLoop) -> "Judges":
    try:
        from flawgate_camera.standalone.judges import Judges  # noqa: PLC0415  # see above
    except ImportError as err:
        raise InvalidParameter(
            "[standalone] needs ONNX Runtime; install `flawgate-camera[standalone]`, or take the table out.",
            {"field": "standalone"},
        ) from err
    return Judges(loop)
