"""What one frame costs, of each recipe: as measured here (`measured.py`), or assumed, and then marked so."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

RUN = Path("out/bench/scaling.json")
"""What `measured.py` writes."""
MEASURED = Path("docs/scaling/measured.json")
"""The run whose figures stand on the page."""

GPU_PEAK_FLOPS = 13.4e12
"""Assumed: an RTX 2080 Ti, fp32: 68 multiprocessors × 64 units × 2 operations × 1.545 GHz. Nothing was run on one."""
GPU_SHARE = 0.10
"""Assumed: what of that peak a network of depthwise convolutions reaches; half and twice of it are shown as well."""
GMAC = {"commutator": 2.43}
"""Of one frame, in 10⁹ (counted; MODELS 1d). A recipe that is not here stays on the CPU."""


@dataclass(frozen=True, slots=True)
class RecipeCosts:
    """One frame of one recipe."""

    name: str
    core_ms: Mapping[str, float]
    """Service → core-milliseconds, with the cores full."""
    bytes: Mapping[str, float]
    """Of the encoded `frame`, the uint8 `tensor`, the mask as the model gives it and as decision does (`model_mask`,
    `mask`), the record's `document`, and what the archive has `stored`."""

    def gpu_ms(self, share: float = GPU_SHARE) -> float | None:
        """Milliseconds of a GPU that reaches `share` (0 to 1) of its peak; None where the models stay on the CPU."""
        return 1e3 * 2e9 * GMAC[self.name] / (GPU_PEAK_FLOPS * share) if self.name in GMAC else None

    def hops(self) -> dict[str, float]:
        """Way → bytes."""
        size = self.bytes
        return {
            "camera → gateway": size["frame"],
            "gateway → preprocessing": size["frame"],
            "preprocessing → gateway": size["tensor"],
            "gateway → decision": size["tensor"],
            "decision → Triton": size["tensor"],
            "Triton → decision": size["model_mask"],
            "decision → gateway": size["mask"],
            "gateway → archive": size["stored"],
            "gateway → database": size["document"],
        }


@dataclass(frozen=True, slots=True)
class DatabaseCosts:
    """One record in PostgreSQL: its key, record, pictures, event."""

    core_ms: float
    """Core-milliseconds of the server."""
    kept_bytes: float
    """That stay: the record and what is kept of its pictures, with indexes."""
    passing_bytes: float
    """That go again: the key after a day, the event after a month."""


@dataclass(frozen=True, slots=True)
class Costs:
    """All of them."""

    recipes: Mapping[str, RecipeCosts]
    database: DatabaseCosts

    @classmethod
    def of(cls, measured: Mapping[str, Any]) -> Self:
        """Those of a run."""
        recipes = {
            name: RecipeCosts(name, {service: 1e3 * s for service, s in told["work_s"].items()}, told["bytes"])
            for name, told in measured["recipes"].items()
        }
        return cls(recipes, DatabaseCosts(**measured["database"]))


def read_measured(path: Path = MEASURED) -> dict[str, Any]:
    """The run whose figures stand in docs/scaling.md."""
    document: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return document
