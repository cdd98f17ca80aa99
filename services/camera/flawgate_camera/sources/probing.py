"""Why a network camera's stream could not be opened: OpenCV says no more than that it could not."""

import socket
import ssl
from urllib.parse import urlsplit

import httpx

from flawgate_camera.config.urls import Credentials, SecretUrl
from flawgate_camera.sources.base import Cause, SourceFailed

_PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}
_HTTP_OK, _UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND = 200, 401, 403, 404


def why(url: SecretUrl, credentials: Credentials | None, timeout_s: float) -> SourceFailed:
    """Ask the camera once more, in its own protocol.

    Args:
        url: of the stream.
        credentials: those that were tried.
        timeout_s: longest that this may take, in seconds, for each step.

    Returns:
        What to raise: without credentials.
    """
    try:
        with socket.create_connection((url.host, url.port or _PORTS[url.scheme]), timeout_s) as connection:
            status = _rtsp_status(connection, url) if url.scheme.startswith("rtsp") else None
        if url.scheme in ("http", "https"):
            status = _http_status(url, credentials, timeout_s)
    except (OSError, httpx.HTTPError, httpx.InvalidURL) as err:
        return SourceFailed(
            Cause.UNREACHABLE,
            f"Nothing answers at {url} ({_plain(err)}); check the address, the cable and whether the camera is on.",
        )
    return _from_status(url, status, given=credentials is not None)


def _from_status(url: SecretUrl, status: int | None, *, given: bool) -> SourceFailed:
    if status in (_UNAUTHORIZED, _FORBIDDEN):
        says = "does not take the user and password given" if given else "asks for a user and a password"
        return SourceFailed(
            Cause.CREDENTIALS, f"The camera at {url} {says}; write `user:password` into a credentials_file."
        )
    if status == _NOT_FOUND:
        return SourceFailed(
            Cause.MISSING, f"The camera at {url} has no stream of that path; its manual names the right one."
        )
    if status not in (_HTTP_OK, None):
        return SourceFailed(
            Cause.UNREACHABLE, f"The camera at {url} answers with status {status}; look at its own page."
        )
    return SourceFailed(
        Cause.NOT_A_PICTURE, f"{url} answers, but gives no video that can be read; choose H.264 or MJPEG at the camera."
    )


def _rtsp_status(connection: socket.socket, url: SecretUrl) -> int | None:
    """RFC 2326, section 10.2: DESCRIBE without credentials, which a camera that wants some answers with 401."""
    if url.scheme == "rtsps":
        connection = _trusting().wrap_socket(connection, server_hostname=url.host)
    request = f"DESCRIBE {url.bare()} RTSP/1.0\r\nCSeq: 1\r\nAccept: application/sdp\r\n\r\n"
    connection.sendall(request.encode())
    words = connection.recv(256).split(maxsplit=2)
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else None


def _http_status(url: SecretUrl, credentials: Credentials | None, timeout_s: float) -> int:
    """Of the stream's first bytes, by Basic or else Digest authentication, as the camera wants it."""
    target = urlsplit(url.bare()).geturl()
    ways: list[httpx.Auth | None] = [None]
    if credentials is not None:
        ways = [kind(credentials.user, credentials.password) for kind in (httpx.BasicAuth, httpx.DigestAuth)]
    status = _UNAUTHORIZED
    with httpx.Client(timeout=timeout_s, trust_env=False, verify=_trusting()) as client:
        for way in ways:
            with client.stream("GET", target, auth=way) as response:
                status = response.status_code
            if status != _UNAUTHORIZED:
                break
    return status


def _trusting() -> ssl.SSLContext:
    """Takes any certificate, as FFmpeg does: cameras sign for themselves."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _plain(err: Exception) -> str:
    """The system's words alone: a library's may hold the URL."""
    if isinstance(err, TimeoutError | httpx.TimeoutException):
        return "timed out"
    return (err.strerror or "no connection") if isinstance(err, OSError) else "no connection"
