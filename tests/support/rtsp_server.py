# mypy: ignore-errors
"""An RTSP camera of GStreamer's: H.264, with or without a password.

Run by the system's own Python, to which GStreamer's bindings (without types) belong, in a process of its own:

python3 rtsp_server.py PORT [basic|digest USER PASSWORD]
"""

import sys
from typing import Any

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402  # only once their versions are chosen

PIPELINE = (
    "( videotestsrc is-live=true pattern=smpte ! video/x-raw,width=640,height=480,framerate=10/1 "
    "! x264enc tune=zerolatency key-int-max=10 ! rtph264pay name=pay0 pt=96 )"
)
ROLE = "technician"


def lock(server: Any, factory: Any, method: str, user: str, password: str) -> None:
    """Ask for a password."""
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", ROLE)
    auth = GstRtspServer.RTSPAuth()
    auth.set_supported_methods(getattr(GstRtsp.RTSPAuthMethod, method.upper()))
    if method == "basic":
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(user, password), token)
    else:
        auth.add_digest(user, password, token)
    server.set_auth(auth)
    permissions = GstRtspServer.RTSPPermissions()
    for right in ("access", "construct"):
        permissions.add_permission_for_role(ROLE, f"media.factory.{right}", True)  # noqa: FBT003  # its one signature
    factory.set_permissions(permissions)


def main(port: str, *access: str) -> None:
    """Serve `rtsp://127.0.0.1:PORT/stream` until killed; says `up` first."""
    Gst.init(None)
    server, factory = GstRtspServer.RTSPServer(), GstRtspServer.RTSPMediaFactory()
    server.set_address("127.0.0.1")
    server.set_service(port)
    factory.set_launch(PIPELINE)
    factory.set_shared(True)
    if access:
        lock(server, factory, *access)
    server.get_mount_points().add_factory("/stream", factory)
    if server.attach(None):
        sys.stdout.write("up\n")
        sys.stdout.flush()
        GLib.MainLoop().run()


if __name__ == "__main__":
    main(*sys.argv[1:])
