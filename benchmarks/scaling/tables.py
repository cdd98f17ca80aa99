"""The tables of docs/scaling.md, from the figures of one run."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from scaling.bounds import Bound, plant_bounds
from scaling.capacity import Line, Needs, needs
from scaling.costs import GPU_SHARE, Costs, RecipeCosts
from scaling.markdown import amount, in_bytes, table

STEPS = (1, 10, 100, 1_000)
LARGE, SMALL = "commutator", "leather"
LINE = Line()
BENCH, RECORDS = "`make bench-scaling`", "`make bench-scaling`, PostgreSQL"

Measured = Mapping[str, Any]


def costs(measured: Measured) -> str:
    """What one frame costs."""
    of = Costs.of(measured)
    large, small = of.recipes[LARGE], of.recipes[SMALL]
    services = ("gateway", "preprocessing", "decision", "triton")
    rows = [
        [f"{service}{' (CPU)' if service == 'triton' else ''}, core-ms"]
        + [amount(recipe.core_ms[service]) for recipe in (large, small)]
        + [BENCH]
        for service in services
    ]
    rows += [
        [name, in_bytes(large.bytes[key]), in_bytes(small.bytes[key]), BENCH]
        for name, key in (("encoded frame", "frame"), ("archived: frame and mask", "stored"), ("record", "document"))
    ]
    rows += [
        [
            "uint8 tensor, on each of three hops",
            in_bytes(large.bytes["tensor"]),
            in_bytes(small.bytes["tensor"]),
            "the recipe’s input",
        ],
        ["mask: Triton → decision → gateway", *(_mask(recipe) for recipe in (large, small)), "the model’s output"],
        ["PostgreSQL, core-ms", *[amount(of.database.core_ms)] * 2, RECORDS],
        ["rows that stay, with indexes", *[in_bytes(of.database.kept_bytes)] * 2, RECORDS],
        ["rows that go (key: a day, event: a month)", *[in_bytes(of.database.passing_bytes)] * 2, RECORDS],
        ["GPU, ms", _gpu(large), "on the CPU", "**assumed**, see below"],
    ]
    return table(("one frame", LARGE, SMALL, "source"), rows)


def check(measured: Measured) -> str:
    """Measured beside predicted."""
    rows = [
        [
            {"poisson": "by chance (Poisson)", "takt": "at an even takt"}[level["arrivals"]],
            f"{level['share']:.0%}",
            f"{level['frames_per_s']:.1f}",
            f"{level['answered']} of {level['frames']}",
            f"{level['measured_ms']['p50']:.0f}",
            f"{level['predicted_ms']['p50']:.0f}",
            f"{level['measured_ms']['p95']:.0f}",
            _with_range(level["predicted_ms"]),
            f"{level['p95_off']:+.0%}",
            amount(level["others_cores"]),
        ]
        for level in measured["levels"]
    ]
    headings = ("frames come", "load", "frames/s", "answered", "p50 ms", "predicted")
    return table((*headings, "p95 ms", "predicted (range of runs)", "off", "cores of others"), rows)


def prices(measured: Measured) -> str:
    """What work costs beside other frames."""
    found = measured["calibration"]["prices"]
    headings = [f"{at_once}" for at_once in range(1, len(found))]
    row = ["a core-second costs, core-seconds", *(f"{price:.2f}" for price in found)]
    return table(("frames in the cluster", *headings, f"{len(found)} or more"), [row])


def large_needs(measured: Measured) -> str:
    """Of the large recipe, on GPUs."""
    of = Costs.of(measured)
    return _needs(of, of.recipes[LARGE], gpu=True)


def small_needs(measured: Measured) -> str:
    """Of the small one, on cores."""
    of = Costs.of(measured)
    return _needs(of, of.recipes[SMALL], gpu=False)


def breaks(measured: Measured) -> str:
    """What is full first, in the overlay `plant` as it stands."""
    rows = [
        [bound.what, _lines(bound), amount(bound.frames_per_s), bound.carried_by, "yes" if bound.exists else "**no**"]
        for bound in _bounds(measured)
    ]
    return table(("full first", "at lines", "frames/s", "what carries it", "exists"), rows)


def exceeded(measured: Measured) -> str:
    """What of that is too small, at each step."""
    bounds = _bounds(measured)
    rows = [
        [f"{lines:,}", "; ".join(bound.what for bound in bounds if bound.lines(LINE) < lines) or "nothing"]
        for lines in STEPS
    ]
    return table(("lines", "too small in `plant` as it stands"), rows)


BLOCKS: Mapping[str, Callable[[Measured], str]] = {
    "costs": costs,
    "prices": prices,
    "check": check,
    "needs of commutator": large_needs,
    "needs of leather": small_needs,
    "breaks": breaks,
    "exceeded": exceeded,
}
"""Name of a block in the page → what stands in it."""


def _bounds(measured: Measured) -> Sequence[Bound]:
    of = Costs.of(measured)
    large = of.recipes[LARGE]
    gpu_ms = large.gpu_ms()
    if gpu_ms is None:
        raise ValueError(f"The recipe {LARGE} has no GMAC; count them, and add them to GMAC in scaling/costs.py.")
    return plant_bounds(LINE, large, of, gpu_ms)


def _needs(of: Costs, recipe: RecipeCosts, *, gpu: bool) -> str:
    steps = [needs(lines, LINE, recipe, of, gpu_ms=recipe.gpu_ms() if gpu else None) for lines in STEPS]
    rows = [[name, *map(told, steps)] for name, told in _ROWS]
    models = ["GPUs", *(_gpus(recipe, step, of) for step in steps)] if gpu else ["cores of Triton", *_cores(steps)]
    rows.insert(4, models)
    return table(("lines", *(f"{lines:,}" for lines in STEPS)), rows)


_ROWS: Sequence[tuple[str, Callable[[Needs], str]]] = (
    ("frames/s", lambda step: amount(step.frames_per_s)),
    ("gateways", lambda step: f"{step.gateways:,}"),
    ("preprocessings (2 cores each)", lambda step: f"{step.preprocessings:,}"),
    ("decisions", lambda step: f"{step.decisions:,}"),
    ("cores of PostgreSQL", lambda step: f"{step.database_cores:,}"),
    ("from the cameras, Gbit/s", lambda step: amount(step.ingress_gbit_s)),
    ("between the services, Gbit/s", lambda step: amount(step.inside_gbit_s)),
    ("transactions/s, and events/s of a sink", lambda step: amount(step.frames_per_s)),
    ("records a year, million", lambda step: amount(step.rows_a_year / 1e6)),
    ("records a year, with indexes", lambda step: in_bytes(step.database_bytes_a_year)),
    ("archive, standing", lambda step: in_bytes(step.archive_bytes)),
)


def _cores(steps: Sequence[Needs]) -> list[str]:
    return [f"{step.triton_cores:,}" for step in steps]


def _gpus(recipe: RecipeCosts, step: Needs, of: Costs) -> str:
    """With twice and half of the assumed share of its peak, and with that."""
    shares = (2 * GPU_SHARE, GPU_SHARE / 2)
    few, many = (needs(step.lines, LINE, recipe, of, gpu_ms=recipe.gpu_ms(share)).gpus for share in shares)
    return f"{step.gpus}" if few == many else f"{step.gpus} ({few} to {many})"


def _gpu(recipe: RecipeCosts) -> str:
    told = [recipe.gpu_ms(share) for share in (GPU_SHARE, 2 * GPU_SHARE, GPU_SHARE / 2)]
    middle, least, most = (amount(ms) for ms in told if ms is not None)
    return f"{middle} ({least} to {most})"


def _with_range(told: Mapping[str, float]) -> str:
    return f"{told['p95']:.0f} ({told['p95_least']:.0f}–{told['p95_most']:.0f})"


def _mask(recipe: RecipeCosts) -> str:
    sizes = (recipe.bytes["model_mask"], recipe.bytes["mask"])
    return " → ".join(map(in_bytes, sizes)) if all(sizes) else "–"


def _lines(bound: Bound) -> str:
    lines = bound.lines(LINE)
    return f"{lines:,}" if lines else amount(bound.frames_per_s / LINE.frames_per_s)
