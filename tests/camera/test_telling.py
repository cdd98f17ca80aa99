import pytest
from prometheus_client import CollectorRegistry
from support.camera_parts import MemoryObserver, camera_table

from flawgate.inspection.v1 import inspection_pb2 as pb
from flawgate.inspection.v1 import types_pb2
from flawgate_camera.health import Standing
from flawgate_camera.observer import PrometheusObserver
from flawgate_camera.standalone.messages import SERVICE_VERSION
from flawgate_camera.stream.facts import Outcome
from flawgate_camera.telling import Teller
from flawgate_contracts.metrics.camera import CameraMetrics


@pytest.mark.parametrize(("version", "counted"), [("0.1.0", 1.0), (SERVICE_VERSION, 0.0)], ids=["gateway", "agent"])
def test_a_late_answer_is_counted_once(version: str, counted: float) -> None:
    """Of a frame in an old spool: that of the gateway now, the agent's own was counted when it was made."""
    registry = CollectorRegistry()
    table = camera_table()
    observer = PrometheusObserver(CameraMetrics(registry), table.name, "lossless")
    teller = Teller(table, Standing(table.name, MemoryObserver()), observer, judges_itself=True)
    said = pb.Inspection(evaluation=types_pb2.EVALUATION_OK, service_version=version)
    teller.answered_late(Outcome(sequence=1, inspection=said))
    labels = {"camera": table.name, "evaluation": "OK"}
    assert registry.get_sample_value("flawgate_camera_results_total", labels) == counted
