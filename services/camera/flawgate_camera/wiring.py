"""What each camera is made of: the one place that knows all parts."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from flawgate_camera.config import delivery as policies
from flawgate_camera.config.cameras import Camera, Configuration
from flawgate_camera.delivery.base import Delivery, OnDrop
from flawgate_camera.delivery.every import EveryDelivery
from flawgate_camera.delivery.latest import LatestDelivery
from flawgate_camera.delivery.lossless import LosslessDelivery
from flawgate_camera.delivery.spool.bounds import Bounds
from flawgate_camera.health import Standing
from flawgate_camera.observer import PrometheusObserver
from flawgate_camera.running import Parts, RunningCamera, Service
from flawgate_camera.sources.base import Cause
from flawgate_camera.sources.creating import create_source
from flawgate_camera.spools import leftovers, spool_of
from flawgate_camera.standalone.answers import Answers
from flawgate_camera.standalone.opening import Bench
from flawgate_camera.stream.facts import Who
from flawgate_camera.stream.streamer import Streamer
from flawgate_camera.telling import Teller
from flawgate_camera.triggers.base import ServedTrigger
from flawgate_camera.triggers.creating import create_trigger
from flawgate_contracts.metrics.camera import CameraMetrics


@dataclass(frozen=True, slots=True)
class Wiring:
    """Makes cameras.

    Attributes:
        metrics: of the agent.
        bench: its own judges, where it judges frames itself.
    """

    metrics: CameraMetrics
    bench: Bench

    def camera(self, camera: Camera, configuration: Configuration) -> RunningCamera:
        """A camera that does not run yet."""
        observer = PrometheusObserver(self.metrics, camera.name, camera.delivery.policy)

        def build(table: Camera, standing: Standing) -> Parts:
            return self._parts(table, configuration, standing, observer)

        return RunningCamera(camera, build, observer, configuration.agent.grace_s)

    def _parts(
        self, camera: Camera, configuration: Configuration, standing: Standing, observer: PrometheusObserver
    ) -> Parts:
        folder = configuration.agent.data_dir / camera.name
        judging = self.bench.judging(configuration.standalone)
        teller = Teller(camera, standing, observer, judges_itself=judging is not None)
        trigger = create_trigger(camera.trigger, camera.name, observer)
        spools, stand = folder / "spools", who(camera)
        used = spool_of(spools, stand) if isinstance(camera.delivery, policies.LosslessDelivery) else None
        before = tuple(leftovers(spools, used))
        delivery = create_delivery(camera.delivery, spools, stand, observer.dropped)
        answers = Answers(teller.answered, teller.failed_itself, budget_s=delivery.budget_s)
        streamer = Streamer(
            stand, configuration.gateway, delivery, on_result=answers.answered, on_state=teller.stream_changed
        )
        services = [Service(Cause.GATEWAY, streamer.run), Service(Cause.ALARMS, teller.alarms.run)]
        for leftover in before:
            opens = partial(open_spool, bounds=bounds_of(camera.delivery), on_drop=observer.dropped)
            sends = partial(leftover.send, opens, configuration.gateway, teller.answered_late)
            services.append(Service(Cause.GATEWAY, sends))
        if isinstance(trigger, ServedTrigger):
            services.append(Service(Cause.TRIGGER, trigger.run))
        return Parts(
            create_source=lambda: create_source(camera.source, folder),
            trigger=trigger,
            delivery=delivery,
            services=tuple(services),
            stopping=teller.alarms.stop,
            finish=streamer.finish,
            decide=None if judging is None else judging(camera, delivery.stream_id, teller.link, answers).decide,
        )


def create_delivery(table: policies.Delivery, spools: Path, stand: Who, on_drop: OnDrop) -> Delivery:
    """The delivery of a table `delivery`.

    Args:
        table: which policy.
        spools: folder of this camera's spools, for `lossless`.
        stand: whose frames they are.
        on_drop: told of each drop.

    Raises:
        StartupError: the spool is another process's, or cannot be used.
    """
    match table:
        case policies.LosslessDelivery():
            return open_spool(spool_of(spools, stand), bounds=bounds_of(table), on_drop=on_drop)
        case policies.LatestDelivery():
            return LatestDelivery(table.staleness_ms / 1000, on_drop=on_drop)
        case policies.EveryDelivery():
            return EveryDelivery(table.frames, on_drop=on_drop)


def open_spool(folder: Path, *, bounds: Bounds, on_drop: OnDrop) -> LosslessDelivery:
    """The delivery over the spool of a folder.

    Raises:
        StartupError: the spool is another process's, or cannot be used.
    """
    return LosslessDelivery(folder, bounds, on_drop=on_drop)


def bounds_of(table: policies.Delivery) -> Bounds:
    """How much a spool holds; what another policy left behind lies within the bounds that are usual."""
    kept = table if isinstance(table, policies.LosslessDelivery) else policies.LosslessDelivery()
    return Bounds(kept.max_bytes, kept.max_age_s)


def who(camera: Camera) -> Who:
    """Whose frames they are, as the gateway is told."""
    return Who(station=camera.station, camera=camera.name, recipe=camera.recipe, plant=camera.plant, line=camera.line)
