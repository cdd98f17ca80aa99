"""One running tritonserver, as the launcher sees it: started under a guard, waited for, stopped."""

import os
import signal
import time
import traceback
from collections.abc import Callable

from flawgate_triton.endpoint import Endpoint
from flawgate_triton.errors import CrashedAtStartError, LaunchError, TritonEndedError

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
CRASH_EXIT_CODES = [128 + number for number in (signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS)]
"""Exit codes, as the guard gives them, of a program that failed within itself."""

POLL_S = 0.1


class Server:
    """A tritonserver under its guard. The signals to stop are blocked from here on, and fetched one at a time.

    Args:
        run: the guard's work; takes the lifeline (a file descriptor) and returns Triton's exit code.
    """

    def __init__(self, run: Callable[[int], int]) -> None:
        # What was ignored at the start (SIGHUP under nohup) stays ignored: blocked, it would be waited for.
        heeded = {number for number in STOP_SIGNALS if signal.getsignal(number) != signal.SIG_IGN}
        self._awaited = heeded | {signal.SIGCHLD}
        signal.pthread_sigmask(signal.SIG_BLOCK, self._awaited)
        lifeline, self._lifeline = os.pipe()
        self._exit_code: int | None = None
        self._guard = os.fork()
        if self._guard == 0:
            os.close(self._lifeline)
            _run_and_exit(run, lifeline)
        os.close(lifeline)

    def wait_until_ready(self, endpoint: Endpoint, timeout_s: float) -> bool:
        """Waits until the server answers. Returns: False where a signal told the launcher to stop instead.

        Raises:
            CrashedAtStartError: a signal ended the server.
            TritonEndedError: the server ended by itself.
            LaunchError: it is not ready after `timeout_s` seconds.
        """
        deadline = time.monotonic() + timeout_s
        while not endpoint.is_ready():
            try:
                if self._stop_requested(POLL_S):
                    return False
            except TritonEndedError as error:
                if self._exit_code in CRASH_EXIT_CODES:
                    raise CrashedAtStartError(*error.args) from None
                raise
            if time.monotonic() > deadline:
                raise LaunchError(
                    f"Triton was not ready within {timeout_s:g} s: see its log above, or raise --ready-timeout."
                )
        return True

    def wait_until_told_to_stop(self) -> None:
        """Waits for SIGTERM, SIGINT or SIGHUP. Raises `TritonEndedError` where the server ends by itself before."""
        while not self._stop_requested(None):
            pass

    def stop(self) -> None:
        """Lets the guard stop the server, and waits until nothing is left of either."""
        os.close(self._lifeline)
        if self._exit_code is None:
            os.waitpid(self._guard, 0)

    def _stop_requested(self, timeout_s: float | None) -> bool:
        """Waits up to `timeout_s` seconds (None: for ever) for a signal, and says whether it asks to stop."""
        received = self._next_signal(timeout_s)
        pid, status = os.waitpid(self._guard, os.WNOHANG)
        if pid == self._guard:
            self._exit_code = os.waitstatus_to_exitcode(status)
            raise TritonEndedError(f"Triton ended by itself with exit code {self._exit_code}: see its log above.")
        return received in STOP_SIGNALS

    def _next_signal(self, timeout_s: float | None) -> int | None:
        if timeout_s is None:
            return signal.sigwait(self._awaited)
        received = signal.sigtimedwait(self._awaited, timeout_s)
        return None if received is None else received.si_signo


def _run_and_exit(run: Callable[[int], int], lifeline: int) -> None:
    """Ends this process with what `run` returns, without going back into the launcher's code."""
    code = 1
    try:
        os.setsid()
        code = run(lifeline)
    except Exception:  # noqa: BLE001 - nobody above could show it
        traceback.print_exc()
    finally:
        os._exit(code)
