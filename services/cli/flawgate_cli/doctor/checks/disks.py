"""Disks that no setting names, such as that of a camera agent's spool."""

from collections.abc import Sequence

from flawgate_cli.doctor.scope import Scope
from flawgate_contracts.checkup.disks import room
from flawgate_contracts.checkup.findings import Check


def checks(scope: Scope) -> Sequence[Check]:
    """Of the folders that the command names."""
    if not scope.folders:
        return ()
    return (Check("disk", "folder", lambda: [room(folder, subject=folder.name) for folder in scope.folders]),)
