"""The model on paper: so many lines, so many frames a second, so much of everything."""

import math
from dataclasses import dataclass

from scaling.costs import Costs, RecipeCosts

UTILISATION = 0.7
"""Of cores and GPUs, at most: where the autoscalers aim (k8s/components/hpa), and where p95 has not left the ground."""
GATEWAY_CORES, DECISION_CORES = 1.0, 1.0
"""Cores that one gateway, one decision can use: each is one process of Python with one event loop. Measured: a gateway
carried 200 frames/s of 4.2 core-ms each, 0.84 cores, and no more (benchmarks/stream.py)."""
PREPROCESSING_CORES = 2.0
"""Of one preprocessing: its limit in k8s/base."""
DAYS_A_YEAR = 365.0


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a plant. All of it is assumed: put yours."""

    cameras: int = 4
    takt_s: float = 1.0
    """From part to part."""
    frames_a_part: int = 1
    """Of each camera."""
    hours_a_year: float = 6_000.0
    """Three shifts on five days."""
    judged_bad: float = 0.025
    """Share of NOT_OK and NOT_DECIDABLE, 0 to 1."""
    keep_ok_days: float = 30.0
    """`GATEWAY_KEEP_OK_DAYS`."""
    keep_bad_days: float = 365.0
    """`GATEWAY_KEEP_NOT_OK_DAYS`, and the same of NOT_DECIDABLE."""
    keep_ok_one_in: int = 1
    """`GATEWAY_KEEP_OK_ONE_IN`."""

    @property
    def frames_per_s(self) -> float:
        """While it runs."""
        return self.cameras * self.frames_a_part / self.takt_s

    @property
    def frames_a_year(self) -> float:
        """Of all its hours."""
        return self.frames_per_s * 3_600 * self.hours_a_year


@dataclass(frozen=True, slots=True)
class Needs:
    """What so many lines take, while all of them run."""

    lines: int
    frames_per_s: float
    gateways: int
    preprocessings: int
    decisions: int
    triton_cores: int
    """0 where there are GPUs."""
    gpus: int
    database_cores: int
    ingress_gbit_s: float
    """From the cameras."""
    inside_gbit_s: float
    """Between the services, and to archive and database."""
    rows_a_year: float
    """Inspections."""
    database_bytes_a_year: float
    """That stay."""
    archive_bytes: float
    """Once the longest keeping has passed: what stands at once."""


def needs(lines: int, line: Line, recipe: RecipeCosts, costs: Costs, *, gpu_ms: float | None) -> Needs:
    """What it takes.

    Args:
        lines: all alike.
        line: one of them.
        recipe: by which all frames are inspected.
        costs: of the database.
        gpu_ms: milliseconds of a GPU for each frame; None: the models run on cores.
    """
    rate, hops = lines * line.frames_per_s, recipe.hops()
    a_year = lines * line.frames_a_year
    at_the_door = hops["camera → gateway"]
    return Needs(
        lines=lines,
        frames_per_s=rate,
        gateways=_units(rate, recipe.core_ms["gateway"], GATEWAY_CORES),
        preprocessings=_units(rate, recipe.core_ms["preprocessing"], PREPROCESSING_CORES),
        decisions=_units(rate, recipe.core_ms["decision"], DECISION_CORES),
        triton_cores=0 if gpu_ms is not None else _units(rate, recipe.core_ms["triton"], 1.0),
        gpus=0 if gpu_ms is None else _units(rate, gpu_ms, 1.0),
        database_cores=_units(rate, costs.database.core_ms, 1.0),
        ingress_gbit_s=rate * at_the_door * 8 / 1e9,
        inside_gbit_s=rate * (sum(hops.values()) - at_the_door) * 8 / 1e9,
        rows_a_year=a_year,
        database_bytes_a_year=a_year * costs.database.kept_bytes,
        archive_bytes=a_year / DAYS_A_YEAR * kept_days(line) * recipe.bytes["stored"],
    )


def kept_days(line: Line) -> float:
    """Days for which the pictures of a part are kept, on average."""
    kept_ok = 0.0 if line.keep_ok_one_in == 0 else line.keep_ok_days / line.keep_ok_one_in
    return (1 - line.judged_bad) * kept_ok + line.judged_bad * line.keep_bad_days


def _units(rate: float, ms: float, each: float) -> int:
    """Of `each` cores (or a GPU), none busier than it should be."""
    return max(1, math.ceil(rate * ms / 1e3 / UTILISATION / each))
