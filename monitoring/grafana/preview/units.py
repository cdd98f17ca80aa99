"""Values as people read them, near to Grafana's units."""

import math

Scale = tuple[tuple[float, str], ...]

SCALES: dict[str, Scale] = {
    "s": ((86400, " d"), (3600, " h"), (60, " min"), (1, " s"), (1e-3, " ms"), (1e-6, " µs")),
    "bytes": ((1024**3, " GiB"), (1024**2, " MiB"), (1024, " KiB"), (1, " B")),
    "Bps": ((1e9, " GB/s"), (1e6, " MB/s"), (1e3, " kB/s"), (1, " B/s")),
}
SUFFIXES = {"reqps": " req/s", "watt": " W"}


def shown(value: float, unit: str, decimals: int | None = None) -> str:
    """A value with its unit; `decimals` of it, or about three figures."""
    if math.isnan(value):
        return "–"
    if unit == "percentunit":
        return f"{_figures(value * 100, decimals)} %"
    if unit in SCALES and value:
        size, suffix = next((step for step in SCALES[unit] if abs(value) >= step[0]), SCALES[unit][-1])
        return _figures(value / size, decimals) + suffix
    suffix = " " + unit.removeprefix("suffix:") if unit.startswith("suffix:") else SUFFIXES.get(unit, "")
    return _figures(value, decimals) + suffix


def _figures(value: float, decimals: int | None) -> str:
    return f"{value:.{decimals}f}" if decimals is not None else f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
