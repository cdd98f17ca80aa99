"""Which inspections' pictures are kept, and for how long."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from flawgate_gateway.answer import Inspection
from flawgate_gateway.database.moments import to_us

OK = "OK"


@dataclass(frozen=True, slots=True)
class Retention:
    """The rules: pictures of good parts are many and alike, those of all others are evidence."""

    ok_one_in: int
    """Of so many good parts the pictures of one are kept; 0: of none. Of all other parts they all are."""
    ok_days: float
    not_ok_days: float
    not_decidable_days: float

    def samples(self, inspection: Inspection) -> bool:
        """Whether the pictures of an inspection are to be kept: the same answer whenever, and whoever, asks."""
        if inspection.evaluation != OK:
            return True
        return self.ok_one_in > 0 and _share(inspection.inspection_id) % self.ok_one_in == 0

    def keep_until_us(self, inspection: Inspection) -> int:
        """When they may go, in microseconds since 1970."""
        days = {OK: self.ok_days, "NOT_OK": self.not_ok_days, "NOT_DECIDABLE": self.not_decidable_days}
        return to_us(inspection.decided_at + timedelta(days=days[inspection.evaluation]))


def _share(inspection_id: str) -> int:
    """An even draw from 64 bits; the id itself begins with the time."""
    return int.from_bytes(hashlib.sha256(inspection_id.encode()).digest()[:8])
