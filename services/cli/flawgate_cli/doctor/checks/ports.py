"""Whether each door of the cluster is open, or its port free for it."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from flawgate_cli.doctor.scope import Scope
from flawgate_cli.local_cluster.layout import LOOPBACK
from flawgate_contracts.checkup.findings import Check, Finding, error, ok, warning

MOVE = "Stop it, or move all ports with --port-offset."
AGAIN = (
    "Its log says why (out/cluster/cluster.log after `up --detach`); `flawgate down` and `flawgate up` start it anew."
)


def checks(scope: Scope) -> Sequence[Check]:
    """Of this machine's ports."""
    return (Check("ports", "doors", lambda: look(scope)), Check("settings", "folder", lambda: [folder(scope)]))


def look(scope: Scope) -> Iterator[Finding]:
    """A finding for each door that is not as it should be; one in all where they are."""
    faults = [fault for door, port in scope.doors.items() if (fault := _fault(scope, door, port))]
    yield from faults
    if faults:
        return
    ports = sorted(scope.doors.values())
    which = f"All {len(ports)} ports ({ports[0]} to {ports[-1]})"
    yield ok(f"{which} are held by the cluster." if scope.running else f"{which} are free; the cluster does not run.")


def folder(scope: Scope) -> Finding:
    """Whether relative paths of the running services mean the same here."""
    begun = {each.folder for each in scope.holders.values() if each.folder is not None}
    elsewhere = sorted(map(str, begun - {Path.cwd()}))
    if elsewhere:
        says = f"Services were started in {', '.join(elsewhere)}, and their relative paths are looked for here."
        return warning(says, "Run the doctor there.")
    return ok("Relative paths begin in this folder.")


def _fault(scope: Scope, door: str, port: int) -> Finding | None:
    """What is wrong with a door: another listens there, or nobody does although the cluster runs."""
    holder, wanted = scope.holders.get(port), door.partition("_")[0]
    if holder is None:
        if not scope.running:
            return None
        return error(f"Nobody listens on {LOOPBACK}:{port} ({door}), yet the cluster runs.", AGAIN, subject=door)
    if holder.service == wanted:
        return None
    return error(f"Port {port}, of {door}, is held by {holder.says}.", MOVE, subject=door)
