"""A service that counts, times and traces nothing, as a yardstick.

    python benchmarks/observability_off.py flawgate_gateway

Its settings come from the environment, as ever; whoever starts it asks for errors alone in its log.
"""

import runpy
import sys
from typing import Any

from prometheus_client import Counter, Gauge, Histogram


def nothing(*_arguments: object, **_named: object) -> None:
    """Do nothing."""


def same(metric: Any, *_values: object, **_named: object) -> Any:
    """Any labels lead to the metric itself."""
    return metric


counters: tuple[Any, ...] = (Counter, Gauge, Histogram)
for kind in counters:
    kind.labels = same
    for method in ("inc", "dec", "set", "set_function", "set_to_current_time", "observe"):
        if hasattr(kind, method):
            setattr(kind, method, nothing)

if __name__ == "__main__":
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__")
