import os
import signal
import subprocess
import sys
import time

import pytest

from flawgate_cli.stopping import is_noted, noted_signals

SENDER = "import os, signal\nfor _ in range(50_000): os.kill(os.getppid(), signal.SIGTERM)"
STORM = f"""
import subprocess, sys
from flawgate_cli.stopping import is_noted, noted_signals

with noted_signals() as signals:
    sender = subprocess.Popen([sys.executable, "-c", {SENDER!r}])
    while sender.poll() is None:
        is_noted(signals, 0.01)
    assert is_noted(signals, 0)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_wait_and_stays_noted(number: signal.Signals) -> None:
    """Nothing raises where the program happens to be; whoever asks later still hears of it."""
    former = signal.getsignal(number)
    with noted_signals() as signals:
        assert not is_noted(signals, 0)
        os.kill(os.getpid(), number)
        begun = time.monotonic()
        assert is_noted(signals, 30)
        assert time.monotonic() - begun < 10
        assert is_noted(signals, -1)
    assert signal.getsignal(number) is former


def test_signals_never_block_whoever_waits_for_them() -> None:
    """Thousands, while it waits: a lock that the wait and the note both took would be waited for without end."""
    done = subprocess.run([sys.executable, "-c", STORM], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
