"""A connection to the gateway, and what it shows there. Files are read anew each time: a new key needs no restart."""

from pathlib import Path

import grpc

from flawgate_camera.config.gateway import Gateway
from flawgate_contracts.errors import DependencyUnavailable, FlawgateError, PermissionDenied, Unauthenticated
from flawgate_contracts.grpc_errors import from_rpc_error

KEEPALIVE_TIMEOUT_MS = 10_000
GATEWAY = "gateway"


def open_channel(gateway: Gateway, keepalive_s: float) -> grpc.aio.Channel:
    """A channel with a connection of its own: a camera that sends much does not hold the others up.

    Args:
        gateway: where it is, and whom one believes.
        keepalive_s: a silent connection is tried after so many seconds.

    Raises:
        Unauthenticated: a file cannot be read.
    """
    options: list[tuple[str, int | str]] = [
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.keepalive_time_ms", round(keepalive_s * 1000)),
        ("grpc.keepalive_timeout_ms", KEEPALIVE_TIMEOUT_MS),
        ("grpc.http2.ping_timeout_ms", KEEPALIVE_TIMEOUT_MS),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.enable_retries", 0),
    ]
    if not gateway.encrypted:
        return grpc.aio.insecure_channel(gateway.target, options)
    if gateway.tls_name is not None:
        options.append(("grpc.ssl_target_name_override", gateway.tls_name))
    credentials = grpc.ssl_channel_credentials(
        _content(gateway.ca_file), _content(gateway.private_key_file), _content(gateway.certificate_file)
    )
    return grpc.aio.secure_channel(gateway.target, credentials, options)


def metadata(gateway: Gateway) -> tuple[tuple[str, str], ...]:
    """What a call shows: the API key, where there is a file of one.

    Raises:
        Unauthenticated: the file cannot be read, or has no key.
    """
    content = _content(gateway.key_file)
    if content is None:
        return ()
    lines = content.decode(errors="replace").splitlines()
    key = lines[0].strip() if lines else ""
    if not key.isascii() or not key.isprintable() or not key:
        raise Unauthenticated(
            f"The first line of {gateway.key_file} is no API key; write one of scope `inspect` there."
        )
    return (("authorization", f"Bearer {key}"),)


def why_ended(raised: grpc.aio.AioRpcError, gateway: Gateway) -> FlawgateError:
    """What a call ended with; where nothing answers, or the key is refused, what to look at."""
    error = from_rpc_error(raised, service=GATEWAY)
    if isinstance(error, Unauthenticated | PermissionDenied):
        shown = "no key file is set" if gateway.key_file is None else f"it is the first line of {gateway.key_file}"
        return type(error)(f"{error.message.rstrip('.')} ({shown}).", error.metadata)
    # One that the gateway itself sends names the service behind it.
    if isinstance(error, DependencyUnavailable) and error.metadata.get("service") == GATEWAY:
        return _away(gateway, error)
    return error


def _away(gateway: Gateway, error: FlawgateError) -> DependencyUnavailable:
    wanted = "TLS, as it is set here" if gateway.encrypted else "no TLS, as none is set here"
    return DependencyUnavailable(
        f"No gateway answers at {gateway.target}; check that it runs, that this is its gRPC door (8081, not REST's "
        f"8080), that no firewall lies between, and that it speaks {wanted}.",
        error.metadata,
    )


def _content(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        return path.read_bytes()
    except OSError as err:
        raise Unauthenticated(
            f"{path} cannot be read ({err.strerror or err}); make it readable for the agent."
        ) from err
