import math
from io import StringIO

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from rich.console import Console
from support.ports import cluster_offset

from flawgate_cli.app import main
from flawgate_cli.local_cluster.layout import Ports
from flawgate_cli.scraping import Samples, parse
from flawgate_cli.top.changes import Change, Distribution
from flawgate_cli.top.polling import Look, urls
from flawgate_cli.top.view import view
from flawgate_contracts.metrics.buckets import STAGE_BUCKETS

GATEWAY = """
process_start_time_seconds {start}
flawgate_ready 1
flawgate_dependency_up{{dependency="records"}} 1
# TYPE flawgate_inspections_total counter
flawgate_inspections_total{{recipe="spot",evaluation="OK",reason="SCORE_BELOW_THRESHOLD"}} {good}
flawgate_inspections_total{{recipe="spot",evaluation="NOT_OK",reason="SCORE_ABOVE_THRESHOLD"}} {bad}
flawgate_inspection_failures_total{{reason="OVERLOADED",fault="service"}} {failed}
flawgate_inspection_duration_seconds_bucket{{recipe="spot",le="0.1"}} {good}
flawgate_inspection_duration_seconds_bucket{{recipe="spot",le="1"}} {all}
flawgate_inspection_duration_seconds_bucket{{recipe="spot",le="+Inf"}} {all}
flawgate_stage_duration_seconds_bucket{{stage="wait",le="0.1"}} {all}
flawgate_stage_duration_seconds_bucket{{stage="wait",le="+Inf"}} {all}
flawgate_stage_duration_seconds_count{{stage="wait"}} {all}
flawgate_stage_duration_seconds_sum{{stage="wait"}} {good}
flawgate_admission_waiting_frames{{recipe="spot"}} 3
flawgate_inspections_in_progress 2
flawgate_outbox_pending{{sink="mes"}} 7
flawgate_outbox_oldest_age_seconds{{sink="mes"}} 400
flawgate_drift_psi{{recipe="spot",feature="mean"}} 0.31
flawgate_drift_psi{{recipe="spot",feature="score"}} 0.02
"""


def gateway(good: int, bad: int = 0, failed: int = 0, start: int = 1) -> Samples:
    """Its metrics after so many inspections; good parts took less than 0.1 s, bad ones between 0.1 and 1 s."""
    return parse(GATEWAY.format(good=good, bad=bad, failed=failed, start=start, all=good + bad))


def shown(before: Look | None, now: Look, width: int = 120) -> str:
    """What is on the screen, a space between any two words."""
    out = StringIO()
    Console(file=out, width=width, color_system=None, force_terminal=False).print(view(before, now, where="here"))
    return "\n".join(" ".join(line.split()) for line in out.getvalue().splitlines())


def test_a_counter_grows_by_what_was_added() -> None:
    """All series with the labels together."""
    change = Change(gateway(10, 5), gateway(20, 10), 5.0)
    assert change.increase("flawgate_inspections_total") == 15
    assert change.rate("flawgate_inspections_total", evaluation="OK") == 2.0
    assert change.rate("no_such_total") is None


@pytest.mark.parametrize(("before", "now"), [(gateway(100), gateway(4, start=2)), (gateway(100), gateway(4))])
def test_a_restart_is_no_fall(before: Samples, now: Samples) -> None:
    """A counter that began anew grew by what it says now, also where the start of its process is not told."""
    change = Change(before, now, 2.0)
    assert change.increase("flawgate_inspections_total", evaluation="OK") == 4
    assert change.distribution("flawgate_inspection_duration_seconds").total == 4


def test_a_restart_counts_where_the_new_numbers_are_higher() -> None:
    """More happened since the start than ever before: the time of the start tells."""
    change = Change(gateway(3), gateway(9, start=2), 1.0)
    assert change.increase("flawgate_inspections_total", evaluation="OK") == 9
    assert change.distribution("flawgate_inspection_duration_seconds").total == 9


def test_a_series_that_is_new_began_at_nought() -> None:
    """And of a service that did not answer before, nothing is known."""
    assert Change(parse("up 1\n"), gateway(8), 1.0).increase("flawgate_inspections_total") == 8
    assert Change(None, gateway(8), 1.0).increase("flawgate_inspections_total") is None
    assert Change(None, gateway(8), 1.0).distribution("flawgate_inspection_duration_seconds").total == 0


def test_counters_without_total_are_found_by_their_own_name() -> None:
    """Triton's are; the parser renames them."""
    samples = parse("# TYPE nv_inference_request_success counter\nnv_inference_request_success 3\n")
    assert samples.value("nv_inference_request_success") == 3
    assert parse("# TYPE a_total counter\na_total 3\n").value("a_total") == 3


def test_only_what_is_wanted_is_kept() -> None:
    """So that the memory of two looks is bounded by what is shown."""
    samples = parse("flawgate_ready 1\nother 2\n", ["flawgate_"])
    assert (samples.value("flawgate_ready"), samples.value("other")) == (1.0, None)


@pytest.mark.parametrize(
    ("share", "expected"), [(0.5, 0.1), (0.25, 0.05), (0.75, 0.6625), (0.95, math.inf), (0.0, 0.0), (0.9, 1.0)]
)
def test_quantiles_are_interpolated(share: float, expected: float) -> None:
    """As Prometheus' histogram_quantile does: 50 below 0.1, 40 up to 1, 10 beyond the last edge."""
    assert Distribution([0.1, 1.0, math.inf], [50, 90, 100]).quantile(share) == pytest.approx(expected)


def test_nothing_has_no_quantile() -> None:
    """Nor has what was not observed."""
    assert Distribution().quantile(0.5) is None
    assert Distribution([0.1, math.inf], [0, 0]).quantile(0.5) is None


def test_quantiles_of_real_histograms_are_near_the_truth() -> None:
    """Of a thousand times spread evenly over 0 to 0.1 s, seen between two looks over what came before."""
    registry = CollectorRegistry()
    histogram = Histogram("stage_seconds", "A stage.", buckets=STAGE_BUCKETS, registry=registry)
    Counter("other", "Not looked at.", registry=registry)
    for _ in range(500):
        histogram.observe(2.0)
    before = parse(generate_latest(registry).decode())
    for number in range(1000):
        histogram.observe(number / 10_000)
    change = Change(before, parse(generate_latest(registry).decode()), 2.0)
    times = change.distribution("stage_seconds")
    assert [times.quantile(share) for share in (0.5, 0.95, 0.99)] == pytest.approx([0.05, 0.095, 0.099], abs=0.002)


def test_the_screen_tells_what_happened_between_two_looks() -> None:
    """Frames by the second, shares, latencies, what waits, what fails, what has drifted."""
    before = Look(0.0, {"gateway": gateway(10), "decision": parse('flawgate_golden_check_passed{recipe="spot"} 1\n')})
    now = Look(
        2.0, {"gateway": gateway(25, 5, 4), "decision": parse('flawgate_golden_check_passed{recipe="spot"} 0\n')}
    )
    screen = shown(before, now)
    assert "the last 2.0 s" in screen
    assert "spot 10.0 75% 25% – 66.7 820 964 3 FAILED 0.31" in screen
    for said in ("in progress 2", "sink mes 7 wait, 7 min", "OVERLOADED 2.0/s", "spot: mean has moved (0.31)"):
        assert said in screen
    assert "score has moved" not in screen


def test_the_first_look_has_no_rates_yet() -> None:
    """But what waits is known."""
    screen = shown(None, Look(0.0, {"gateway": gateway(10)}))
    assert "rates from the next look on" in screen
    assert "spot – – – – – – – 3 – 0.31" in screen


def test_a_service_that_does_not_answer_is_down() -> None:
    """The others are shown as ever."""
    services: dict[str, Samples | str] = {
        "gateway": gateway(1),
        "decision": "does not answer",
        "triton": "answers with status 500",
    }
    screen = shown(None, Look(0.0, services))
    assert "decision DOWN: does not answer" in screen
    assert "triton DOWN: answers with status 500" in screen
    assert "gateway up" in screen


def test_a_gateway_that_is_not_ready_says_why() -> None:
    """With the service that is missing."""
    text = 'flawgate_ready 0\nflawgate_dependency_up{dependency="records"} 0\n'
    assert "gateway NOT READY: records" in shown(None, Look(0.0, {"gateway": parse(text)}))


TRITON = """
# TYPE nv_inference_request_success counter
nv_inference_request_success{{model="spot_seg",version="1"}} {count}
nv_inference_request_success{{model="old",version="1"}} 5
# TYPE nv_inference_queue_duration_us counter
nv_inference_queue_duration_us{{model="spot_seg",version="1"}} {us}
nv_inference_pending_request_count{{model="spot_seg",version="1"}} 6
"""


def test_tritons_queue_is_shown() -> None:
    """For models that are asked; versions that only lie there are not."""
    before, now = (
        Look(at, {"triton": parse(TRITON.format(count=count, us=us))}) for at, count, us in ((0, 0, 0), (2, 10, 1e6))
    )
    screen = shown(before, now)
    assert "spot_seg 1 5.0 100 – 6" in screen
    assert "old" not in screen


CAMERA = """
flawgate_camera_up{{camera="left"}} 1
flawgate_camera_connected{{camera="left"}} {connected}
flawgate_camera_frames_total{{camera="left"}} {frames}
flawgate_frames_dropped_total{{camera="left",cause="stale",policy="latest"}} {frames}
flawgate_camera_spool_bytes{{camera="left"}} 5242880
flawgate_camera_spool_oldest_age_seconds{{camera="left"}} 90
"""


def test_cameras_of_an_agent_are_shown() -> None:
    """With what they drop and what waits on disk."""
    agent = "http://line4:9084"
    before, now = (Look(at, {agent: parse(CAMERA.format(connected=0, frames=at * 3))}) for at in (0, 2))
    assert "left no gateway 3.0 – 3.0 – 5 90 s" in shown(before, now)


@pytest.mark.parametrize("width", [80, 120])
def test_nothing_is_cut_off(width: int) -> None:
    """At the widths that terminals have."""
    before, now = (
        Look(at, {"gateway": gateway(count, count), "triton": parse("up 1\n")}) for at, count in ((0, 1), (9, 999))
    )
    screen = shown(before, now, width)
    assert "…" not in screen
    assert max(map(len, screen.splitlines())) <= width


def test_ports_and_agents_become_urls() -> None:
    """With or without `/metrics` at the end."""
    asked = urls("::1", Ports(), ["http://line4:9084", "http://line5:9084/metrics"])
    assert asked["decision"] == "http://[::1]:9083/metrics"
    assert (asked["http://line4:9084"], asked["http://line5:9084"]) == (
        "http://line4:9084/metrics",
        "http://line5:9084/metrics",
    )


def test_once_prints_a_picture_and_tells_that_nobody_answers(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 1, for scripts."""
    with pytest.raises(SystemExit) as exit_:
        main(["top", "--once", "--interval", "0.2", "--port-offset", str(cluster_offset())])
    assert exit_.value.code == 1
    assert " ".join(capsys.readouterr().out.split()).count("DOWN: does not answer") == 4
