"""What the SRE sees: services, stages, Triton's models, cameras."""

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping

from rich.table import Table
from rich.text import Text

from flawgate_cli.scraping import Samples
from flawgate_cli.top import cells
from flawgate_cli.top.changes import START, Change
from flawgate_cli.top.tables import beyond, table

STAGE = "flawgate_stage_duration_seconds"
STAGES = ("wait", "preprocess", "decode", "steps", "decide", "infer", "policy", "archive", "record")
"""In the order of a frame's way."""
WITHIN = {"decode": "preprocess", "steps": "preprocess", "infer": "decide", "policy": "decide"}
"""The stage that contains another: what is left of it is the hop, and the wait for a thread."""
SUCCESS = "nv_inference_request_success"
QUEUED_S, QUEUED_LONG_S = 0.05, 0.25


def services(found: Mapping[str, Change | str]) -> Table:
    """A row for each service: does it answer, for how long has it run, what does it take."""
    made = table("service", "state", "up for", "CPU", "MiB", "files", "version")
    for name, change in found.items():
        if isinstance(change, str):
            made.add_row(name, Text(f"DOWN: {change}", cells.BAD), *[cells.NOTHING] * 5)
        else:
            made.add_row(name, *_service(name, change))
    return made


def stages(found: Iterable[tuple[str, Change]]) -> Table:
    """A row for each stage; bold is the one in which most time goes, that of the stages within it taken off."""
    made = table("stage", "of", "/s", "p50", "p95", "p99 ms", "busy", title="Stages")
    rows = [
        (stage, name, change) for name, change in found for stage in change.now.label_values(f"{STAGE}_count", "stage")
    ]
    known = {stage: number for number, stage in enumerate(STAGES)}
    busy = {(stage, name): change.rate(f"{STAGE}_sum", stage=stage) for stage, name, change in rows}
    slowest = _slowest(busy)
    for stage, name, change in sorted(rows, key=lambda row: known.get(row[0], len(known))):
        times = change.distribution(STAGE, stage=stage)
        quantiles = (cells.milliseconds(times.quantile(share), beyond=beyond(times)) for share in (0.5, 0.95, 0.99))
        rate = cells.rate(change.rate(f"{STAGE}_count", stage=stage))
        style = "bold" if stage == slowest else ""
        made.add_row(stage, name, rate, *quantiles, cells.busy(busy[stage, name]), style=style)
    return made


def _slowest(busy: Mapping[tuple[str, str], float | None]) -> str | None:
    """The stage with the most time of its own; None where nothing passes any."""
    own: dict[str, float] = defaultdict(float)
    for (stage, _), seconds in busy.items():
        own[stage] += seconds or 0.0
        if stage in WITHIN:
            own[WITHIN[stage]] -= seconds or 0.0
    slowest = max(own, key=lambda stage: own[stage], default=None)
    return slowest if slowest and own[slowest] > 0 else None


def triton(change: Change) -> Table:
    """A row for each version of a model that was asked: requests, time in the queue and in the model, what waits."""
    made = table("model", "/s", "queue ms", "model ms", "pending", "failed/s", title="Triton")
    for labels, _ in sorted(change.now.of(SUCCESS), key=lambda each: (each[0]["model"], each[0]["version"])):
        queued = _mean_s(change, "nv_inference_queue_duration_us", labels)
        computed = _mean_s(change, "nv_inference_compute_infer_duration_us", labels)
        pending = change.now.value("nv_inference_pending_request_count", **labels)
        failed = change.rate("nv_inference_request_failure", **labels)
        # Versions that a promotion left loaded are asked for nothing.
        if change.rate(SUCCESS, **labels) or pending or failed:
            made.add_row(
                f"{labels['model']} {labels['version']}",
                cells.rate(change.rate(SUCCESS, **labels)),
                cells.milliseconds(queued, cells.graded(queued, warn=QUEUED_S, bad=QUEUED_LONG_S)),
                cells.milliseconds(computed),
                cells.count(pending, cells.graded(pending, warn=4, bad=16)),
                cells.rate(failed, cells.BAD if failed else ""),
            )
    return made


def cameras(change: Change) -> Table:
    """A row for each camera of an agent."""
    made = table("camera", "state", "/s", "age p95", "dropped/s", "unsettled", "spool MiB", "oldest", title="Cameras")
    for camera in change.now.label_values("flawgate_camera_up", "camera"):
        age_s = change.distribution("flawgate_inspection_frame_age_seconds", camera=camera).quantile(0.95)
        dropped = change.rate("flawgate_frames_dropped_total", camera=camera)
        oldest_s = change.now.value("flawgate_camera_spool_oldest_age_seconds", camera=camera)
        made.add_row(
            camera,
            _camera_state(change.now, camera),
            cells.rate(change.rate("flawgate_camera_frames_total", camera=camera)),
            cells.milliseconds(age_s),
            cells.rate(dropped, cells.WARN if dropped else ""),
            cells.count(change.now.value("flawgate_camera_unsettled_frames", camera=camera)),
            cells.mebibytes(change.now.value("flawgate_camera_spool_bytes", camera=camera)),
            cells.age(oldest_s, cells.graded(oldest_s, warn=60, bad=600)),
        )
    return made


def _service(name: str, change: Change) -> tuple[Text, ...]:
    now = change.now
    ready = now.value("flawgate_ready") if name == "gateway" else None
    state = Text("up", cells.GOOD) if ready in (None, 1.0) else Text("NOT READY", cells.BAD)
    missing = [labels["dependency"] for labels, up in now.of("flawgate_dependency_up") if not up]
    if missing:
        state.append(f": {', '.join(missing)}")
    if now.value("flawgate_model_server_up") == 0:
        state = Text("no model server", cells.BAD)
    started = now.value(START)
    memory = now.value("process_resident_memory_bytes")
    version = ", ".join(now.label_values("flawgate_build_info", "version"))
    uptime = cells.age(None if started is None else time.time() - started)
    cpu = change.rate("process_cpu_seconds_total")
    return (
        state,
        uptime,
        cells.busy(cpu),
        cells.mebibytes(memory),
        cells.count(now.value("process_open_fds")),
        Text(version),
    )


def _mean_s(change: Change, total_us: str, labels: Mapping[str, str]) -> float | None:
    mean_us = change.mean(total_us, SUCCESS, **labels)
    return None if mean_us is None else mean_us / 1e6


def _camera_state(now: Samples, camera: str) -> Text:
    if not now.value("flawgate_camera_up", camera=camera):
        return Text("DOWN", cells.BAD)
    if now.value("flawgate_camera_connected", camera=camera) == 0:
        return Text("no gateway", cells.WARN)
    return Text("up", cells.GOOD)
