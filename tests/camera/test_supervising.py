import asyncio
from typing import Any

import pytest
from support.camera_parts import MemoryObserver, UnopenableSource, camera_table, take_all
from support.streamed import until

from flawgate_camera.config.cameras import Camera, Configuration
from flawgate_camera.config.gateway import Gateway
from flawgate_camera.delivery.every import EveryDelivery
from flawgate_camera.frames import CapturedFrame, Gap
from flawgate_camera.health import Standing
from flawgate_camera.running import Parts, RunningCamera, Service
from flawgate_camera.sources.base import Cause, Source, SourceFailed
from flawgate_camera.sources.generated import GeneratedSource
from flawgate_camera.supervising import Supervisor
from flawgate_camera.triggers.rate import NthTrigger
from flawgate_contracts.errors import InternalError

pytestmark = pytest.mark.timeout(60)


class Agent:
    """A supervisor of generated cameras; `broken` cannot be opened, and `bug` not even made."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.observers: dict[str, MemoryObserver] = {}
        self.supervisor = Supervisor(self._start)

    def _start(self, camera: Camera, _configuration: Configuration) -> RunningCamera:
        self.started.append(camera.name)
        observer = self.observers[camera.name] = MemoryObserver()
        return RunningCamera(camera, self._build, observer, 1)

    @staticmethod
    def _build(camera: Camera, _standing: Standing) -> Parts:
        delivery = EveryDelivery(10)
        items: list[CapturedFrame | Gap] = []

        def source() -> Source:
            if camera.name == "broken":
                return UnopenableSource(SourceFailed(Cause.UNREACHABLE, "Nothing answers."))
            if camera.name == "bug":
                raise ZeroDivisionError
            assert camera.source.kind == "generated"
            return GeneratedSource(camera.source)

        async def finish(_grace_s: float) -> None:
            await delivery.drained()

        return Parts(
            create_source=source,
            trigger=NthTrigger(1),
            delivery=delivery,
            services=(Service(Cause.GATEWAY, lambda: take_all(delivery, items)),),
            stopping=lambda: None,
            finish=finish,
        )

    async def frames(self, name: str, more: int = 3) -> None:
        """Wait until the camera has given some more frames."""
        target = self.observers[name].frames + more
        await until(lambda: self.observers[name].frames >= target)


def configuration(*names: str, gateway: Gateway | None = None, **changes: Any) -> Configuration:
    """Generated cameras of these names, all with these keys changed."""
    source = {"kind": "generated", "frames_per_s": 100, "size": [128, 128]}
    cameras = tuple(camera_table(name=name, **({"source": source} | changes)) for name in names)
    return Configuration(cameras=cameras, gateway=gateway or Gateway())


async def test_a_camera_that_fails_leaves_the_others_alone() -> None:
    """One camera is not there; the other one delivers."""
    agent = Agent()
    await agent.supervisor.apply(configuration("broken", "good"))
    await agent.frames("good")
    states = agent.supervisor.states()
    await agent.supervisor.stop()
    assert {name: state.up for name, state in states.items()} == {"broken": False, "good": True}


async def test_the_agent_does_not_end_well_by_a_bug() -> None:
    """Where the last camera falls by a bug of ours, the end is an error, so that the agent is started anew."""
    agent = Agent()
    await agent.supervisor.apply(configuration("bug"))
    with pytest.raises(InternalError, match="ended by a bug"):
        await asyncio.wait_for(agent.supervisor.ended(), 20)
    await agent.supervisor.stop()


async def test_only_what_changed_is_started_anew() -> None:
    """A camera that is added, removed or changed is touched, the others go on without a break."""
    agent = Agent()
    await agent.supervisor.apply(configuration("a", "b"))
    await agent.frames("a")
    changed = configuration("a", "c").cameras + configuration("d", recipe="other").cameras
    await agent.supervisor.apply(Configuration(cameras=changed))
    await agent.frames("c")
    await agent.supervisor.apply(Configuration(cameras=(*configuration("a").cameras, changed[2])))
    await agent.frames("a")
    assert agent.started == ["a", "b", "c", "d"]
    assert sorted(agent.supervisor.states()) == ["a", "d"]
    await agent.supervisor.stop()


async def test_another_gateway_concerns_all_cameras() -> None:
    """Where the gateway's table changes, every camera connects anew."""
    agent = Agent()
    await agent.supervisor.apply(configuration("a", "b"))
    await agent.supervisor.apply(configuration("a", "b", gateway=Gateway(target="127.0.0.1:9")))
    await agent.supervisor.stop()
    assert agent.started == ["a", "b", "a", "b"]


async def test_the_agent_ends_with_its_sources() -> None:
    """When every source has given all it had, there is nothing left to run; one that is restarted counts too."""
    agent = Agent()
    short = {"kind": "generated", "frames_per_s": 100, "size": [128, 128], "frames": 5}
    await agent.supervisor.apply(configuration("a"))
    ended = asyncio.create_task(agent.supervisor.ended())
    await agent.frames("a")
    await agent.supervisor.apply(configuration("a", source=short))
    assert not ended.done()
    await asyncio.wait_for(ended, 20)
    assert agent.observers["a"].frames == 5
    await agent.supervisor.stop()
