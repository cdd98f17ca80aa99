import signal
import time
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from support.api_keys import KeyMaker
from support.gateway_cluster import GatewayCluster, running_gateway
from support.gateway_process import gateway_process
from support.grpc_door import DoorCaller, door_caller
from support.pictures import spot_pixels, spot_png
from support.ports import free_port
from support.stream_door import StreamCaller, frame, gap, hello, streaming

from flawgate.inspection.v1 import inspection_pb2 as pb
from flawgate.inspection.v1 import types_pb2
from flawgate_contracts.errors import (
    Conflict,
    FlawgateError,
    ModelServerUnavailable,
    Overloaded,
    PermissionDenied,
    Unauthenticated,
    Unavailable,
)
from flawgate_gateway.access.caller import Scope
from flawgate_gateway.ports import STAGES


def test_frames_are_answered_in_their_order(door: DoorCaller, gateway: httpx.Client) -> None:
    """Each with its number; the record has the number too, and what the hello said."""
    stream_id = str(uuid4())
    with streaming(door) as stream:
        welcome = stream.open(hello(stream_id))
        assert (welcome.recorded, welcome.credits) == (0, 4)
        results = stream.settle([frame(number, part=f"SN-{number}") for number in range(1, 11)])
        stream.finish()
    assert [result.sequence for result in results] == list(range(1, 11))
    assert not any(result.replayed for result in results)
    third = gateway.get(f"/v1/inspections/{results[2].inspection.inspection_id}").json()
    assert third["capture"] == {"stream_id": stream_id, "sequence": 3, "trigger_id": None}
    assert (third["station"], third["camera"], third["part"]) == ("S4", "top", "SN-3")
    assert door.get(results[2].inspection.inspection_id) == results[2].inspection


def test_a_frame_says_all_that_a_request_may(door: DoorCaller) -> None:
    """Raw pixels, the trigger's name, lot and order; the hello holds where the frame says nothing."""
    pixels = pb.RawFrame(data=spot_pixels(255).tobytes(), width=24, height=32, channels=1)
    with streaming(door) as stream:
        stream.open(hello(identity=pb.Identity(station="S4", camera="top", lot="47")))
        said = pb.StreamFrame(
            sequence=1, raw=pixels, trigger_id="t-9", part="SN-1", work_order="WO-8", deadline_ms=9000
        )
        own_lot = frame(2, lot="48")
        first, second = (result.inspection for result in stream.settle([said, own_lot]))
    assert (first.identity.lot, first.identity.part, first.identity.work_order) == ("47", "SN-1", "WO-8")
    assert (first.capture.trigger_id, first.evaluation) == ("t-9", types_pb2.EVALUATION_NOT_OK)
    assert (second.identity.lot, second.capture.HasField("trigger_id")) == ("48", False)


def test_a_gap_is_on_record(door: DoorCaller, gateway: httpx.Client) -> None:
    """Frames and gaps together are all numbers, and the REST door says so."""
    stream_id = str(uuid4())
    with streaming(door) as stream:
        stream.open(hello(stream_id, delivery=pb.DELIVERY_POLICY_LATEST))
        results = stream.settle([frame(1), gap(2, 4), frame(5), gap(6, 6, pb.DROP_CAUSE_STALE)])
    assert [result.WhichOneof("outcome") for result in results] == ["inspection", "gap", "inspection", "gap"]
    assert [result.sequence for result in results] == [1, 4, 5, 6]
    facts = gateway.get(f"/v1/streams/{stream_id}").json()
    assert (facts["frames"], facts["inspections"], facts["missing"]) == (6, 2, [])
    assert facts["dropped"] == {"SUPERSEDED": 3, "STALE": 1}
    assert (facts["station"], facts["camera"], facts["recipe"], facts["delivery"]) == ("S4", "top", "spot", "latest")


def test_what_is_sent_again_after_a_cut_is_answered_from_the_record(door: DoorCaller) -> None:
    """Word for word, without another inference."""
    said = hello()
    with streaming(door) as stream:
        stream.open(said)
        first = stream.settle([frame(number) for number in range(1, 4)])
    with streaming(door) as stream:
        assert stream.open(said).recorded == 3
        again = stream.settle([frame(number) for number in range(1, 5)])
    assert [result.replayed for result in again] == [True, True, True, False]
    assert [result.inspection for result in again[:3]] == [result.inspection for result in first]


def test_a_gateway_killed_in_mid_stream_loses_and_repeats_nothing(cluster: GatewayCluster, tmp_path: Path) -> None:
    """What was answered is on record; what was not is sent again to the next gateway, and each has one record."""
    said, port = hello(), free_port()
    settings = {"grpc_port": port, "data_dir": tmp_path}
    with (
        gateway_process(cluster, **settings) as (process, _),
        door_caller(f"127.0.0.1:{port}") as door,
        streaming(door) as stream,
    ):
        stream.open(said)
        answered = stream.settle([frame(number) for number in range(1, 6)])
        stream.send(frame(6), frame(7))
        process.kill()
        with pytest.raises(FlawgateError) as raised:
            [stream.result() for _ in range(3)]
        assert raised.value.retryable
    with (
        gateway_process(cluster, **settings) as (_, client),
        door_caller(f"127.0.0.1:{port}") as door,
        streaming(door) as stream,
    ):
        stream.open(said)
        again = stream.settle([frame(number) for number in range(1, 9)])
        facts = client.get(f"/v1/streams/{said.stream_id}").json()
        records = client.get("/v1/inspections").json()["inspections"]
    assert [result.inspection for result in again[:5]] == [result.inspection for result in answered]
    assert (facts["frames"], facts["inspections"], facts["missing"]) == (8, 8, [])
    assert sorted(record["capture"]["sequence"] for record in records) == list(range(1, 9))


def test_a_stop_ends_streams_at_once_and_retryably(cluster: GatewayCluster, tmp_path: Path) -> None:
    """SIGTERM is not held up by a camera that is idle; it opens the stream again elsewhere."""
    port = free_port()
    with (
        gateway_process(cluster, grpc_port=port, data_dir=tmp_path) as (process, _),
        door_caller(f"127.0.0.1:{port}") as door,
        streaming(door) as stream,
    ):
        stream.open()
        assert len(stream.settle([frame(1)])) == 1
        process.send_signal(signal.SIGTERM)
        with pytest.raises(Unavailable, match="stopping"):
            stream.result()
        assert process.wait(5) == 0


def test_the_newer_connection_wins(door: DoorCaller) -> None:
    """The older one is ended: ABORTED."""
    said = hello()
    with streaming(door) as older, streaming(door) as newer:
        older.open(said)
        newer.open(said)
        with pytest.raises(Conflict) as raised:
            older.result()
        assert raised.value.metadata["grpc_code"] == "ABORTED"
        assert len(newer.settle([frame(1)])) == 1


def settled_at_last(door: DoorCaller, said: pb.StreamHello, sent: pb.StreamFrame) -> list[pb.StreamResult]:
    """Open the stream again and again, as a camera's side does, until a frame is settled."""
    for _ in range(100):
        try:
            with streaming(door) as stream:
                stream.open(said)
                return stream.settle([sent])
        except Unavailable:
            time.sleep(0.05)
    raise AssertionError("the recipe does not come back")


def test_a_model_server_that_is_away_ends_a_lossless_stream(cluster: GatewayCluster, door: DoorCaller) -> None:
    """UNAVAILABLE after the answers before; a stream of `latest` goes on with the next frame."""
    said = hello()
    with streaming(door) as stream, streaming(door) as latest:
        stream.open(said)
        latest.open(hello(delivery=pb.DELIVERY_POLICY_LATEST))
        assert len(stream.settle([frame(1)])) == 1
        cluster.model_server.down = ModelServerUnavailable("Away.")
        try:
            stream.send(frame(2))
            with pytest.raises(Unavailable):
                stream.result()
            (dropped,) = latest.settle([frame(1)])
        finally:
            cluster.model_server.down = None
        # Which of the two it is depends on whether decision had noticed it when the call was tried again.
        assert dropped.error.reason in {"MODEL_SERVER_UNAVAILABLE", "RECIPE_UNAVAILABLE"}
        assert dropped.error.cause == pb.DROP_CAUSE_FAILED
    said.next_sequence = 2
    (again,) = settled_at_last(door, said, frame(2))
    assert not again.replayed


def test_a_decision_of_the_cameras_own_goes_on_record(door: DoorCaller, cluster: GatewayCluster) -> None:
    """As it is, its picture kept, and read back over both doors alike."""
    own = pb.Inspection.FromString(door.inspect(spot_png(255)).SerializeToString())
    own.inspection_id = "01939c1e-7b1a-7c43-9d5e-3f1c2a9b8e10"
    own.service_version = "flawgate-camera 0.1.0"
    inferences = cluster.model_server.inferences
    with streaming(door) as stream:
        stream.open()
        (result,) = stream.settle([frame(1, decided=own, part="SN-1")])
    assert result.inspection == door.get(own.inspection_id)
    told = result.inspection
    assert (told.service_version, told.decided_at, told.score) == (own.service_version, own.decided_at, own.score)
    assert (told.defects, told.policy, told.models) == (own.defects, own.policy, own.models)
    assert cluster.model_server.inferences == inferences
    with cluster.client() as client:
        assert client.get(told.links.frame).content == spot_png(255)
        assert client.get(told.links.overlay).status_code == 200


def test_streams_are_counted(cluster: GatewayCluster, door: DoorCaller) -> None:
    """Those that are open, their frames by what came of them, and gaps by their cause."""
    counted = {"recipe": "spot", "station": "S4", "evaluation": "NOT_OK", "reason": "SCORE_ABOVE_THRESHOLD"}
    inspections = cluster.value("flawgate_inspections_total", **counted)
    stages = {stage: cluster.value("flawgate_stage_duration_seconds_count", stage=stage) for stage in STAGES}
    before = cluster.value("flawgate_stream_frames_total", outcome="inspected")
    gaps = cluster.value("flawgate_gap_frames_total", cause="SPOOL_FULL")
    with streaming(door) as stream:
        stream.open()
        assert cluster.value("flawgate_streams_open") >= 1
        stream.settle([frame(1), gap(2, 5, pb.DROP_CAUSE_SPOOL_FULL)])
        stream.finish()
    assert cluster.value("flawgate_stream_frames_total", outcome="inspected") == before + 1
    assert cluster.value("flawgate_gap_frames_total", cause="SPOOL_FULL") == gaps + 4
    assert cluster.value("flawgate_inspections_total", **counted) == inspections + 1
    for stage in STAGES:
        assert cluster.value("flawgate_stage_duration_seconds_count", stage=stage) == stages[stage] + 1


def test_more_streams_than_calls_may_be_open(tmp_path: Path) -> None:
    """They take nothing from calls; beyond their own bound they are told to try again."""
    with running_gateway(max_concurrent_calls=2, max_streams=4) as cluster, door_caller(cluster.grpc_target) as door:
        open_streams = [StreamCaller(door) for _ in range(4)]
        for stream in open_streams:
            stream.open()
        with streaming(door) as fifth, pytest.raises(Overloaded):
            fifth.open()
        assert door.inspect(spot_png(255)).evaluation == types_pb2.EVALUATION_NOT_OK
        for stream in open_streams:
            stream.cut()


def test_a_stream_needs_a_key_with_the_scope(tmp_path: Path) -> None:
    """As every other way of sending frames."""
    with (
        running_gateway(data_dir=tmp_path / "data", access="keys") as cluster,
        door_caller(cluster.grpc_target) as door,
    ):
        keys = KeyMaker(f"sqlite:///{tmp_path}/data/records.db")
        good, other = (list(keys.headers(scope).items()) for scope in (Scope.INSPECT, Scope.READ))
        with streaming(door) as stream, pytest.raises(Unauthenticated):
            stream.open()
        with streaming(door, other) as stream, pytest.raises(PermissionDenied):
            stream.open()
        with streaming(door, good) as stream:
            stream.open()
            assert len(stream.settle([frame(1)])) == 1
