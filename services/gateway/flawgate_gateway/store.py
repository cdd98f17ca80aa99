"""The latest inspections, in memory, within bounds on their number and bytes."""

from collections import OrderedDict

from flawgate_contracts.errors import UnknownInspection
from flawgate_gateway.answer import Inspection
from flawgate_gateway.ports import Evidence


class InspectionStore:
    """Keeps the newest; what no longer fits is dropped, the oldest first."""

    def __init__(self, *, max_inspections: int, max_bytes: int) -> None:
        self._max_inspections = max_inspections
        self._max_bytes = max_bytes
        self._kept: OrderedDict[str, tuple[Inspection, Evidence]] = OrderedDict()
        self._bytes = 0

    def put(self, inspection: Inspection, evidence: Evidence) -> None:
        """Keep an inspection and what its pictures are drawn from, unless that alone is more than all may be."""
        if evidence.nbytes > self._max_bytes:
            return
        self._kept[inspection.inspection_id] = (inspection, evidence)
        self._bytes += evidence.nbytes
        while len(self._kept) > self._max_inspections or self._bytes > self._max_bytes:
            _, (_, dropped) = self._kept.popitem(last=False)
            self._bytes -= dropped.nbytes

    def get(self, inspection_id: str) -> tuple[Inspection, Evidence]:
        """An inspection that is kept.

        Raises:
            UnknownInspection: it never was, or is no longer.
        """
        try:
            return self._kept[inspection_id]
        except KeyError as err:
            raise UnknownInspection(
                f"No inspection {inspection_id[:64]!r} is kept here; only the latest {self._max_inspections} are, "
                "or fewer where their frames are large.",
                {"inspection_id": inspection_id[:64]},
            ) from err
