"""A client that a generator makes of the OpenAPI document, used as an integrator would use it."""

import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO
from types import ModuleType
from typing import Any

import pytest
from support.api_keys import KeyMaker
from support.gateway_cluster import running_gateway
from support.pictures import spot_png

from flawgate_gateway.access.caller import Scope
from flawgate_gateway.rest.upload import PICTURES, RAW_PIXELS

BYTES = (*PICTURES, "application/x-tar", "application/schema+json")
CONFIG = {"content_type_overrides": dict.fromkeys(BYTES, RAW_PIXELS), "post_hooks": []}
"""The generator reads bytes where it is told that they are."""


class Generated:
    """The generated package, and its client of a running gateway."""

    def __init__(self, url: str, key: str) -> None:
        self.client = self.module("client").AuthenticatedClient(base_url=url, token=key)

    def module(self, name: str) -> ModuleType:
        """One of its modules."""
        return importlib.import_module(f"generated_mes.{name}")

    def ask(self, operation: str, *arguments: str, **options: Any) -> Any:
        """Call an operation, `tag.operation_id`; gives what its answer was parsed to."""
        return self.module(f"api.{operation}").sync(*arguments, client=self.client, **options)


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Generated]:
    """Made of the document that a gateway serves, which asks for keys."""
    folder = tmp_path_factory.mktemp("generated")
    (folder / "config.json").write_text(json.dumps(CONFIG), "utf-8")
    with running_gateway(data_dir=folder / "data", access="keys") as cluster, pytest.MonkeyPatch.context() as patch:
        with cluster.client() as client:
            (folder / "openapi.json").write_bytes(client.get("/openapi.json").content)
        options = ("--path", "openapi.json", "--output-path", "generated_mes", "--meta", "none", "--fail-on-warning")
        subprocess.run(
            [sys.executable, "-m", "openapi_python_client", "generate", *options, "--config", "config.json"],
            cwd=folder,
            check=True,
        )
        patch.syspath_prepend(folder)
        text = KeyMaker(f"sqlite:///{folder}/data/records.db").make(Scope.INSPECT, Scope.READ)[1]
        made = Generated(cluster.url, text.reveal())
        with made.client:
            yield made


def test_it_inspects_finds_and_fetches(generated: Generated) -> None:
    """Without a line of HTTP by hand: the frame in, the inspection out, found again by its part, its overlay."""
    types, models = generated.module("types"), generated.module("models")
    picture = types.File(payload=BytesIO(spot_png(255)), file_name="part.png", mime_type="image/png")
    body = models.InspectFilesBody(file=picture, recipe="spot", part="SN-7")
    inspected = generated.ask("inspections.inspect", body=body, idempotency_key='"gen-1"')
    assert (inspected.evaluation, inspected.part, inspected.defects[0].class_) == ("NOT_OK", "SN-7", "spot")
    found = generated.ask("inspections.list_records", part="SN-7")
    assert [inspection.to_dict() for inspection in found.inspections] == [inspected.to_dict()]
    again = generated.ask("inspections.get_inspection", inspected.inspection_id)
    assert again == inspected
    overlay = generated.ask("pictures.get_overlay", inspected.inspection_id)
    assert overlay.payload.read().startswith(b"\x89PNG")


def test_it_knows_a_problem(generated: Generated) -> None:
    """An error is typed like any other answer."""
    problem = generated.ask("inspections.get_inspection", "01939c1e-7b1a-7c43-9d5e-3f1c2a9b8e10")
    assert (problem.code, problem.retryable) == ("UNKNOWN_INSPECTION", False)
