from collections import Counter
from io import StringIO

import pytest
from rich.console import Console

from flawgate_camera.frames import DropCause
from flawgate_camera.simulate.printing import EVALUATIONS, print_cameras, print_confusion
from flawgate_camera.simulate.report import CameraReport
from flawgate_camera.simulate.stock import Truth


def long_report(number: int) -> CameraReport:
    """Of a camera that ran for days, with everything that may happen."""
    return CameraReport(
        camera=f"cam{number}",
        stream_id=None,
        frames=1_234_567,
        missed=1,
        results=1_000_000,
        dropped={DropCause.SUPERSEDED: 234_000, DropCause.STALE: 500, DropCause.FAILED: 60, DropCause.STOPPED: 7},
        unsettled=0,
        on_time_share=1.0,
        age_p50_s=0.1234,
        age_p95_s=12.345,
        age_p99_s=3599.9,
        late=1,
        replayed=12_345,
        reconnects=1000,
        faults=(),
    )


@pytest.mark.parametrize("width", [80, 120])
def test_the_tables_fit_into_a_terminal(width: int) -> None:
    """Nothing is cut short, even after days."""
    shown = StringIO()
    console = Console(file=shown, width=width)
    print_cameras(console, [long_report(1), long_report(64)], title="texture", deadline_s=0.25)
    matrix = Counter({(truth, evaluation): 1_234_567 for truth in Truth for evaluation in EVALUATIONS})
    print_confusion(console, matrix)
    lines = shown.getvalue().splitlines()
    assert not any("…" in line for line in lines)
    assert max(len(line.rstrip()) for line in lines) <= width
    assert sum("cam64" in line and "3599.9" in line for line in lines) == 1
    assert sum("defective" in line and line.count("1234567") == 4 for line in lines) == 1
