from datetime import UTC, datetime

import numpy as np
import pytest
from support.gateway_fakes import spot_decided
from support.tiny_repository import spot_recipe

from flawgate_contracts.errors import UnknownInspection
from flawgate_gateway.answer import FrameFacts, Inspection, Links
from flawgate_gateway.frames import Frame
from flawgate_gateway.ports import Evidence
from flawgate_gateway.store import InspectionStore
from flawgate_imaging.geometry import Geometry

MASK = np.zeros((1, 10, 10), np.uint8)


def inspection_of(name: str) -> Inspection:
    """An inspection with that id."""
    decided = spot_decided(spot_recipe())
    return Inspection(
        inspection_id=name,
        recipe="spot",
        recipe_version="1",
        policy_version="1",
        evaluation="NOT_OK",
        score=decided.score,
        threshold=decided.threshold,
        reason=decided.reason,
        class_name=decided.class_name,
        probabilities=decided.probabilities,
        defects=decided.defects,
        frame=FrameFacts(width=10, height=10, sha256=""),
        models=decided.models,
        request_id="r",
        trace_id="t",
        received_at=datetime.now(UTC),
        decided_at=datetime.now(UTC),
        stage_seconds={},
        links=Links(self="", mask="", overlay=""),
    )


def evidence_of(size: int) -> Evidence:
    """A frame and a mask of `size` bytes together."""
    return Evidence(Frame(bytes(size - MASK.nbytes)), spot_recipe(), MASK, Geometry.identity(10, 10))


def kept(store: InspectionStore, *names: str) -> list[str]:
    """Which of them the store still has."""
    found = []
    for name in names:
        try:
            found.append(store.get(name)[0].inspection_id)
        except UnknownInspection:
            continue
    return found


@pytest.mark.parametrize(
    ("max_inspections", "max_bytes", "expected"),
    [(10, 10_000, ["a", "b", "c"]), (2, 10_000, ["b", "c"]), (10, 2_500, ["b", "c"]), (10, 1_999, ["c"])],
)
def test_the_oldest_make_room(max_inspections: int, max_bytes: int, expected: list[str]) -> None:
    """Both bounds hold, whichever is reached first."""
    store = InspectionStore(max_inspections=max_inspections, max_bytes=max_bytes)
    for name in "abc":
        store.put(inspection_of(name), evidence_of(1_000))
    assert kept(store, "a", "b", "c") == expected


def test_what_is_larger_than_the_whole_store_pushes_nothing_out() -> None:
    """One huge frame costs the others nothing, and itself is not kept."""
    store = InspectionStore(max_inspections=10, max_bytes=2_000)
    store.put(inspection_of("before"), evidence_of(1_000))
    store.put(inspection_of("huge"), evidence_of(5_000))
    store.put(inspection_of("after"), evidence_of(1_000))
    assert kept(store, "before", "huge", "after") == ["before", "after"]
