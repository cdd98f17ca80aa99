"""The gateway's app over fakes, counted as it is in production, and asked for without sockets."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from flawgate_gateway.app import connected_parts, create_app
from flawgate_gateway.building import create_admission, create_inspector
from flawgate_gateway.core import Way
from flawgate_gateway.observer import PrometheusObserver
from flawgate_gateway.recipes import RecipeBook
from flawgate_gateway.settings import GatewaySettings
from support.gateway_cluster import ACCESS_OFF
from support.gateway_fakes import FakeArchive, FakeDecider, FakePreprocessor


class NoRecords:
    """A book of records that keeps nothing, so that ten thousand parts do not wait for a disk."""

    async def claim(self, *_: object, **__: object) -> None:
        """Claim no key."""

    @asynccontextmanager
    async def ending(self, _: object) -> AsyncIterator[None]:
        """End no key."""
        yield

    async def record(self, *_: object) -> None:
        """Write nothing."""


class MeteredApp:
    """What is asked for, and what is counted of it."""

    def __init__(self, app: FastAPI, parts: CollectorRegistry, inspections: CollectorRegistry) -> None:
        self._app = app
        self._registries = parts, inspections

    async def request(
        self, method: str, path: str, /, body: bytes = b"", content_type: str = "image/png", **query: str
    ) -> int:
        """Send a request, with a picture where there is a body; gives the status."""
        statuses: list[int] = []
        coming = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> dict[str, Any]:
            if not coming:
                await asyncio.Event().wait()  # the caller stays
            return coming.pop()

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        headers = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "scheme": "http",
            "server": ("gateway", 80),
            "client": ("caller", 1),
            "method": method,
            "path": path,
            "raw_path": quote(path).encode(),
            "query_string": urlencode(query).encode(),
            "headers": headers,
        }
        await self._app(scope, receive, send)
        return statuses[0]

    async def inspect(self, **query: str) -> int:
        """Send a frame, to be inspected by the recipe `spot` unless told otherwise."""
        return await self.request("POST", "/v1/inspections", b"a picture", **{"recipe": "spot", **query})

    async def inspect_all(self, items: Sequence[dict[str, str]]) -> int:
        """Send frames in one batch, each to be inspected as its item says; gives the status."""
        fields = [('name="items"', json.dumps([{"recipe": "spot", **item} for item in items]))]
        fields += [('name="file"; filename="a.png"', "a picture")] * len(items)
        parts = (f"--x\r\nContent-Disposition: form-data; {head}\r\n\r\n{text}\r\n" for head, text in fields)
        body = f"{''.join(parts)}--x--\r\n".encode()
        return await self.request("POST", "/v1/inspections:batch", body, "multipart/form-data; boundary=x")

    def series(self) -> set[tuple[str, tuple[tuple[str, str], ...]]]:
        """Name and labels of all that is told to Prometheus."""
        metrics = [metric for registry in self._registries for metric in registry.collect()]
        samples = [sample for metric in metrics for sample in metric.samples if not sample.name.endswith("_created")]
        return {(sample.name, tuple(sorted(sample.labels.items()))) for sample in samples}

    def values(self, metric: str, label: str) -> set[str]:
        """Which values a label has."""
        return {dict(labels)[label] for name, labels in self.series() if name == metric}


@asynccontextmanager
async def metered_app(folder: Path, **settings: Any) -> AsyncIterator[MeteredApp]:
    """The app, with its records kept nowhere."""
    given = GatewaySettings.model_validate({"data_dir": folder, "triton_http_url": "", **ACCESS_OFF, **settings})
    registry, inspections = CollectorRegistry(), CollectorRegistry()
    async with connected_parts(given, registry) as parts:
        observer = PrometheusObserver(inspections, stations=given.stations)
        recipes = RecipeBook(FakeDecider(), ttl_s=60)
        recipes.tell(observer.listed)
        nothing: Any = NoRecords()
        way = Way(FakePreprocessor(), FakeDecider(), recipes, create_admission(given, observer), FakeArchive(), nothing)
        app = create_app(given, replace(parts, inspector=create_inspector(given, way, observer), recipes=recipes))
        yield MeteredApp(app, registry, inspections)
