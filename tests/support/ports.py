"""Free ports of this machine."""

import socket


def free_port() -> int:
    """A TCP port of loopback on which nobody listened a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
