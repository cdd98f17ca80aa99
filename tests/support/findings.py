"""What `flawgate doctor` finds, short enough to compare."""

from collections.abc import Iterable

from flawgate_contracts.checkup.findings import Finding, Status


def statuses(findings: Iterable[Finding]) -> list[tuple[Status, str]]:
    """What is found, and of what."""
    return [(finding.status, finding.subject) for finding in findings]
