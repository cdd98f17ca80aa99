"""A collector of traces: OTLP over gRPC, as our services speak it, and over HTTP, as Triton does."""

import json
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

SERVICE = "opentelemetry.proto.collector.trace.v1.TraceService"
LOOPBACK = "127.0.0.1"
WAIT_S = 20.0
FAILED = 2
"""OTLP's status code of a span that failed."""
ID_NAMES = {"traceId", "spanId", "parentSpanId"}
Value = str | bool | int | float


@dataclass(frozen=True, slots=True)
class SeenSpan:
    """A span as it reached the collector."""

    service: str
    name: str
    kind: int
    trace_id: str
    span_id: str
    parent_id: str
    """Empty where it is the first of its trace."""
    start_ns: int
    end_ns: int
    attributes: dict[str, Value]
    failed: bool
    links: tuple[tuple[str, str], ...] = ()
    """Trace id and span id of each."""


@dataclass
class Collector:
    """Keeps all spans that it is sent.

    Attributes:
        target: `host:port` of its gRPC door.
        http_url: of its HTTP door.
        delay_s: it takes so long over each message.
        refuses: it takes none.
    """

    target: str = ""
    http_url: str = ""
    delay_s: float = 0.0
    refuses: bool = False
    spans: list[SeenSpan] = field(default_factory=list)

    def export(self, request: ExportTraceServiceRequest, context: Any) -> ExportTraceServiceResponse:
        """OTLP/gRPC."""
        time.sleep(self.delay_s)
        if self.refuses:
            context.abort(grpc.StatusCode.PERMISSION_DENIED, "no spans from you")
        self.take(request)
        return ExportTraceServiceResponse()

    def take(self, request: ExportTraceServiceRequest) -> None:
        """Keep what a message holds."""
        for resource in request.resource_spans:
            service = _attributes(resource.resource.attributes).get("service.name", "")
            for scope in resource.scope_spans:
                self.spans.extend(_seen(str(service), span) for span in scope.spans)

    def trace(self, trace_id: str) -> list[SeenSpan]:
        """The spans of a trace, by the time of their start."""
        return sorted((span for span in self.spans if span.trace_id == trace_id), key=lambda span: span.start_ns)

    def awaited(self, trace_id: str, is_whole: Callable[[list[SeenSpan]], bool]) -> list[SeenSpan]:
        """The spans of a trace once it is whole."""
        spans = self.settled(trace_id, within_s=WAIT_S, is_whole=is_whole)
        assert is_whole(spans), f"The trace is not whole:\n{tree(spans)}"
        return spans

    def settled(self, trace_id: str, *, within_s: float, is_whole: Callable[[list[SeenSpan]], bool]) -> list[SeenSpan]:
        """The spans of a trace once it is whole, or those that came within so many seconds."""
        deadline = time.monotonic() + within_s
        while not is_whole(self.trace(trace_id)) and time.monotonic() < deadline:
            time.sleep(0.05)
        return self.trace(trace_id)


def tree(spans: list[SeenSpan]) -> str:
    """A trace, a line a span: those below it are indented."""
    ids = {span.span_id for span in spans}
    return "\n".join(line for span in spans if span.parent_id not in ids for line in _lines(span, spans, 0))


def _lines(span: SeenSpan, spans: list[SeenSpan], depth: int) -> Iterator[str]:
    milliseconds = (span.end_ns - span.start_ns) / 1e6
    yield f"{'  ' * depth}{span.name} [{span.service}] {milliseconds:.1f} ms{' FAILED' if span.failed else ''}"
    for other in spans:
        if other.parent_id == span.span_id:
            yield from _lines(other, spans, depth + 1)


def _seen(service: str, span: Any) -> SeenSpan:
    return SeenSpan(
        service=service,
        name=span.name,
        kind=span.kind,
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
        attributes=_attributes(span.attributes),
        failed=span.status.code == FAILED,
        links=tuple((link.trace_id.hex(), link.span_id.hex()) for link in span.links),
    )


def _attributes(pairs: Any) -> dict[str, Value]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}


def _from_json(body: bytes) -> ExportTraceServiceRequest:
    """OTLP writes ids as hexadecimal digits, where protobuf's JSON would have them by base64."""

    def by_base64(found: dict[str, Any]) -> dict[str, Any]:
        ids = {name: b64encode(bytes.fromhex(found[name])).decode() for name in ID_NAMES & found.keys()}
        return {**found, **ids}

    return ParseDict(json.loads(body, object_hook=by_base64), ExportTraceServiceRequest())


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector on free ports, until the end of the block."""
    collector = Collector()
    server = grpc.server(ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers((_grpc_door(collector),))
    collector.target = f"{LOOPBACK}:{server.add_insecure_port(f'{LOOPBACK}:0')}"
    server.start()
    http = ThreadingHTTPServer((LOOPBACK, 0), _http_door(collector))
    collector.http_url = f"http://{LOOPBACK}:{http.server_port}"
    serving = threading.Thread(target=http.serve_forever)
    serving.start()
    try:
        yield collector
    finally:
        http.shutdown()
        http.server_close()
        serving.join()
        server.stop(0).wait()


def _grpc_door(collector: Collector) -> Any:
    export = grpc.unary_unary_rpc_method_handler(
        collector.export, ExportTraceServiceRequest.FromString, ExportTraceServiceResponse.SerializeToString
    )
    return grpc.method_handlers_generic_handler(SERVICE, {"Export": export})


def _http_door(collector: Collector) -> type[BaseHTTPRequestHandler]:
    class Door(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            """OTLP/HTTP as JSON."""
            body = self.rfile.read(int(self.headers["content-length"]))
            collector.take(_from_json(body))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *_args: Any) -> None:  # noqa: A002  # http.server names it so
            """Say nothing."""

    return Door
