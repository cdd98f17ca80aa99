"""The boards over a running line: what each panel asks, a real Prometheus answers."""

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.boards import BOARDS, ROOT, Asked, queries
from support.line_faults import says, sees, sink_answers
from support.line_recipes import STEADY, black_pictures
from support.monitored import UNLIT, Line, monitored_line, watched
from support.prometheus import Prometheus

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

FACTOR = 10
SCRAPE_MS = 1000
"""A busy machine answers a scrape within it."""
FILL_S = 120.0
PNG = {"content-type": "image/png"}

GPU = """nv_gpu_utilization{gpu_uuid="GPU-1"} 0.5
nv_gpu_memory_used_bytes{gpu_uuid="GPU-1"} 5e9
nv_gpu_memory_total_bytes{gpu_uuid="GPU-1"} 1.1e10
nv_gpu_power_usage{gpu_uuid="GPU-1"} 150
nv_gpu_power_limit{gpu_uuid="GPU-1"} 250
"""

LAST = (
    "flawgate_drift_psi",
    "cluster:flawgate_inspection_errors:ratio_increase3d",
    "cluster:flawgate_slow_inspections:ratio_increase3d",
    'flawgate_sink_deliveries_total{result="dead"} > 0',
    'flawgate_inspections_total{evaluation="NOT_DECIDABLE"} > 0',
    'flawgate_inspection_failures_total{fault="client"} > 0',
    'flawgate_rpc_requests_total{code="INVALID_ARGUMENT"} > 0',
)
"""What comes last."""

QUIET = {
    "models: How long do the TLS certificates last? {{job}}: {{file}}": "this cluster has no TLS",
    "models: Why did the canary not judge? {{recipe}}: {{reason}}": "this gateway has no canary",
    "models: How often does the shadow differ? {{recipe}}": "this gateway has no shadow",
    "models: How far are the shadow's scores from those answered? {{recipe}}: p50": "this gateway has no shadow",
    "models: How far are the shadow's scores from those answered? {{recipe}}: p95": "this gateway has no shadow",
    "models: How many comparisons came to nothing? {{recipe}}: {{result}}": "this gateway has no shadow",
    "line: How many frames did nobody inspect, and why? {{cause}}": "no frame is lost",
    "latency: How often did services start anew? {{job}}": "none does",
    "cameras: How many frames were dropped, and why? {{camera}}: {{cause}}": "none is",
    "cameras: What becomes of the triggers? {{camera}}: {{fate}}": "these cameras have no trigger",
    "cameras: Why do cameras fail? {{camera}}: {{cause}}": "none does",
    "cameras: Which lamps, horns and interlocks are on? {{camera}}: {{alarm}}": "these cameras have no alarm",
    "cameras: Which alarms could not be shown? {{camera}}: {{alarm}}": "these cameras have no alarm",
    "objectives: What burns the budget of verdicts? {{reason}}": "no inspection fails by a fault of the service",
    "objectives: What burns the budget of verdicts? NOT_DECIDABLE: {{reason}}": "golden frames pass, all are in time",
    "sinks: Which operations of the archive fail? {{operation}}": "none does",
    "triton: Which requests does Triton refuse or fail? {{model}}: {{reason}}": "it answers all of them",
    "line: Which alerts fire?": "on a good day none does",
}
"""Query that may come to nothing → why it does here. Its panel says so in words."""


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The queries that came to nothing, after good frames, dark ones, and some that are no pictures."""
    folder = tmp_path_factory.mktemp("prometheus") / "boards"
    with (
        monitored_line(tmp_path_factory.mktemp("line")) as line,
        watched(line, folder, FACTOR, SCRAPE_MS) as (prometheus, _),
    ):
        line.traffic.paused = False
        with ExitStack() as stack:
            for fault in (sees((UNLIT,), black_pictures()), sink_answers("refusing", 400), says("triton", GPU)):
                stack.enter_context(fault(line))
            filled = prometheus.until(lambda: _is_filled(line, prometheus), FILL_S)
            assert filled is not None, [query for query in LAST if not prometheus.query(query)]
            return _asked(prometheus, folder)


def _is_filled(line: Line, prometheus: Prometheus) -> bool:
    line.cluster.http.post("/v1/inspections", params={"recipe": STEADY}, content=b"no picture", headers=PNG)
    return all(prometheus.query(query) for query in LAST)


def _asked(prometheus: Prometheus, folder: Path) -> set[str]:
    """What `monitoring.grafana.preview` says."""
    where = ["--prometheus", prometheus.url, "--scrape-interval", str(SCRAPE_MS / 1000)]
    command = [
        sys.executable,
        "-m",
        "monitoring.grafana.preview",
        "--pages-only",
        "--minutes",
        "1",
        "--out",
        str(folder),
    ]
    told = subprocess.run([*command, *where], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (told.returncode, told.stderr) == (0, "")
    assert {page.stem for page in folder.glob("*.html")} == BOARDS.keys()
    return set(told.stdout.splitlines())


@pytest.mark.parametrize("asked", queries(), ids=str)
def test_a_query_has_data(empty: set[str], asked: Asked) -> None:
    """A panel shows something, or says in words why there is nothing."""
    said = asked.panel["fieldConfig"]["defaults"].get("noValue")
    assert str(asked) not in empty or (str(asked) in QUIET and said)


def test_what_may_be_quiet_is_asked() -> None:
    """The list of what may come to nothing names queries of the boards."""
    assert QUIET.keys() <= {str(asked) for asked in queries()}
