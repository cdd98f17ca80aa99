import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from support.gateway_cluster import GatewayCluster, running_gateway
from support.gateway_process import gateway_process
from support.grpc_door import DoorCaller, door_caller
from support.pictures import spot_png
from support.ports import free_port

from flawgate.inspection.v1 import types_pb2

SERVICE = "flawgate.inspection.v1.InspectionService"
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
CHANGE_S = 10.0


def health(door: DoorCaller) -> Any:
    """The health service beside the door."""
    return health_pb2_grpc.HealthStub(door.channel)


def asked(service: str) -> health_pb2.HealthCheckRequest:
    """About one service."""
    return health_pb2.HealthCheckRequest(service=service)


def wait_for(door: DoorCaller, status: int) -> None:
    """Until Check says so."""
    deadline = time.monotonic() + CHANGE_S
    while health(door).Check(asked(SERVICE)).status != status:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("service", ["", SERVICE])
def test_health_is_told_of_the_server_and_the_service(door: DoorCaller, service: str) -> None:
    """Check and Watch both answer."""
    assert health(door).Check(asked(service)).status == SERVING
    watch = health(door).Watch(asked(service), timeout=CHANGE_S)
    assert next(iter(watch)).status == SERVING
    watch.cancel()


def test_health_follows_readiness() -> None:
    """A gateway that cannot inspect says NOT_SERVING to those who check, and to those who watch."""
    with running_gateway() as cluster, door_caller(cluster.grpc_target) as door, cluster.client() as client:
        wait_for(door, SERVING)
        watch = health(door).Watch(asked(SERVICE), timeout=CHANGE_S)
        seen = iter(watch)
        assert next(seen).status == SERVING
        cluster.stop_preprocessing()
        assert next(seen).status == NOT_SERVING
        assert client.get("/readyz").status_code == 503
        wait_for(door, NOT_SERVING)
        watch.cancel()


def test_a_service_that_is_not_there_is_unknown(door: DoorCaller) -> None:
    """NOT_FOUND."""
    with pytest.raises(grpc.RpcError) as raised:
        health(door).Check(asked("flawgate.inspection.v1.Nowhere"))
    assert raised.value.code() is grpc.StatusCode.NOT_FOUND


def services(door: DoorCaller) -> list[str]:
    """What reflection lists."""
    stub: Any = reflection_pb2_grpc.ServerReflectionStub(door.channel)
    requests = iter([reflection_pb2.ServerReflectionRequest(list_services="")])
    (answer,) = stub.ServerReflectionInfo(requests, timeout=CHANGE_S)
    return sorted(service.name for service in answer.list_services_response.service)


def test_reflection_lists_the_door_where_it_is_set(door: DoorCaller) -> None:
    """And is not there where it is not."""
    with running_gateway(reflection=True) as cluster, door_caller(cluster.grpc_target) as open_door:
        assert SERVICE in services(open_door)
    with pytest.raises(grpc.RpcError) as raised:
        services(door)
    assert raised.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_a_stop_under_way_answers_what_was_begun(cluster: GatewayCluster, tmp_path: Path) -> None:
    """SIGTERM: NOT_SERVING at once, still serving for `drain_s`, running calls end, exit status 0."""
    port = free_port()
    with (
        gateway_process(cluster, grpc_port=port, data_dir=tmp_path, drain_s=0.6) as (process, _),
        door_caller(f"127.0.0.1:{port}") as door,
        ThreadPoolExecutor(1) as executor,
    ):
        wait_for(door, SERVING)
        cluster.model_server.delay_s = 1.2
        begun = executor.submit(door.inspect, spot_png(255))
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        assert health(door).Check(asked(SERVICE)).status == NOT_SERVING
        assert begun.result().evaluation == types_pb2.EVALUATION_NOT_OK
        assert process.wait(10) == 0


def test_a_call_that_does_not_end_in_time_has_no_evaluation(cluster: GatewayCluster, tmp_path: Path) -> None:
    """After `grace_s` it is cut off with an error: never silence, never an evaluation; the process ends."""
    port = free_port()
    with (
        gateway_process(cluster, grpc_port=port, data_dir=tmp_path, grace_s=0.2) as (process, _),
        door_caller(f"127.0.0.1:{port}") as door,
        ThreadPoolExecutor(1) as executor,
    ):
        wait_for(door, SERVING)
        cluster.model_server.delay_s = 8
        begun = executor.submit(door.inspect, spot_png(255))
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        assert isinstance(begun.exception(), Exception)
        assert process.wait(5) == 0
    cluster.model_server.delay_s = 0
