"""The SDK's batches, with a count of what is lost on the way to the collector."""

import os
import threading
from collections.abc import Sequence
from typing import Self

from opentelemetry.sdk.environment_variables import OTEL_BSP_MAX_QUEUE_SIZE
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from flawgate_contracts.startup import StartupError

MAX_QUEUE = 2048
"""Ended spans that wait for the collector, at most, unless the variable says otherwise (the standard's own number)."""


class Tally:
    """How many spans ended, and what became of them.

    The SDK drops the oldest spans of a full queue without a word to its owner; how many wait follows from how many
    ended and how many were handed to the exporter.
    """

    def __init__(self, max_queue: int) -> None:
        """A tally of a queue that holds `max_queue` spans."""
        self.max_queue = max_queue
        self._waiting = 0
        self._dropped = 0
        self._lock = threading.Lock()

    @classmethod
    def of_environment(cls) -> Self:
        """Of the queue that the standard variable asks for.

        Raises:
            StartupError: it asks for none.
        """
        text = os.environ.get(OTEL_BSP_MAX_QUEUE_SIZE) or str(MAX_QUEUE)
        if not text.isascii() or not text.isdecimal() or int(text) == 0:
            raise StartupError(f"{OTEL_BSP_MAX_QUEUE_SIZE} is {text!r}; give a whole number of spans above 0.")
        return cls(int(text))

    @property
    def dropped(self) -> int:
        """Spans that no collector has taken, and none will."""
        return self._dropped

    def ended(self) -> None:
        """One more span is to be sent."""
        with self._lock:
            if self._waiting < self.max_queue:
                self._waiting += 1
            else:
                self._dropped += 1

    def taken(self, spans: int) -> None:
        """So many left the queue."""
        with self._lock:
            self._waiting = max(0, self._waiting - spans)

    def lost(self, spans: int) -> None:
        """So many were not taken by the collector."""
        with self._lock:
            self._dropped += spans


class CountedExporter(SpanExporter):
    """Tells what another exporter takes and loses."""

    def __init__(self, exporter: SpanExporter, tally: Tally) -> None:
        self._exporter = exporter
        self._tally = tally

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send a batch; runs in the SDK's own thread (OpenTelemetry)."""
        self._tally.taken(len(spans))
        result = SpanExportResult.FAILURE
        try:
            result = self._exporter.export(spans)
        finally:
            if result is not SpanExportResult.SUCCESS:
                self._tally.lost(len(spans))
        return result

    def shutdown(self) -> None:
        """Send nothing more (OpenTelemetry)."""
        self._exporter.shutdown()


class CountedProcessor(BatchSpanProcessor):
    """The SDK's batches, of which each span is counted."""

    def __init__(self, exporter: SpanExporter, tally: Tally) -> None:
        super().__init__(exporter, max_queue_size=tally.max_queue, max_export_batch_size=_batch(tally.max_queue))
        self._tally = tally

    def on_end(self, span: ReadableSpan) -> None:
        """Queue a span that is kept (OpenTelemetry)."""
        if span.context is not None and span.context.trace_flags.sampled:
            self._tally.ended()
        super().on_end(span)


def _batch(max_queue: int) -> int | None:
    """Spans of one message: as the standard variable says, but no more than the queue holds."""
    return max_queue if max_queue < 512 else None
