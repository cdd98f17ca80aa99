"""Requests made of the OpenAPI document, right ones and wrong ones, by Schemathesis."""

import os
import subprocess
import sys
from pathlib import Path

from support.api_keys import KeyMaker
from support.gateway_cluster import running_gateway
from support.pictures import spot_png

from flawgate_client import Client
from flawgate_gateway.access.caller import Scope
from flawgate_gateway.access.keys import MAX_REQUESTS_PER_S

CONFIG = Path(__file__).with_name("schemathesis.toml")


def test_every_request_is_answered_as_the_document_says(tmp_path: Path) -> None:
    """With a status, a content type, headers and a body that it names; never 500; without a key never at all."""
    with running_gateway(data_dir=tmp_path / "data", access="keys", deadline_s=20) as cluster:
        keys = KeyMaker(f"sqlite:///{tmp_path}/data/records.db")
        key = keys.make(Scope.ADMIN, requests_per_s=MAX_REQUESTS_PER_S)[1].reveal()
        with Client(cluster.url, key) as client:
            inspected = client.inspect(spot_png(255), "spot")
            command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "run"]
            ran = subprocess.run(
                [*command, f"{cluster.url}/openapi.json"],
                env={**os.environ, "FLAWGATE_API_KEY": key, "FLAWGATE_INSPECTION": inspected.inspection_id},
                cwd=tmp_path,
                capture_output=True,
                text=True,
                check=False,
            )
            assert ran.returncode == 0, ran.stdout
            assert client.get(inspected.inspection_id) == inspected, "the key was ended on the way"
