"""What `flawgate top` does, once its options are read."""

import time
from collections.abc import Sequence

from rich.console import Console
from rich.live import Live

from flawgate_cli.local_cluster.layout import Ports
from flawgate_cli.scraping import Samples
from flawgate_cli.top.keyboard import watched_keys
from flawgate_cli.top.polling import Look, Poller, urls
from flawgate_cli.top.view import view

EXIT_NOBODY = 1
HINT = "q ends"


def watch(host: str, port_offset: int, cameras: Sequence[str], *, interval_s: float, once: bool) -> int:
    """Show the cluster until q, Ctrl-C or SIGTERM, or once.

    Returns:
        The exit status: 1 where no service answered the last look.

    Raises:
        InvalidParameter: the port offset leads to no ports.
    """
    asked = urls(host, Ports().shifted(port_offset), cameras)
    console = Console(highlight=False)
    where = f"{host}, ports +{port_offset}" if port_offset else host
    poller = Poller(asked)
    try:
        if once or not console.is_terminal:
            last = _print_once(console, poller, interval_s, where)
        else:
            last = _show(console, poller, interval_s, where)
    finally:
        poller.close()
    return 0 if any(isinstance(each, Samples) for each in last.services.values()) else EXIT_NOBODY


def _print_once(console: Console, poller: Poller, interval_s: float, where: str) -> Look:
    before = poller.look()
    time.sleep(interval_s)
    now = poller.look()
    console.print(view(before, now, where=where))
    return now


def _show(console: Console, poller: Poller, interval_s: float, where: str) -> Look:
    before, now = None, poller.look()
    with (
        watched_keys() as ended,
        Live(console=console, screen=True, auto_refresh=False, vertical_overflow="ellipsis") as live,
    ):
        while True:
            live.update(view(before, now, where=where, hint=HINT), refresh=True)
            if ended(interval_s):
                break
            # Two looks are all that is ever kept.
            before, now = now, poller.look()
    return now
