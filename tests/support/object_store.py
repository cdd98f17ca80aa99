"""An S3 on this machine: moto's server, in a process of its own."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import httpx
import pytest

from support.ports import free_port

START_TIMEOUT_S = 60.0
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}
"""What a client reads from its environment; the server takes any."""


class S3Server:
    """A server whose buckets are gone with it."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.environment = {**CREDENTIALS, "AWS_ENDPOINT_URL": self.url}

    def new_bucket(self) -> str:
        """The name of an empty bucket."""
        name = f"pictures-{uuid4().hex}"
        httpx.put(f"{self.url}/{name}", trust_env=False).raise_for_status()
        return name

    def delete_bucket(self, url: str) -> None:
        """Delete the empty bucket of a URL, `s3://bucket/prefix`."""
        httpx.delete(f"{self.url}/{url.split('/')[2]}", trust_env=False).raise_for_status()


def empty_place(server: S3Server, monkeypatch: pytest.MonkeyPatch, folder: str) -> str:
    """The URL of a folder in a bucket of its own, which clients of this process find."""
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return f"s3://{server.new_bucket()}/{folder}"


@contextmanager
def s3_server() -> Iterator[S3Server]:
    """A running server."""
    server = S3Server(port := free_port())
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, env={**os.environ}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _await(server)
        yield server
    finally:
        process.kill()
        process.wait()


def _await(server: S3Server) -> None:
    end = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            httpx.get(server.url, trust_env=False, timeout=1)
        except httpx.HTTPError:
            assert time.monotonic() < end, "moto's server does not answer"
            time.sleep(0.1)
        else:
            return
