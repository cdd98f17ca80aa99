"""A caller of the gateway's gRPC door."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import grpc

from flawgate.inspection.v1 import inspection_pb2 as pb
from flawgate.inspection.v1 import inspection_pb2_grpc
from flawgate_contracts.errors import FlawgateError
from flawgate_contracts.grpc_errors import from_rpc_error

TIMEOUT_S = 20.0
OPTIONS = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]

Metadata = Sequence[tuple[str, str]]


class DoorCaller:
    """Calls one service; an error of the other side is raised as the same class."""

    def __init__(self, channel: grpc.Channel) -> None:
        self.channel = channel
        self.stub: Any = inspection_pb2_grpc.InspectionServiceStub(channel)
        self.trailers: dict[str, Any] = {}
        """Trailing metadata of the last call that was answered."""

    def inspect(
        self,
        frame: bytes | pb.RawFrame,
        recipe: str = "spot",
        *,
        metadata: Metadata = (),
        timeout_s: float | None = TIMEOUT_S,
        **fields: Any,
    ) -> pb.Inspection:
        """`Inspect`. Raises the gateway's `FlawgateError`."""
        picture: dict[str, Any] = {"raw": frame} if isinstance(frame, pb.RawFrame) else {"encoded": frame}
        request = pb.InspectRequest(**picture, recipe=recipe, **fields)
        answer: pb.InspectResponse = self.call("Inspect", request, metadata, timeout_s)
        return answer.inspection

    def get(self, inspection_id: str, *, metadata: Metadata = ()) -> pb.Inspection:
        """`GetInspection`. Raises the gateway's `FlawgateError`."""
        request = pb.GetInspectionRequest(inspection_id=inspection_id)
        answer: pb.GetInspectionResponse = self.call("GetInspection", request, metadata)
        return answer.inspection

    def list(self, *, metadata: Metadata = (), **fields: Any) -> pb.ListInspectionsResponse:
        """`ListInspections`. Raises the gateway's `FlawgateError`."""
        answer: pb.ListInspectionsResponse = self.call("ListInspections", pb.ListInspectionsRequest(**fields), metadata)
        return answer

    def call(self, method: str, request: Any, metadata: Metadata = (), timeout_s: float | None = TIMEOUT_S) -> Any:
        """Any method of the service."""
        try:
            answer, call = getattr(self.stub, method).with_call(request, timeout=timeout_s, metadata=tuple(metadata))
        except grpc.RpcError as err:
            raise refusal(err) from err
        self.trailers = dict(call.trailing_metadata())
        return answer


def refusal(error: Any) -> FlawgateError:
    """What the gateway said, as the class it raised; its gRPC code stands in `metadata["grpc_code"]`."""
    raised = from_rpc_error(error, service="gateway")
    raised.metadata["grpc_code"] = error.code().name
    return raised


@contextmanager
def door_caller(target: str, credentials: grpc.ChannelCredentials | None = None) -> Iterator[DoorCaller]:
    """A caller of `host:port`, for as long as the block runs."""
    channel = (
        grpc.secure_channel(target, credentials, options=OPTIONS)
        if credentials
        else grpc.insecure_channel(target, options=OPTIONS)
    )
    with channel:
        yield DoorCaller(channel)
