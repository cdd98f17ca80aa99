"""Which checks there are, and in which order their areas are shown."""

from flawgate_cli.doctor.checks import (
    certificates,
    clocks,
    disks,
    gateway,
    installation,
    metrics,
    models,
    ports,
    triton,
)
from flawgate_cli.doctor.scope import Scope
from flawgate_contracts.checkup.findings import Check

AREAS = (
    *("installation", "settings", "ports", "triton", "models", "database", "disk"),
    *("gateway", "metrics", "certificates", "clocks"),
)
"""What stands on others comes after them: the first error is the one to begin with."""


def own_checks(scope: Scope) -> list[Check]:
    """Those of this package: of a gateway elsewhere only what can be seen from here."""
    areas = [installation.checks(), gateway.checks(scope), metrics.camera_checks(scope), disks.checks(scope)]
    areas += [certificates.checks(scope), clocks.checks(scope)]
    if not scope.elsewhere:
        areas += [ports.checks(scope), triton.checks(scope), models.checks(scope), metrics.checks(scope)]
    return [check for area in areas for check in area]
