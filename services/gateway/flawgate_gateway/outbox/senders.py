"""Which sender brings events to which kind of sink."""

from flawgate_gateway.outbox.mqtt import MqttSender
from flawgate_gateway.outbox.sending import Sender
from flawgate_gateway.outbox.sinks import MqttSink, WebhookSink
from flawgate_gateway.outbox.webhook import WebhookSender


def sender_of(sink: WebhookSink | MqttSink) -> Sender:
    """What brings events to a sink; its files are read now.

    Raises:
        InvalidParameter: one of them cannot be used.
    """
    return WebhookSender(sink) if isinstance(sink, WebhookSink) else MqttSender(sink)
