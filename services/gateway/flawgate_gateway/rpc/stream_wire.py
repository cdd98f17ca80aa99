"""A stream's other side over gRPC."""

import grpc
from google.protobuf.message import DecodeError

from flawgate_contracts.errors import InvalidRequest
from flawgate_contracts.interceptors import Context
from flawgate_gateway.rpc.stream_answers import response_of
from flawgate_gateway.rpc.stream_requests import message_of
from flawgate_gateway.stream.messages import Credit, Hello, Result, SentFrame, SentGap, Welcome


class GrpcWire:
    """See `Wire`. HTTP/2 holds the other side back while nothing is read."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def receive(self) -> Hello | SentFrame | SentGap | None:
        """See `Wire`."""
        try:
            request = await self._context.read()
        except DecodeError as err:
            raise InvalidRequest("The bytes are no message of this method; send one by its proto.") from err
        return None if request is grpc.aio.EOF else message_of(request)

    async def send(self, message: Welcome | Result | Credit) -> None:
        """See `Wire`."""
        await self._context.write(response_of(message))
