"""Faults of a running line, the alerts that tell of them, and how they end: with a real Prometheus.

The processes of `flawgate up` run with their real Triton, an agent with four cameras, two sinks and a PostgreSQL. A
Prometheus scrapes them with the rules of `monitoring/`, whose times are divided by 40: a minute of the rules is a
second and a half here, and so are those of the table, of which an alert may take three times as long
(`fault_story.PATIENCE`): other tests run beside these. What takes a process a second to notice, or to start, takes it
that here.

Not caused here, but shown by a stand-in, one more target of Prometheus: a GPU whose memory is full and a queue in
Triton (there is no GPU here, and these models are too quick for a queue), and a second decision service of another
version.

Not seen here, but in the cases of `monitoring/rules/tests` (promtool): that tickets of burn rates end, since their
windows are as long as these tests; what first is a ticket and becomes a page when it lasts (`FlawgateOutboxStalled`,
`FlawgateSpoolGrowing`); and the milder or graver kind of an alert, where one of both is caused here.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from support import line_faults as faults
from support.fault_story import MINUTE_S, PAGE, TICKET, Case, Story, played, wait_for
from support.line_recipes import STEADY, SWAPPED, WATCHED, black_pictures, good_parts, other_parts
from support.monitored import BUSIEST, UNLIT, Line, monitored_line, watched
from support.prometheus import MONITORING

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

FACTOR = 60 / MINUTE_S
RESTART_FACTOR = 6
"""A restart takes seconds; divided as above, the rules would take it for minutes."""
COUNTED = f'flawgate_inspections_total{{station="{STEADY}"}}'
SETTLED_S = 1.0
STEADY_S = 4.0
EMPTY_S = 60.0

GPU = """nv_gpu_memory_used_bytes{gpu_uuid="GPU-1"} 1.09e10
nv_gpu_memory_total_bytes{gpu_uuid="GPU-1"} 1.1e10
"""
QUEUE = 'nv_inference_pending_request_count{model="steady_seg",version="1"} 12\n'
OTHER_MODEL = f'flawgate_model_info{{model="{STEADY}_seg",version="2",sha256="{"0" * 64}",precision="fp32"}} 1\n'
OTHER_BUILD = 'flawgate_build_info{service="decision",version="0.0.1",commit=""} 1\n'

DARK = faults.sees((UNLIT,), black_pictures())
BUSY = faults.sink_answers("busy", 503)
REFUSING = faults.sink_answers("refusing", 400)
OTHER_PARTS = faults.sees(BUSIEST, other_parts())
FULL_GPU = faults.says("triton", GPU)
QUEUEING = faults.says("triton", QUEUE)
TWO_MODELS = faults.says("decision", OTHER_MODEL)
ENDED = faults.says(
    "decision", 'flawgate_certificate_expiry_timestamp_seconds{file="DECISION_TLS_CERTIFICATE_FILE"} 1\n'
)
TWO_BUILDS = faults.says("decision", OTHER_BUILD)

# The table: fault, what causes and heals it (see `line_faults`), alert, severity, within how many minutes of
# the rules it fires after the fault, and ends after the fault's end (None: not seen here), further labels. Faults of
# one tuple are under way at once, the tuples one after the other; what comes later may prolong an alert, since it drops
# frames, too, and lets others wait on disk.
FAULTS = (
    (
        Case("slow network", faults.slow_network, "FlawgateInspectionLatencyBudgetBurn", PAGE, 30, 75),
        Case("slow network", faults.slow_network, "FlawgateInspectionLatencyBudgetBurn", TICKET, 60, None),
        Case("too many callers", faults.crowd, "FlawgateAdmissionRejecting", TICKET, 30, 30),
        Case("too many callers", faults.crowd, "FlawgateFramesDropped", TICKET, 60, 150, {"camera": "fresh"}),
        Case("too many callers", faults.crowd, "FlawgateInspectionErrorBudgetBurn", PAGE, 30, 120),
        Case("too many callers", faults.crowd, "FlawgateInspectionErrorBudgetBurn", TICKET, 60, None),
    ),
    (
        Case("no light", DARK, "FlawgateNotDecidableRatioHigh", PAGE, 30, 30),
        Case("no light", DARK, "FlawgateNotDecidableRatioHigh", TICKET, 30, 30),
        Case("sink busy", BUSY, "FlawgateOutboxStalled", TICKET, 45, 20, {"sink": "busy"}),
        Case("sink refuses", REFUSING, "FlawgateSinkDead", TICKET, 15, 90, {"sink": "refusing"}),
        Case("camera unplugged", faults.camera_unplugged, "FlawgateCameraDown", PAGE, 15, 15, {"camera": "unplugged"}),
        Case("GPU's memory full (stand-in)", FULL_GPU, "FlawgateGpuMemoryHigh", TICKET, 30, 10),
        Case("queue in Triton (stand-in)", QUEUEING, "FlawgateTritonQueueLong", TICKET, 30, 15),
        Case("certificate ended (stand-in)", ENDED, "FlawgateCertificateExpires", PAGE, 30, 20),
        Case("two models (stand-in)", TWO_MODELS, "FlawgateModelVersionSkew", TICKET, 30, 10),
    ),
    (
        Case("gateway dead", faults.gateway_killed, "FlawgateServiceDown", PAGE, 10, 30, {"job": "gateway"}),
        Case("gateway dead", faults.gateway_killed, "FlawgateSpoolGrowing", TICKET, 30, 120, {"camera": "kept"}),
    ),
    (Case("network cut", faults.network_cut, "FlawgateNotReady", PAGE, 15, 20),),
    (Case("no golden checks", faults.golden_checks_rare, "FlawgateGoldenCheckStale", TICKET, 30, 20),),
    (
        Case("database dead", faults.database_stopped, "FlawgateRecordsDown", PAGE, 15, 20),
        Case(
            "service dead", faults.preprocessing_killed, "FlawgateServiceDown", PAGE, 10, 30, {"job": "preprocessing"}
        ),
    ),
    (
        Case("model swapped", faults.model_swapped, "FlawgateGoldenCheckFailed", PAGE, 15, 30, {"recipe": SWAPPED}),
        Case("archive gone", faults.archive_gone, "FlawgateArchiveFailing", PAGE, 15, 20),
    ),
    (Case("Triton dead", faults.triton_killed, "FlawgateModelServerDown", PAGE, 15, 30),),
    (
        Case("other parts", OTHER_PARTS, "FlawgateInputDrift", TICKET, 60, 90, {"recipe": WATCHED}),
        Case("other parts", OTHER_PARTS, "FlawgateRejectRateShift", TICKET, 60, 75, {"recipe": WATCHED}),
        Case("other parts", OTHER_PARTS, "FlawgateArchiveFull", TICKET, 60, 45),
        Case("camera silent", faults.nothing_to_see, "FlawgateCameraSilent", TICKET, 60, 10, {"camera": "silent"}),
        Case("two versions (stand-in)", TWO_BUILDS, "FlawgateVersionSkew", TICKET, 90, 15),
    ),
)
CASES = [case for together in FAULTS for case in together]


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    """A line without a fault."""
    with monitored_line(tmp_path_factory.mktemp("line")) as running:
        yield running


@pytest.fixture(scope="module")
def story(line: Line, tmp_path_factory: pytest.TempPathFactory) -> Story:
    """All faults of the table, played."""
    with watched(line, tmp_path_factory.mktemp("faults") / "prometheus", FACTOR) as (_, log):
        line.traffic.paused = False
        return played(line, log, FAULTS)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.fault}-{case.alert}-{case.severity}")
def test_a_fault_is_told_and_its_end_too(story: Story, case: Case) -> None:
    """The alert does not fire before the fault, fires within its time, and ends within its time once that is healed."""
    told = story.told(case)
    assert not told.before
    assert told.fired is not None
    assert told.fired <= case.fires_s
    if case.heals_s is not None:
        assert told.resolved is not None
        assert told.resolved <= case.heals_s


def test_the_table_has_every_alert() -> None:
    """An alert of the rules that no fault of the table causes is a hole in it."""
    rules = yaml.safe_load((MONITORING / "rules/alerts.yml").read_text("utf-8"))
    alerts = {rule["alert"] for group in rules["groups"] for rule in group["rules"]}
    assert {case.alert for case in CASES} | {"Watchdog"} == alerts


def test_restarts_make_no_alarm_and_no_false_rates(line: Line, tmp_path: Path) -> None:
    """Each service is restarted while frames go on: no alert fires, and Prometheus counts what was inspected.

    An alert that waits for a minute may fire where a restart took so long on a busy machine.
    """
    traffic = line.traffic
    traffic.paused, traffic.patient, traffic.pause_s = True, True, 0.02
    traffic.folders.clear()
    traffic.frames = {**dict.fromkeys(traffic.recipes, ()), STEADY: good_parts()}
    with watched(line, tmp_path / "prometheus", RESTART_FACTOR) as (prometheus, log):
        wait_for(lambda: prometheus.is_zero("max(flawgate_camera_unsettled_frames)"), time.monotonic() + EMPTY_S)
        began, before = time.monotonic(), traffic.answers[201]
        traffic.paused = False
        took = [restarted_s(line, name) for name in line.cluster.names]
        traffic.paused = True
        time.sleep(SETTLED_S)
        inspected = traffic.answers[201] - before
        counted = prometheus.value(f"sum(increase({COUNTED}[5m]))")
        fastest = prometheus.value(f"max_over_time(sum(rate({COUNTED}[2s]))[5m:250ms])")
    lasting = {"FlawgateServiceDown", "FlawgateModelServerDown", "FlawgateNotReady"}
    assert log.names(began) - (lasting if max(took) > 60 / RESTART_FACTOR else set()) == {"Watchdog"}
    assert counted == pytest.approx(inspected, rel=0.05)
    assert fastest < 1 / traffic.pause_s


def restarted_s(line: Line, name: str) -> float:
    """Restart a process in order; gives how long it took until frames could be inspected again, in seconds."""
    began = time.monotonic()
    line.cluster.restart(name)
    time.sleep(SETTLED_S)
    line.cluster.wait_until_ready()
    took = time.monotonic() - began
    time.sleep(STEADY_S)
    return took
