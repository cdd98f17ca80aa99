"""From a camera's table to its trigger."""

from flawgate_camera.config import network_triggers as network
from flawgate_camera.config import triggers as tables
from flawgate_camera.triggers.base import TriggerSource
from flawgate_camera.triggers.motion import MotionTrigger
from flawgate_camera.triggers.mqtt import MqttTrigger
from flawgate_camera.triggers.queue import TriggerObserver
from flawgate_camera.triggers.rate import NthTrigger, RateTrigger
from flawgate_camera.triggers.tcp import TcpTrigger


def create_trigger(table: tables.Trigger, camera: str, observer: TriggerObserver) -> TriggerSource:
    """The trigger of a table `trigger`; one of the network listens when its `run` does.

    Args:
        table: which pictures are inspected.
        camera: its name, for the log.
        observer: told what became of each trigger of the network.
    """
    match table:
        case tables.EveryTrigger():
            return NthTrigger(1)
        case tables.NthTrigger():
            return NthTrigger(table.n)
        case tables.RateTrigger():
            return RateTrigger(table.frames_per_s)
        case tables.MotionTrigger():
            return MotionTrigger(table)
        case network.TcpTrigger():
            return TcpTrigger(table, camera, observer)
        case network.MqttTrigger():
            return MqttTrigger(table, camera, observer)
