"""From the configuration to an action."""

from flawgate_camera.alarms.actions.base import Action, Repeated
from flawgate_camera.alarms.actions.gpio import GpioOutput
from flawgate_camera.alarms.actions.http import HttpTelling
from flawgate_camera.alarms.actions.log import LogTelling
from flawgate_camera.alarms.actions.mqtt import MqttOutput
from flawgate_camera.alarms.actions.shell import ShellTelling
from flawgate_camera.alarms.facts import Source
from flawgate_camera.config import alarms as config


def create_action(action: config.Action, source: Source) -> Action:
    """The action that a table describes; opens nothing yet."""
    match action:
        case config.LogAction():
            return Repeated(LogTelling())
        case config.ShellAction():
            return Repeated(ShellTelling(action))
        case config.HttpAction():
            return Repeated(HttpTelling(action))
        case config.MqttAction():
            return MqttOutput(action, source)
        case config.GpioAction():
            return GpioOutput(action)
