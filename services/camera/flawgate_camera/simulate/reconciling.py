"""Whether the gateway has on record what the cameras say."""

import ssl
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import httpx

from flawgate_camera.config.gateway import Gateway
from flawgate_camera.simulate.report import CameraReport
from flawgate_camera.stream.connecting import metadata

TIMEOUT_S = 10.0


class NotAskedError(Exception):
    """The gateway's REST door could not be asked; the message says why."""


def rest_url(gateway: Gateway) -> str:
    """Where the REST door is, unless told otherwise: beside the gRPC one, at the port below."""
    host, _, port = gateway.target.rpartition(":")
    return f"{'https' if gateway.encrypted else 'http'}://{host}:{int(port) - 1}"


def reconcile(reports: Sequence[CameraReport], gateway: Gateway, url: str) -> list[str]:
    """Compare each camera's counts with those on record.

    Args:
        reports: of cameras whose frames are all settled, or not.
        gateway: with the key, and whom one believes.
        url: of the REST door.

    Returns:
        A sentence for each difference; empty where there is none.

    Raises:
        NotAskedError: nobody answers there, or the key may not read.
    """
    verify: ssl.SSLContext | bool = ssl.create_default_context(cafile=gateway.ca_file) if gateway.encrypted else True
    headers = dict(metadata(gateway))
    with httpx.Client(base_url=url, headers=headers, verify=verify, timeout=TIMEOUT_S, trust_env=False) as http:
        return [sentence for report in reports if report.frames for sentence in _differences(report, http)]


def _differences(report: CameraReport, http: httpx.Client) -> list[str]:
    try:
        answer = http.get(f"/v1/streams/{report.stream_id}")
    except httpx.TransportError as err:
        raise NotAskedError(f"no REST door answers at {http.base_url}; name it with --url") from err
    if answer.status_code in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise NotAskedError("the key has no scope `read`")
    if answer.status_code != HTTPStatus.OK:
        return [f"{report.camera}: the gateway at {http.base_url} knows no such stream (status {answer.status_code})"]
    return _compared(report, answer.json())


def _compared(report: CameraReport, facts: dict[str, Any]) -> list[str]:
    pairs = [
        ("frames", report.frames, facts["frames"]),
        ("results", report.results, facts["inspections"]),
        ("dropped", report.dropped, facts["dropped"]),
        ("missing", [], facts["missing"]),
    ]
    return [f"{report.camera}: {what} {here} here, {there} on record" for what, here, there in pairs if here != there]
