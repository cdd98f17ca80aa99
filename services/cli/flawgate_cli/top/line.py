"""What the line sees: recipes with their rates and latencies, and what goes wrong."""

from collections.abc import Iterator

from rich.table import Table
from rich.text import Text

from flawgate_cli.top import cells
from flawgate_cli.top.changes import Change, Distribution
from flawgate_cli.top.tables import beyond, table

INSPECTIONS = "flawgate_inspections_total"
DURATION = "flawgate_inspection_duration_seconds"
LATE_S, TOO_LATE_S = 0.5, 1.0
"""The objective: 95 % of inspections are answered within 1 s (docs/operations.md)."""
DRIFT, MUCH_DRIFT = 0.1, 0.25
"""Of the population stability index: below 0.1 nothing has changed, above 0.25 much has."""
EVALUATIONS = ("OK", "NOT_OK", "NOT_DECIDABLE")


def recipes(gateway: Change, decision: Change | None) -> Table:
    """A row for each recipe: frames by the second, shares of evaluations, latency, what waits, golden frame, drift."""
    made = table("recipe", "/s", "OK", "NOT_OK", "N_DEC", "p50", "p95", "p99 ms", "wait", "golden", "drift")
    for recipe in gateway.now.label_values(INSPECTIONS, "recipe"):
        total = gateway.rate(INSPECTIONS, recipe=recipe)
        times = gateway.distribution(DURATION, recipe=recipe)
        waiting = gateway.now.value("flawgate_admission_waiting_frames", recipe=recipe)
        made.add_row(
            recipe,
            cells.rate(total),
            *_shares(gateway, recipe, total),
            *_times(times),
            cells.count(waiting, cells.graded(waiting, warn=1, bad=16)),
            _golden(decision, recipe),
            _drift(gateway, recipe),
        )
    return made


def facts(gateway: Change) -> Iterator[Text]:
    """Short sentences: what is in progress, what fails and why, what is refused, streams, reviews, sinks."""
    now = gateway.now
    yield _fact("in progress", now.value("flawgate_inspections_in_progress"))
    yield _fact("streams open", now.value("flawgate_streams_open"))
    waits = now.value("flawgate_review_queue_size")
    if waits is not None:
        yield _fact("wait for a review", waits)
    yield from _drifted(gateway)
    yield from _failures(gateway)
    yield from _by_label(gateway, "flawgate_admission_rejected_total", "reason", "refused")
    yield from _by_label(gateway, "flawgate_access_refused_total", "reason", "without access")
    yield from _by_label(gateway, "flawgate_gap_frames_total", "cause", "in gaps")
    yield from _by_label(gateway, "flawgate_pictures_failures_total", "operation", "failures of the archive")
    yield from _sinks(gateway)


def _shares(gateway: Change, recipe: str, total: float | None) -> Iterator[Text]:
    for evaluation in EVALUATIONS:
        part = gateway.rate(INSPECTIONS, recipe=recipe, evaluation=evaluation)
        known = part / total if part is not None and total else None
        # How many parts are bad is the factory's affair; that they cannot be decided is ours.
        undecided = evaluation == "NOT_DECIDABLE"
        yield cells.share(known, warn=0.05 if undecided else 2, bad=0.2 if undecided else 2)


def _times(times: Distribution) -> Iterator[Text]:
    for quantile in (0.5, 0.95, 0.99):
        seconds = times.quantile(quantile)
        style = cells.graded(seconds, warn=LATE_S, bad=TOO_LATE_S)
        yield cells.milliseconds(seconds, style, beyond=beyond(times))


def _golden(decision: Change | None, recipe: str) -> Text:
    passed = None if decision is None else decision.now.value("flawgate_golden_check_passed", recipe=recipe)
    if passed is not None:
        return Text("passed", cells.GOOD) if passed else Text("FAILED", cells.BAD)
    ready = None if decision is None else decision.now.value("flawgate_recipe_ready", recipe=recipe)
    return cells.NOTHING if ready is None else Text("none", "dim") if ready else Text("unready", cells.BAD)


def _drift(gateway: Change, recipe: str) -> Text:
    """Of the feature that has moved most."""
    found = [psi for _, psi in gateway.now.of("flawgate_drift_psi", recipe=recipe)]
    if not found:
        return cells.NOTHING
    return Text(f"{max(found):.2f}", cells.graded(max(found), warn=DRIFT, bad=MUCH_DRIFT))


def _drifted(gateway: Change) -> Iterator[Text]:
    for labels, psi in gateway.now.of("flawgate_drift_psi"):
        if psi >= DRIFT:
            style = cells.graded(psi, warn=DRIFT, bad=MUCH_DRIFT)
            yield Text(f"{labels['recipe']}: {labels['feature']} has moved ({psi:.2f})", style)


def _fact(what: str, value: float | None, style: str = "") -> Text:
    return Text.assemble((f"{what} ", "dim"), cells.count(value, style))


def _failures(gateway: Change) -> Iterator[Text]:
    """Red where the service is at fault, yellow where its caller is."""
    name = "flawgate_inspection_failures_total"
    for labels, _ in sorted(gateway.now.of(name), key=lambda each: each[0]["reason"]):
        failing = gateway.rate(name, **labels)
        if failing:
            style = cells.WARN if labels.get("fault") == "client" else cells.BAD
            yield Text.assemble((f"{labels['reason']} ", style), cells.rate(failing, style), ("/s", style))


def _by_label(gateway: Change, name: str, label: str, what: str) -> Iterator[Text]:
    for value in gateway.now.label_values(name, label):
        happening = gateway.rate(name, **{label: value})
        if happening:
            yield Text(f"{what} ({value}) {happening:.1f}/s", cells.WARN)


def _sinks(gateway: Change) -> Iterator[Text]:
    for sink in gateway.now.label_values("flawgate_outbox_pending", "sink"):
        pending = gateway.now.value("flawgate_outbox_pending", sink=sink)
        waits_s = gateway.now.value("flawgate_outbox_oldest_age_seconds", sink=sink)
        style = cells.graded(waits_s, warn=60, bad=300)
        yield Text.assemble((f"sink {sink} ", "dim"), cells.count(pending, style), " wait, ", cells.age(waits_s, style))
    yield from _dead(gateway)


def _dead(gateway: Change) -> Iterator[Text]:
    for sink in gateway.now.label_values("flawgate_sink_deliveries_total", "sink"):
        dead = gateway.now.value("flawgate_sink_deliveries_total", sink=sink, result="dead")
        if dead:
            yield Text(f"sink {sink} gave up {dead:.0f} since its start", cells.BAD)
