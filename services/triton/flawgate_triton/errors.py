"""The launcher's errors. This package stands apart from the workspace, hence from `flawgate_contracts.errors`."""

from typing import ClassVar


class LaunchError(Exception):
    """Triton cannot be started, or did not come up. Its text is one sentence: what is wrong and what to do."""

    exit_code: ClassVar[int] = 2


class TritonEndedError(LaunchError):
    """Triton ran, and ended without being told to."""

    exit_code = 1


class CrashedAtStartError(TritonEndedError):
    """A signal that nobody sent on purpose ended Triton before it was ready."""
